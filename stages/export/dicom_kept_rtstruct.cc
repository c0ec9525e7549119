/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_kept_rtstruct -- an RTSTRUCT's contours less those of what goes.   dicom_kept -> [dicom_kept_rtstruct] */
#include "stages/export/dicom_kept_inside.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>

namespace
{

struct Votes {
    size_t stay = 0, go = 0;
};

using Place = std::array<double, 3>;

/* A contour's points as indices z y x. */
std::vector<Place> points_of(DcmItem *contour, const kept_map *m)
{
    std::vector<Place> points;
    DcmElement *data = nullptr;
    char *text = nullptr;
    if (contour->findAndGetElement(DCM_ContourData, data).bad() || data->getString(text).bad() || text == nullptr)
        return points;
    double mm[3];
    int k = 0;
    for (const char *at = text; *at != '\0';) {
        char *end = nullptr;
        mm[k] = strtod(at, &end);
        if (end == at)
            break;
        while (*end == ' ' || *end == '\\')
            end++;
        at = end;
        if (++k == 3) {
            Place zyx;
            place_index(m, mm, zyx.data());
            points.push_back(zyx);
            k = 0;
        }
    }
    return points;
}

/* The axis along which they do not move: across the slices. */
int flat_axis(const std::vector<Place> &points)
{
    int flat = 0;
    double least = HUGE_VAL;
    for (size_t a = 0; a < 3; a++) {
        auto const ends = std::minmax_element(points.begin(), points.end(),
                                              [a](const Place &p, const Place &q) { return p[a] < q[a]; });
        double const extent = (*ends.second)[a] - (*ends.first)[a];
        if (extent < least) {
            least = extent;
            flat = static_cast<int>(a);
        }
    }
    return flat;
}

/* Voxels of the structure along the contour, within a voxel of it, on either side: of a hole those round it. */
Votes votes_along(const std::vector<Place> &points, unsigned number, const kept_map *m)
{
    Votes votes;
    if (points.empty())
        return votes;
    int const flat = flat_axis(points);
    for (size_t i = 0; i < points.size(); i++) {
        Place const &from = points[i], &to = points[(i + 1) % points.size()];
        double const length = std::hypot(to[0] - from[0], std::hypot(to[1] - from[1], to[2] - from[2]));
        int const steps = static_cast<int>(std::min(std::ceil(2 * length), 1e5)) + 1;
        for (int s = 0; s < steps; s++) {
            long long at[3];
            for (size_t a = 0; a < 3; a++)
                at[a] = std::llround(std::clamp(from[a] + (to[a] - from[a]) * s / steps, -10.0, 1e6));
            for (int k = 0; k < 27; k++) {
                const int off[3] = {k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1};
                if (off[flat] != 0)
                    continue;
                Fate const fate = fate_at(m, voxel_at(m, at[0] + off[0], at[1] + off[1], at[2] + off[2]), number);
                votes.stay += fate == Fate::stays;
                votes.go += fate == Fate::goes;
            }
        }
    }
    return votes;
}

bool is_closed(DcmItem *contour)
{
    OFString const type = text_at(contour, DCM_ContourGeometricType);
    return type != "POINT" && type != "OPEN_PLANAR" && type != "OPEN_NONPLANAR";
}

/* Contours of what goes leave `drawn`. all_goes: of the whole structure nothing stays. */
void contours_keep(DcmItem *drawn, unsigned number, bool all_goes, const kept_map *m)
{
    DcmSequenceOfItems *contours = nullptr;
    if (drawn->findAndGetSequence(DCM_ContourSequence, contours).bad() || contours == nullptr)
        return;
    for (unsigned long i = contours->card(); i-- > 0;) {
        DcmItem *const one = contours->getItem(i);
        Votes const votes = is_closed(one) ? votes_along(points_of(one, m), number, m) : Votes{};
        if (all_goes || votes.go > votes.stay)
            delete contours->remove(i);
    }
    if (contours->card() == 0)
        delete drawn->remove(DCM_ContourSequence);
}

/* Leaves out the items of a sequence whose number is one of those. */
void items_drop(DcmDataset *set, const DcmTagKey &sequence, const DcmTagKey &tag, const std::map<Sint32, bool> &gone)
{
    DcmSequenceOfItems *items = nullptr;
    if (set->findAndGetSequence(sequence, items).bad() || items == nullptr)
        return;
    for (unsigned long i = items->card(); i-- > 0;) {
        Sint32 number = 0;
        if (items->getItem(i)->findAndGetSint32(tag, number).good() && gone.count(number))
            delete items->remove(i);
    }
    if (items->card() == 0)
        delete set->remove(sequence);
}

void predecessor_note(DcmDataset *set)
{
    delete set->remove(DCM_PredecessorStructureSetSequence);
    ItemWriter before = ItemWriter(set).within(DCM_PredecessorStructureSetSequence);
    before.text(DCM_ReferencedSOPClassUID, text_at(set, DCM_SOPClassUID).c_str());
    before.text(DCM_ReferencedSOPInstanceUID, text_at(set, DCM_SOPInstanceUID).c_str());
}

} // namespace

void rtstruct_keep(DcmDataset *set, const kept_map *m)
{
    DcmSequenceOfItems *named = nullptr, *drawn = nullptr;
    std::vector<Votes> of(UINT16_MAX + 1); /* voxels of each structure */
    for (size_t v = 0; v < grid_voxels(&m->grid); v++) {
        of[m->stays[v]].stay++;
        of[m->goes[v]].go++;
    }
    std::map<Sint32, unsigned> place; /* where the first ROI of a number stands, from 1 */
    std::map<Sint32, bool> gone;
    must(set->findAndGetSequence(DCM_StructureSetROISequence, named));
    for (unsigned long i = 0; i < named->card() && i < UINT16_MAX; i++) {
        Sint32 number = 0;
        if (named->getItem(i)->findAndGetSint32(DCM_ROINumber, number).bad() ||
            !place.insert({number, static_cast<unsigned>(i + 1)}).second)
            continue;
        if (of[i + 1].go > 0 && of[i + 1].stay == 0)
            gone[number] = true;
    }
    if (set->findAndGetSequence(DCM_ROIContourSequence, drawn).good() && drawn != nullptr)
        for (unsigned long i = 0; i < drawn->card(); i++) {
            Sint32 number = 0;
            DcmItem *const item = drawn->getItem(i);
            if (item->findAndGetSint32(DCM_ReferencedROINumber, number).good() && place.count(number))
                contours_keep(item, place[number], gone.count(number) > 0, m);
        }
    if (gone.size() < place.size()) { /* a structure set of no structure is none */
        items_drop(set, DCM_StructureSetROISequence, DCM_ROINumber, gone);
        items_drop(set, DCM_ROIContourSequence, DCM_ReferencedROINumber, gone);
        items_drop(set, DCM_RTROIObservationsSequence, DCM_ReferencedROINumber, gone);
    }
    predecessor_note(set);
}
