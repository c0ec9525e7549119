/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_seg -- a DICOM segmentation (SEG) as a plain struct.   find, seg -> [dicom_seg]
 *
 * Frames in any order, each of one segment and at one place (PerFrameFunctionalGroupsSequence); what all frames share
 * (direction, spacing) may stand in either sequence of functional groups. Bits are packed across frames. */
#include "stages/load/dicom_inside.h"
#include "stages/load/dicom_stream.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>

namespace
{

/* Item 0 of the sequence `name` within a functional group; NULL. */
DcmItem *group_item(DcmItem *group, const DcmTagKey &name)
{
    DcmItem *item = nullptr;
    return group != nullptr && group->findAndGetSequenceItem(name, item, 0).good() ? item : nullptr;
}

/* Numbers of an attribute in the frame's own group, else in the shared one. */
bool group_reals(DcmItem *own, DcmItem *shared, const DcmTagKey &sequence, const DcmTagKey &tag, unsigned long count,
                 double *to)
{
    DcmItem *const from[] = {group_item(own, sequence), group_item(shared, sequence)};
    for (DcmItem *item : from) {
        bool all = item != nullptr;
        for (unsigned long i = 0; all && i < count; i++) {
            to[i] = dicom_real_of(item, tag, i);
            all = std::isfinite(to[i]);
        }
        if (all)
            return true;
    }
    return false;
}

int read_segments(DcmDataset *set, const char *path, struct dicom_segmentation *s, struct error *e)
{
    DcmSequenceOfItems *named = nullptr;
    if (set->findAndGetSequence(DcmTagKey(0x0062, 0x0002), named).bad() || named == nullptr || named->card() == 0)
        return fail(e, "cannot open '%s': (0062,0002) SegmentSequence is missing: no segment is named", path);
    s->segment = static_cast<struct dicom_segment *>(try_alloc(e, named->card(), sizeof *s->segment));
    if (s->segment == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    for (unsigned long i = 0; i < named->card(); i++) {
        struct dicom_segment *one = &s->segment[s->segment_count++];
        double number = dicom_real_of(named->getItem(i), DcmTagKey(0x0062, 0x0004), 0);
        if (!(number >= 0 && number <= 65535))
            return fail(e, "cannot open '%s': (0062,0004) SegmentNumber is missing", path);
        one->number = static_cast<unsigned>(number);
        dicom_text_of(named->getItem(i), DcmTagKey(0x0062, 0x0005), one->label, sizeof one->label);
    }
    return 0;
}

int read_frames(DcmDataset *set, const char *path, struct dicom_segmentation *s, struct error *e)
{
    DcmSequenceOfItems *frames = nullptr;
    DcmItem *shared = nullptr;
    double const said = dicom_real_of(set, DCM_NumberOfFrames, 0);
    if (set->findAndGetSequenceItem(DcmTagKey(0x5200, 0x9229), shared, 0).bad())
        shared = nullptr;
    if (set->findAndGetSequence(DcmTagKey(0x5200, 0x9230), frames).bad() || frames == nullptr || frames->card() == 0)
        return fail(
            e,
            "cannot open '%s': (5200,9230) PerFrameFunctionalGroupsSequence is missing: where its frames lie is not "
            "known",
            path);
    if (static_cast<double>(frames->card()) != said)
        return fail(e, "cannot open '%s': (0028,0008) NumberOfFrames is %g, but (5200,9230) has %lu items", path, said,
                    frames->card());
    s->frame = static_cast<struct dicom_seg_frame *>(try_alloc(e, frames->card(), sizeof *s->frame));
    if (s->frame == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    for (unsigned long i = 0; i < frames->card(); i++) {
        struct dicom_seg_frame *one = &s->frame[s->frame_count++];
        DcmItem *own = frames->getItem(i);
        double segment, orientation[6], spacing[2];
        if (!group_reals(own, shared, DcmTagKey(0x0020, 0x9113), DCM_ImagePositionPatient, 3, one->position_mm))
            return fail(e, "cannot open '%s': (0020,0032) ImagePositionPatient of frame %lu is missing", path, i + 1);
        if (!group_reals(own, shared, DcmTagKey(0x0062, 0x000a), DcmTagKey(0x0062, 0x000b), 1, &segment) ||
            segment < 0 || segment > 65535)
            return fail(e, "cannot open '%s': (0062,000B) ReferencedSegmentNumber of frame %lu is missing", path, i + 1);
        if (!group_reals(own, shared, DcmTagKey(0x0020, 0x9116), DCM_ImageOrientationPatient, 6, orientation) ||
            !group_reals(own, shared, DcmTagKey(0x0028, 0x9110), DCM_PixelSpacing, 2, spacing))
            return fail(
                e, "cannot open '%s': (0020,0037) ImageOrientationPatient or (0028,0030) PixelSpacing of frame %lu is missing",
                path, i + 1);
        one->segment = static_cast<unsigned>(segment);
        if (i == 0) {
            memcpy(s->orientation, orientation, sizeof orientation);
            memcpy(s->pixel_spacing_mm, spacing, sizeof spacing);
        }
        for (int k = 0; k < 6; k++)
            if (std::fabs(orientation[k] - s->orientation[k]) > 1e-3 ||
                std::fabs(spacing[k % 2] - s->pixel_spacing_mm[k % 2]) > 1e-3)
                return fail(e, "cannot open '%s': its frames differ in direction or spacing", path);
    }
    return 0;
}

int read_pixels(DcmDataset *set, const char *path, struct dicom_segmentation *s, struct error *e)
{
    DcmElement *pixels = nullptr;
    Uint8 *bytes = nullptr;
    struct stat on_disk;
    DcmXfer const syntax(set->getOriginalXfer());
    bool const compressed = syntax.isEncapsulated() || syntax.getStreamCompression() != ESC_none;
    size_t const plane = s->rows * s->columns; /* at most 65535 squared */
    double const needed = std::ceil(static_cast<double>(plane) * static_cast<double>(s->frame_count) * s->bits / 8);
    if (stat(path, &on_disk) != 0 || (!compressed && static_cast<double>(on_disk.st_size) < needed) || needed > 4e9)
        return fail(e, "cannot open '%s': %zu frames of %zu x %zu pixels need %.0f bytes, but the file has %lld", path,
                    s->frame_count, s->columns, s->rows, needed, static_cast<long long>(on_disk.st_size));
    if (syntax.isEncapsulated() && set->chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad())
        return fail(e, "cannot open '%s': its transfer syntax %s cannot be unpacked", path,
                    DcmXfer(set->getOriginalXfer()).getXferName());
    if (set->findAndGetElement(DCM_PixelData, pixels).bad() || pixels == nullptr || pixels->getLength() < needed ||
        pixels->getUint8Array(bytes).bad() || bytes == nullptr)
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData is missing or cut short: %.0f bytes wanted", path,
                    needed);
    s->data = static_cast<uint8_t *>(try_alloc(e, static_cast<size_t>(needed), 1));
    if (s->data == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    memcpy(s->data, bytes, static_cast<size_t>(needed));
    return 0;
}

int read_segmentation(const char *path, bool with_pixels, struct dicom_segmentation *s, struct error *e)
{
    DcmFileFormat file;
    FileStream from(path);
    if (dicom_load(from, file, e) < 0)
        return -1;
    DcmDataset *set = file.getDataset();
    DcmItem *series = nullptr;
    if (set->findAndGetSequenceItem(DcmTagKey(0x0008, 0x1115), series, 0).good() && series != nullptr)
        dicom_text_of(series, DCM_SeriesInstanceUID, s->series_uid, sizeof s->series_uid);
    dicom_text_of(set, DCM_FrameOfReferenceUID, s->frame_uid, sizeof s->frame_uid);
    double const rows = dicom_real_of(set, DCM_Rows, 0), columns = dicom_real_of(set, DCM_Columns, 0);
    double const bits = dicom_real_of(set, DCM_BitsAllocated, 0);
    if (!(rows >= 1 && columns >= 1))
        return fail(e, "cannot open '%s': (0028,0010) Rows or (0028,0011) Columns is missing", path);
    if (bits != 1 && bits != 8)
        return fail(e, "cannot open '%s': (0028,0100) BitsAllocated of a segmentation is %g: 1 or 8 wanted", path, bits);
    s->rows = static_cast<size_t>(rows);
    s->columns = static_cast<size_t>(columns);
    s->bits = static_cast<unsigned>(bits);
    s->most = dicom_real_of(set, DcmTagKey(0x0062, 0x000e), 0); /* MaximumFractionalValue */
    if (!(s->most > 0))
        s->most = 1;
    if (read_segments(set, path, s, e) < 0 || read_frames(set, path, s, e) < 0)
        return -1;
    return with_pixels ? read_pixels(set, path, s, e) : 0;
}

} // namespace

extern "C" int dicom_read_segmentation(const char *path, bool with_pixels, struct dicom_segmentation *s, struct error *e)
{
    memset(s, 0, sizeof *s);
    int result = dicom_guarded(path, e, [&] { return read_segmentation(path, with_pixels, s, e); });
    if (result < 0)
        dicom_segmentation_free(s);
    return result;
}

extern "C" bool dicom_segmentation_inside(const struct dicom_segmentation *s, size_t frame, size_t pixel)
{
    size_t const at = frame * s->rows * s->columns + pixel;
    return s->bits == 1 ? (s->data[at / 8] >> (at % 8) & 1) != 0 : s->data[at] > 0.5 * s->most;
}

extern "C" void dicom_segmentation_free(struct dicom_segmentation *s)
{
    free(s->segment);
    free(s->frame);
    free(s->data);
    memset(s, 0, sizeof *s);
}
