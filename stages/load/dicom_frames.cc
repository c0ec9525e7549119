/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_frames -- the frames of an Enhanced PET file as so many images.   series -> [dicom_frames] -> dicom, dicom_pixels
 *
 * Enhanced PET (PS3.3 A.56) and Legacy Converted Enhanced PET (A.71) keep many slices in one file. What a slice has in a file of its own
 * stands here in three places, and the nearest goes first: the frame's own functional groups, those all frames share, the file's top.
 *
 *     units         in a converted file as they were (0054,1001); else of the Real World Value Mapping, whose slope and intercept are
 *                   those of its unit: activity before SUV, SUV before counts
 *     decay         (0018,9758) and the moment it is corrected to, (0018,9701): of the injection, ADMIN; else START, with that moment
 *                   in the place of SeriesTime, which is what it is in a file of one slice
 *     corrections   (0018,9758) to (0018,9768), as the words of CorrectedImage
 *     dose          in MBq, as C.8.22.4 has it; a number that can only be Bq is taken for Bq
 * Frames of several stacks or times are told apart by StackID and TemporalPositionIndex, and refused where a series is made of them. */
#include "stages/load/dicom_inside.h"
#include "stages/load/dicom_stream.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace
{

double const LEAST_BQ = 1e5; /* of a dose: 0.1 MBq */

DcmItem *item_of(DcmItem *within, const DcmTagKey &sequence, long which = 0)
{
    DcmItem *item = nullptr;
    return within != nullptr && within->findAndGetSequenceItem(sequence, item, which).good() ? item : nullptr;
}

/* "YYYYMMDDHHMMSS.f" into a date and a time. */
void moment_split(const char *moment, char date[17], char time[17])
{
    if (strlen(moment) < 14)
        return;
    snprintf(date, 17, "%.8s", moment);
    snprintf(time, 17, "%.16s", moment + 8);
}

struct unit_row {
    const char *code, *units, *suv_type;
    double times; /* what a value is to be multiplied with */
};
/* CID 84, and what programs write in its place, best first. */
const unit_row unit_rows[] = {
    {"Bq/ml", "BQML", "", 1},
    {"kBq/ml", "BQML", "", 1e3},
    {"MBq/ml", "BQML", "", 1e6},
    {"g/ml{SUVbw}", "GML", "BW", 1},
    {"{SUVbw}g/ml", "GML", "BW", 1},
    {"g/ml{SUVlbm}", "GML", "LBM", 1},
    {"{SUVlbm}g/ml", "GML", "LBM", 1},
    {"g/ml{SUVlbm(James128)}", "GML", "LBMJAMES128", 1},
    {"{SUVlbm(James128)}g/ml", "GML", "LBMJAMES128", 1},
    {"g/ml{SUVlbm(Janma)}", "GML", "LBMJANMA", 1},
    {"{SUVlbm(Janma)}g/ml", "GML", "LBMJANMA", 1},
    {"g/ml{SUVibw}", "GML", "IBW", 1},
    {"{SUVibw}g/ml", "GML", "IBW", 1},
    {"cm2/ml{SUVbsa}", "CM2ML", "BSA", 1},
    {"{SUVbsa}cm2/ml", "CM2ML", "BSA", 1},
    {"g/ml", "GML", "", 1},
    {"{counts}", "CNTS", "", 1},
    {"{counts}/s", "CPS", "", 1},
    {"{propcounts}", "PROPCNTS", "", 1},
    {"{propcounts}/s", "PROPCPS", "", 1},
    {"/cm", "1CM", "", 1},
    {"1", "NONE", "", 1},
};
size_t const UNKNOWN = sizeof unit_rows / sizeof unit_rows[0];

/* The mapping whose unit is the best of those there are: its row, and the item. */
size_t mapping_choose(DcmItem *group, DcmItem **chosen)
{
    size_t best = UNKNOWN + 1;
    for (long i = 0;; i++) {
        DcmItem *const item = item_of(group, DcmTagKey(0x0040, 0x9096), i);
        if (item == nullptr)
            return best;
        char code[33];
        DcmItem *const unit = item_of(item, DcmTagKey(0x0040, 0x08ea));
        size_t row = 0;
        if (unit == nullptr)
            continue;
        dicom_text_of(unit, DCM_CodeValue, code, sizeof code);
        while (row < UNKNOWN && strcmp(unit_rows[row].code, code) != 0)
            row++;
        if (row < best) {
            best = row;
            *chosen = item;
        }
    }
}

int mapping_apply(DcmItem *own, DcmItem *shared, const char *path, unsigned long frame, struct dicom_image *image,
                  struct error *e)
{
    DcmItem *mapping = nullptr;
    size_t row = mapping_choose(own, &mapping);
    if (mapping == nullptr)
        row = mapping_choose(shared, &mapping);
    if (mapping == nullptr)
        return 0; /* its units are not known, which is for whoever needs them to say */
    double const slope = dicom_real_of(mapping, DcmTagKey(0x0040, 0x9225), 0);
    double const intercept = dicom_real_of(mapping, DcmTagKey(0x0040, 0x9224), 0);
    double const times = row < UNKNOWN ? unit_rows[row].times : 1;
    if (!std::isfinite(slope) || !std::isfinite(intercept))
        return fail(e,
                    "cannot open '%s': (0040,9225) RealWorldValueSlope or (0040,9224) RealWorldValueIntercept of frame "
                    "%lu is missing: values by table are not read",
                    path, frame);
    image->slope = slope * times;
    image->intercept = intercept * times;
    if (row < UNKNOWN) {
        snprintf(image->units, sizeof image->units, "%s", unit_rows[row].units);
        snprintf(image->suv_type, sizeof image->suv_type, "%s", unit_rows[row].suv_type);
    } else {
        dicom_text_of(item_of(mapping, DcmTagKey(0x0040, 0x08ea)), DCM_CodeValue, image->units, sizeof image->units);
    }
    return 0;
}

/* What one group of macros says of an image. */
void group_read(DcmItem *group, struct dicom_image *image)
{
    static const DcmTagKey macros[] = {
        DcmTagKey(0x0028, 0x9110), /* PixelMeasures */
        DcmTagKey(0x0020, 0x9113), /* PlanePosition */
        DcmTagKey(0x0020, 0x9116), /* PlaneOrientation */
        DcmTagKey(0x0028, 0x9145), /* PixelValueTransformation */
        DcmTagKey(0x0020, 0x9170), /* UnassignedSharedConvertedAttributes: all that no macro has, as it was */
        DcmTagKey(0x0020, 0x9171), /* UnassignedPerFrameConvertedAttributes */
    };
    char text[129];
    for (const DcmTagKey &macro : macros)
        if (DcmItem *const item = item_of(group, macro))
            dicom_attributes_read(item, image);
    if (DcmItem *const type = item_of(group, DcmTagKey(0x0018, 0x9751))) {
        dicom_text_of(type, DcmTagKey(0x0008, 0x9007), text, sizeof text);
        if (*text != '\0')
            memcpy(image->image_type, text, sizeof text);
    }
    if (DcmItem *const content = item_of(group, DcmTagKey(0x0020, 0x9111))) {
        double const duration_ms = dicom_real_of(content, DcmTagKey(0x0018, 0x9220), 0);
        double const place = dicom_real_of(content, DcmTagKey(0x0020, 0x9057), 0);
        double const time = dicom_real_of(content, DcmTagKey(0x0020, 0x9128), 0);
        dicom_text_of(content, DcmTagKey(0x0018, 0x9074), text, sizeof text);
        moment_split(text, image->acquisition_date, image->acquisition_time);
        dicom_text_of(content, DcmTagKey(0x0020, 0x9056), image->stack, sizeof image->stack);
        image->frame_duration_ms = std::isfinite(duration_ms) ? duration_ms : image->frame_duration_ms;
        image->image_index = std::isfinite(place) ? place : image->image_index;
        image->time_index = std::isfinite(time) ? time : image->time_index;
    }
}

/* "ATTN\DECY\...", of what its flags say. */
void corrections_read(DcmItem *set, struct dicom_image *image)
{
    static const struct {
        Uint16 element;
        const char *word;
    } flags[] = {{0x9758, "DECY"}, {0x9759, "ATTN"}, {0x9760, "SCAT"}, {0x9761, "DTIM"},
                 {0x9762, "MOTN"}, {0x9763, "PMOT"}, {0x9764, "CLN"},  {0x9765, "RAN"},
                 {0x9766, "RADL"}, {0x9767, "DCAL"}, {0x9768, "NORM"}};
    size_t used = 0;
    bool said = false;
    for (auto const &flag : flags) {
        char value[17];
        dicom_text_of(set, DcmTagKey(0x0018, flag.element), value, sizeof value);
        said |= *value != '\0';
        if (strcmp(value, "YES") == 0)
            used += static_cast<size_t>(snprintf(image->corrected + used, sizeof image->corrected - used, "%s%s",
                                                 used > 0 ? "\\" : "", flag.word));
    }
    if (said && used == 0)
        snprintf(image->corrected, sizeof image->corrected, "NONE");
}

/* What files of one slice say otherwise, from the top of an Enhanced PET file. */
void facts_read(DcmItem *set, struct dicom_image *image)
{
    char flag[17], moment[33];
    corrections_read(set, image);
    dicom_text_of(set, DcmTagKey(0x0008, 0x002a), moment, sizeof moment);
    moment_split(moment, image->acquisition_date, image->acquisition_time);
    if (image->dose_bq > 0 && image->dose_bq < LEAST_BQ)
        image->dose_bq *= 1e6;
    dicom_text_of(set, DcmTagKey(0x0018, 0x9758), flag, sizeof flag);
    dicom_text_of(set, DcmTagKey(0x0018, 0x9701), moment, sizeof moment);
    if (strcmp(flag, "NO") == 0) {
        snprintf(image->decay_correction, sizeof image->decay_correction, "NONE");
    } else if (strlen(moment) >= 14) {
        bool const injection = strncmp(moment, image->injection_datetime, 14) == 0;
        snprintf(image->decay_correction, sizeof image->decay_correction, "%s", injection ? "ADMIN" : "START");
        if (!injection)
            moment_split(moment, image->series_date, image->series_time);
    }
}

/* What belongs to the file and its pixels, whatever a group says of it. */
void file_restore(struct dicom_image *image, const struct dicom_image *top)
{
    memcpy(image->sop_class, top->sop_class, sizeof top->sop_class);
    memcpy(image->sop_instance, top->sop_instance, sizeof top->sop_instance);
    memcpy(image->series_uid, top->series_uid, sizeof top->series_uid);
    image->rows = top->rows;
    image->columns = top->columns;
    image->samples = top->samples;
    image->bits_allocated = top->bits_allocated;
    image->bits_stored = top->bits_stored;
    image->is_signed = top->is_signed;
    image->frames = 1;
}

int frames_check(DcmDataset *set, const char *path, DcmSequenceOfItems *frames, const struct dicom_image *top,
                 struct error *e)
{
    DcmElement *pixels = nullptr;
    if (frames == nullptr || frames->card() == 0)
        return fail(
            e,
            "cannot open '%s': (5200,9230) PerFrameFunctionalGroupsSequence is missing: where its frames lie is "
            "not known",
            path);
    if (static_cast<double>(frames->card()) != top->frames)
        return fail(e, "cannot open '%s': (0028,0008) NumberOfFrames is %g, but (5200,9230) has %lu items", path,
                    top->frames, frames->card());
    if (!(top->rows >= 1 && top->columns >= 1))
        return fail(e, "cannot open '%s': (0028,0010) Rows or (0028,0011) Columns is missing", path);
    if (set->findAndGetElement(DCM_PixelData, pixels).bad() || pixels == nullptr)
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData is missing", path);
    double const needed = top->frames * top->rows * top->columns * top->bits_allocated / 8;
    if (!DcmXfer(set->getOriginalXfer()).isEncapsulated() && !(pixels->getLength() >= needed))
        return fail(
            e,
            "cannot open '%s': (7FE0,0010) PixelData has %lu bytes, %g frames of %g rows of %g columns need %.0f: "
            "the file is cut short",
            path, static_cast<unsigned long>(pixels->getLength()), top->frames, top->rows, top->columns, needed);
    return 0;
}

} // namespace

