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

/* (0062,0003) SegmentedPropertyCategoryCodeSequence, as SNOMED CT has it now and SNOMED RT had it before. */
void segment_type(DcmItem *named, struct dicom_segment *one)
{
    static const struct {
        const char *code, *before, *type;
    } categories[] = {{"49755003", "M-01000", "TUMOUR"}, /* morphologically abnormal structure */
                      {"91723000", "T-D000A", "ORGAN"},
                      {"123037004", "T-D000A", "ORGAN"},     /* anatomical structure */
                      {"260787004", "A-00004", "OBJECT"},    /* physical object */
                      {"91720002", "T-D0080", "SUBSTANCE"}}; /* body substance */
    DcmItem *category = group_item(named, DcmTagKey(0x0062, 0x0003));
    char code[17] = "";
    if (category != nullptr)
        dicom_text_of(category, DCM_CodeValue, code, sizeof code);
    for (auto const &row : categories)
        if (strcmp(code, row.code) == 0 || strcmp(code, row.before) == 0)
            strcpy(one->type, row.type);
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
        segment_type(named->getItem(i), one);
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
        if (s->kind == SEG_LABELS)
            segment = 0;
        else if (!group_reals(own, shared, DcmTagKey(0x0062, 0x000a), DcmTagKey(0x0062, 0x000b), 1, &segment) ||
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
            if (!group_reals(own, shared, DcmTagKey(0x0028, 0x9110), DCM_SpacingBetweenSlices, 1, &s->slice_mm) &&
                !group_reals(own, shared, DcmTagKey(0x0028, 0x9110), DCM_SliceThickness, 1, &s->slice_mm))
                s->slice_mm = NAN;
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
    if (dicom_frames_check(set, path, e) < 0)
        return -1;
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

/* What a pixel says: (0062,0001) SegmentationType, and its bits. */
int kind_read(DcmDataset *set, const char *path, struct dicom_segmentation *s, struct error *e)
{
    static const struct {
        const char *name;
        enum dicom_seg_kind kind;
        double bits[2];
    } kinds[] = {{"BINARY", SEG_BITS, {1, 8}}, {"FRACTIONAL", SEG_FRACTIONS, {8, 8}}, {"LABELMAP", SEG_LABELS, {8, 16}}};
    char type[17];
    double const bits = dicom_real_of(set, DCM_BitsAllocated, 0);
    dicom_text_of(set, DcmTagKey(0x0062, 0x0001), type, sizeof type);
    if (type[0] == '\0') /* older writers: one bit is BINARY, eight are FRACTIONAL */
        strcpy(type, bits == 8 ? "FRACTIONAL" : "BINARY");
    for (auto const &row : kinds)
        if (strcmp(row.name, type) == 0) {
            if (bits != row.bits[0] && bits != row.bits[1])
                return fail(e, "cannot open '%s': (0028,0100) BitsAllocated of a %s segmentation is %g: %g or %g wanted",
                            path, type, bits, row.bits[0], row.bits[1]);
            bool const bytes = row.kind == SEG_BITS && bits == 8; /* against the standard, and plain: 0 or 1 */
            double const background = dicom_real_of(set, DCM_PixelPaddingValue, 0);
            s->kind = bytes ? SEG_FRACTIONS : row.kind;
            s->bits = static_cast<unsigned>(bits);
            s->background = background > 0 && background < 65536 ? static_cast<unsigned>(background) : 0;
            s->most = bytes ? 1 : dicom_real_of(set, DcmTagKey(0x0062, 0x000e), 0);
            if (s->kind == SEG_FRACTIONS && !(s->most > 0))
                return fail(
                    e,
                    "cannot open '%s': (0062,000E) MaximumFractionalValue is missing: how much of a pixel is inside is "
                    "not known",
                    path);
            return 0;
        }
    return fail(e, "cannot open '%s': (0062,0001) SegmentationType is '%s': BINARY, FRACTIONAL or LABELMAP wanted",
                path, type);
}

int read_segmentation(const char *path, bool with_pixels, struct dicom_segmentation *s, struct error *e)
{
    DcmFileFormat file;
    FileStream from(path);
    if (dicom_load(from, file, e) < 0)
        return -1;
    DcmDataset *set = file.getDataset();
    dicom_references_segments(set, &s->refers);
    double const rows = dicom_real_of(set, DCM_Rows, 0), columns = dicom_real_of(set, DCM_Columns, 0);
    if (!(rows >= 1 && columns >= 1))
        return fail(e, "cannot open '%s': (0028,0010) Rows or (0028,0011) Columns is missing", path);
    s->rows = static_cast<size_t>(rows);
    s->columns = static_cast<size_t>(columns);
    if (kind_read(set, path, s, e) < 0)
        return -1;
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

static unsigned label_at(const struct dicom_segmentation *s, size_t at)
{
    uint16_t label = s->data[s->bits / 8 * at];
    if (s->bits == 16) /* in this machine's order: DCMTK has seen to it */
        memcpy(&label, s->data + 2 * at, sizeof label);
    return label == s->background ? 0 : label;
}

extern "C" unsigned dicom_segmentation_at(const struct dicom_segmentation *s, size_t frame, size_t pixel)
{
    size_t const at = frame * s->rows * s->columns + pixel;
    if (s->kind == SEG_LABELS)
        return label_at(s, at);
    bool const inside = s->kind == SEG_BITS ? (s->data[at / 8] >> (at % 8) & 1) != 0 : s->data[at] > 0.5 * s->most;
    return inside ? s->frame[frame].segment : 0;
}

extern "C" void dicom_segmentation_free(struct dicom_segmentation *s)
{
    free(s->segment);
    free(s->frame);
    free(s->data);
    dicom_references_free(&s->refers);
    memset(s, 0, sizeof *s);
}
