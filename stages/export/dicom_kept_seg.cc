/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_kept_seg -- a SEG's pixels less what goes.   dicom_kept -> [dicom_kept_seg] */
#include "stages/export/dicom_kept_inside.h"

#include <cmath>
#include <cstring>
#include <map>

namespace
{

/* A pixel of a segment, and the voxel of the map it lies in; -1: beyond it. */
struct Pixel {
    size_t at; /* frame * rows * columns + row * columns + column */
    long long voxel;
    Fate fate;
};

class Pixels
{
  public:
    explicit Pixels(DcmDataset *of) : set(of)
    {
        Uint16 rows = 0, columns = 0, bits = 0, padding = 0;
        Sint32 count = 0;
        Uint8 *bytes = nullptr;
        Uint16 *words = nullptr;
        DcmElement *element = nullptr;
        must(set->findAndGetUint16(DCM_Rows, rows));
        must(set->findAndGetUint16(DCM_Columns, columns));
        must(set->findAndGetUint16(DCM_BitsAllocated, bits));
        must(set->findAndGetSint32(DCM_NumberOfFrames, count));
        must(set->findAndGetElement(DCM_PixelData, element));
        (void)set->findAndGetUint16(DCM_PixelPaddingValue, padding);
        labels = text_at(set, DCM_SegmentationType) == "LABELMAP";
        background = labels ? padding : 0;
        width = bits;
        plane = static_cast<size_t>(rows) * columns;
        across = columns;
        frames = count > 0 ? static_cast<size_t>(count) : 0;
        size_t const need = (plane * frames * width + 7) / 8;
        if ((width != 1 && width != 8 && width != 16) || element->getLength() < need)
            throw std::runtime_error("its pixel data are of another size than its header says");
        if (element->getUint8Array(bytes).good() && bytes != nullptr)
            data.assign(bytes, bytes + need);
        else if (must(element->getUint16Array(words)), words != nullptr)
            data.assign(reinterpret_cast<Uint8 *>(words), reinterpret_cast<Uint8 *>(words) + need);
    }
    size_t count() const
    {
        return frames;
    }
    unsigned value(size_t at) const
    {
        Uint16 two = 0;
        if (width == 16)
            memcpy(&two, &data[2 * at], sizeof two);
        return width == 1 ? data[at / 8] >> at % 8 & 1 : width == 8 ? data[at] : two;
    }
    /* The segment a pixel is of, in a frame of segment `own`; 0: none. */
    unsigned segment(size_t at, unsigned own) const
    {
        unsigned const v = value(at);
        return labels ? (v == background ? 0 : v) : v != 0 ? own : 0;
    }
    void clear(size_t at)
    {
        if (width == 1)
            data[at / 8] = static_cast<Uint8>(data[at / 8] & ~(1U << at % 8));
        else if (width == 8)
            data[at] = static_cast<Uint8>(background);
        else
            memcpy(&data[2 * at], &background, sizeof background);
    }
    bool empty(size_t frame) const
    {
        for (size_t p = 0; p < plane; p++)
            if (value(frame * plane + p) != background)
                return false;
        return true;
    }
    /* Only these frames, in their order. */
    void write(const std::vector<size_t> &stay) const
    {
        std::vector<Uint8> left((stay.size() * plane * width + 7) / 8 + 1, 0);
        size_t const step = width / 8 * plane;
        for (size_t k = 0; k < stay.size(); k++)
            for (size_t p = 0; width == 1 && p < plane; p++) {
                size_t const to = k * plane + p;
                left[to / 8] = static_cast<Uint8>(left[to / 8] | value(stay[k] * plane + p) << to % 8);
            }
        for (size_t k = 0; width > 1 && k < stay.size(); k++)
            memcpy(&left[k * step], &data[stay[k] * step], step);
        size_t const bytes = (stay.size() * plane * width + 15) / 16 * 2; /* an even number */
        left.resize(bytes, 0);
        if (width == 16)
            must(set->putAndInsertUint16Array(DCM_PixelData, reinterpret_cast<Uint16 *>(left.data()),
                                              static_cast<unsigned long>(bytes / 2)));
        else
            must(set->putAndInsertUint8Array(DCM_PixelData, left.data(), static_cast<unsigned long>(bytes)));
    }
    size_t plane = 0, across = 0;
    bool labels = false;