/* file: keeps the frames' pixels. top: what the file says of all; each frame is a copy of it with its own. */
int dicom_frames_read(std::shared_ptr<DcmFileFormat> const &file, const FileStream &from, const struct dicom_image *top,
                      struct dicom_image **image, size_t *count, struct error *e)
{
    DcmDataset *const set = file->getDataset();
    DcmSequenceOfItems *frames = nullptr;
    DcmItem *const shared = item_of(set, DcmTagKey(0x5200, 0x9229));
    struct dicom_image all = *top;
    if (set->findAndGetSequence(DcmTagKey(0x5200, 0x9230), frames).bad())
        frames = nullptr;
    if (frames_check(set, from.name(), frames, top, e) < 0)
        return -1;
    *image = static_cast<struct dicom_image *>(try_alloc(e, frames->card(), sizeof **image));
    if (*image == nullptr)
        return fail_in(e, "cannot open '%s'", from.name());
    if (strcmp(top->sop_class, UID_EnhancedPETImageStorage) == 0)
        facts_read(set, &all);
    if (shared != nullptr)
        group_read(shared, &all);
    for (unsigned long i = 0; i < frames->card(); i++) {
        struct dicom_image *const one = &(*image)[*count];
        DcmItem *const own = frames->getItem(i);
        *one = all;
        one->frame = i + 1;
        group_read(own, one);
        file_restore(one, top);
        if (*one->units == '\0' && mapping_apply(own, shared, from.name(), i + 1, one, e) < 0)
            return -1;
        one->pixels = nullptr;
        ++*count;
    }
    dicom_frames_pixels(file, from, *image, *count);
    return 0;
}