  private:
    DcmDataset *set;
    size_t frames = 0, width = 0;
    Uint16 background = 0;
    std::vector<Uint8> data;
};

/* Where the pixels of a frame lie: index z y x of the first, and of a step down and along. */
struct Placed {
    double at[3], down[3], along[3];
};

Placed frame_place(DcmDataset *set, long frame, const kept_map *m)
{
    double position[3], way[6], spacing[2], mm[3], next[3];
    Placed p = {};
    if (!reals_at(group_of(set, frame, DCM_PlanePositionSequence), DCM_ImagePositionPatient, 3, position) ||
        !reals_at(group_of(set, frame, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient, 6, way) ||
        !reals_at(group_of(set, frame, DCM_PixelMeasuresSequence), DCM_PixelSpacing, 2, spacing))
        throw std::runtime_error("a frame does not say where it lies");
    place_index(m, position, p.at);
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < 3; i++)
            mm[i] = position[i] + way[3 * step + i] * spacing[1 - step];
        place_index(m, mm, next);
        for (int a = 0; a < 3; a++)
            (step ? p.down : p.along)[a] = next[a] - p.at[a];
    }
    return p;
}

/* Pixels by segment. */
std::map<unsigned, std::vector<Pixel>> pixels_of_all(DcmDataset *set, const Pixels &pixels, const kept_map *m)
{
    std::map<unsigned, std::vector<Pixel>> all;
    for (size_t f = 0; f < pixels.count(); f++) {
        Uint16 own = 0;
        Placed const place = frame_place(set, static_cast<long>(f), m);
        DcmItem *const said = group_of(set, static_cast<long>(f), DCM_SegmentIdentificationSequence);
        if (!pixels.labels && (said == nullptr || said->findAndGetUint16(DCM_ReferencedSegmentNumber, own).bad()))
            throw std::runtime_error("a frame does not say which segment it is of");
        for (size_t p = 0; p < pixels.plane; p++) {
            size_t const at = f * pixels.plane + p;
            unsigned const number = pixels.segment(at, own);
            if (number == 0)
                continue;
            double const row = static_cast<double>(p / pixels.across), column = static_cast<double>(p % pixels.across);
            long long zyx[3];
            for (int a = 0; a < 3; a++)
                zyx[a] = std::llround(place.at[a] + row * place.down[a] + column * place.along[a]);
            long long const voxel = voxel_at(m, zyx[0], zyx[1], zyx[2]);
            all[number].push_back({at, voxel, fate_at(m, voxel, number)});
        }
    }
    return all;
}

/* From those that were judged to their neighbours that were not, ring by ring; what no ring reaches goes with the structure over it. */
void fates_spread(std::vector<Pixel> &pixel, const kept_map *m)
{
    std::map<long long, size_t> unknown; /* by voxel */
    std::vector<size_t> ring;
    const int64_t *d = m->grid.dim;
    for (size_t i = 0; i < pixel.size(); i++)
        if (pixel[i].fate == Fate::unknown && pixel[i].voxel >= 0)
            unknown[pixel[i].voxel] = i;
        else if (pixel[i].voxel >= 0)
            ring.push_back(i);
    if (ring.empty()) /* never a region: not judged */
        return;
    while (!ring.empty() && !unknown.empty()) {
        std::vector<size_t> next;
        for (Fate const fate : {Fate::stays, Fate::goes}) /* on a draw it stays */
            for (size_t i : ring) {
                if (pixel[i].fate != fate)
                    continue;
                long long const v = pixel[i].voxel, x = v % d[2], y = v / d[2] % d[1], z = v / d[2] / d[1];
                for (int k = 0; k < 27; k++) {
                    auto const there = unknown.find(voxel_at(m, z + k / 9 - 1, y + k / 3 % 3 - 1, x + k % 3 - 1));
                    if (there == unknown.end())
                        continue;
                    pixel[there->second].fate = fate;
                    next.push_back(there->second);
                    unknown.erase(there);
                }
            }
        ring = next;
    }
    for (auto const &[voxel, i] : unknown)
        pixel[i].fate = m->goes[voxel] ? Fate::goes : Fate::stays;
}

} // namespace

void seg_keep(DcmDataset *set, const kept_map *m)
{
    Pixels pixels(set);
    std::vector<bool> was_empty(pixels.count());
    for (size_t f = 0; f < pixels.count(); f++)
        was_empty[f] = pixels.empty(f);
    for (auto &[number, pixel] : pixels_of_all(set, pixels, m)) {
        fates_spread(pixel, m);
        for (auto const &one : pixel)
            if (one.fate == Fate::goes)
                pixels.clear(one.at);
    }
    std::vector<size_t> stay;
    for (size_t f = 0; f < pixels.count(); f++)
        if (was_empty[f] || !pixels.empty(f))
            stay.push_back(f);
    if (stay.empty()) /* an object of no frame is none */
        stay.push_back(0);
    DcmSequenceOfItems *frames = nullptr;
    must(set->findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, frames));
    std::vector<bool> stays(pixels.count(), false);
    for (size_t f : stay)
        stays[f] = true;
    for (size_t f = pixels.count(); f-- > 0;)
        if (!stays[f])
            delete frames->remove(static_cast<unsigned long>(f));
    pixels.write(stay);
    ItemWriter(set).whole(DCM_NumberOfFrames, static_cast<long>(stay.size()));
}
