/* SPDX-License-Identifier: Apache-2.0 */
/* agreement -- what all slices of one series must share.   series, ct -> [agreement]
 *
 * One table. A row that two slices fill differently, or one of them not at all, is named with both values and both files; nothing is
 * averaged, and no slice's word goes before another's. What is not in it may differ from slice to slice and is read of each: where it
 * lies, its slope and intercept, how its values are stored, the time and length of its bed's frame, its numbers and UID. */
#include "stages/load/load.h"
#include <math.h>
#include <string.h>

enum row_kind { TEXT, REALS };
static const struct row {
    const char *tag;
    enum row_kind kind;
    size_t offset, count; /* REALS: how many */
    double tolerance;     /* REALS: of the larger value, or of 1 if that is more */
    bool pet, secret;     /* of PET alone; a value that says who it is */
} rows[] = {
#define SHARED(tag, field, pet, secret)                                                                                \
    {                                                                                                                  \
        tag, TEXT, offsetof(struct dicom_image, field), 1, 0, pet, secret                                              \
    }
#define SHARED_REALS(tag, field, count, tolerance, pet)                                                                \
    {                                                                                                                  \
        tag, REALS, offsetof(struct dicom_image, field), count, tolerance, pet, false                                  \
    }
    /* whose it is, and of what */
    SHARED("(0010,0020) PatientID", patient_id, false, true),
    SHARED("(0020,000D) StudyInstanceUID", study_uid, false, true),
    SHARED("(0020,000E) SeriesInstanceUID", series_uid, false, true),
    SHARED("(0020,0052) FrameOfReferenceUID", frame_uid, false, true),
    SHARED("(0008,0060) Modality", modality, false, false),
    SHARED("(0008,0016) SOPClassUID", sop_class, false, false),
    SHARED("(0008,0008) ImageType", image_type, true, false),
    SHARED("(0054,1000) SeriesType", series_type, true, false),
    SHARED("(0028,0004) PhotometricInterpretation", photometric, false, false),
    SHARED("(0020,9056) StackID", stack, true, false),
    SHARED_REALS("(0020,9128) TemporalPositionIndex", time_index, 1, 0, true),
    /* its grid */
    SHARED_REALS("(0028,0010) Rows", rows, 1, 0, false),
    SHARED_REALS("(0028,0011) Columns", columns, 1, 0, false),
    SHARED_REALS("(0020,0037) ImageOrientationPatient", orientation, 6, 1e-3, false),
    SHARED_REALS("(0028,0030) PixelSpacing", pixel_spacing_mm, 2, 1e-3, false),
    SHARED_REALS("(0018,0050) SliceThickness", slice_thickness_mm, 1, 1e-3, true),
    SHARED_REALS("(0054,0081) NumberOfSlices", slices_said, 1, 0, true),
    /* what its values mean */
    SHARED("(0054,1001) Units", units, true, false),
    SHARED("(0054,1006) SUVType", suv_type, true, false),
    SHARED("(0054,1102) DecayCorrection", decay_correction, true, false),
    SHARED("(0028,0051) CorrectedImage", corrected, true, false),
    SHARED("(0008,0070) Manufacturer", vendor, true, false),
    SHARED("(0008,1090) ManufacturerModelName", model, true, false),
    /* the body and what was given to it */
    SHARED("(0010,0040) PatientSex", sex, true, false),
    SHARED("(0010,1010) PatientAge", age, true, false),
    SHARED_REALS("(0010,1030) PatientWeight", weight_kg, 1, 1e-6, true),
    SHARED_REALS("(0010,1020) PatientSize", height_m, 1, 1e-6, true),
    SHARED_REALS("(0054,0016) RadiopharmaceuticalInformationSequence: its items", injections, 1, 0, true),
    SHARED("(0018,0031) Radiopharmaceutical", tracer, true, false),
    SHARED_REALS("(0018,1074) RadionuclideTotalDose", dose_bq, 1, 1e-6, true),
    SHARED_REALS("(0018,1075) RadionuclideHalfLife", half_life_s, 1, 1e-6, true),
    SHARED("(0018,1072) RadiopharmaceuticalStartTime", injection_time, true, false),
    SHARED("(0018,1078) RadiopharmaceuticalStartDateTime", injection_datetime, true, false),
    /* days and times of the whole */
    SHARED("(0008,0020) StudyDate", study_date, true, false),
    SHARED("(0008,0021) SeriesDate", series_date, true, false),
    SHARED("(0008,0031) SeriesTime", series_time, true, false),
};

static const char *text_at(const struct dicom_image *image, const struct row *r)
{
    return (const char *)image + r->offset;
}

static const double *reals_at(const struct dicom_image *image, const struct row *r)
{
    return (const double *)(const void *)((const char *)image + r->offset);
}

/* Unknown in both is the same, too. */
static bool same(double a, double b, double tolerance)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return fabs(a - b) <= tolerance * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool agree(const struct row *r, const struct dicom_image *a, const struct dicom_image *b)
{
    if (r->kind == TEXT)
        return strcmp(text_at(a, r), text_at(b, r)) == 0;
    for (size_t i = 0; i < r->count; i++)
        if (!same(reals_at(a, r)[i], reals_at(b, r)[i], r->tolerance))
            return false;
    return true;
}

/* As a sentence has it: 'F', 71, 4\2.5, none. */
static void value_word(const struct row *r, const struct dicom_image *image, char word[200])
{
    size_t used = 0;
    if (r->kind == TEXT) {
        const char *text = text_at(image, r);
        format_into(word, 200, !*text ? "none" : r->secret ? SECRET_BEGIN "%.150s" SECRET_END : "'%.150s'", text);
        return;
    }
    for (size_t i = 0; i < r->count && used < 150; i++)
        if (isnan(reals_at(image, r)[i]))
            used += (size_t)snprintf(word + used, 200 - used, "%snone", i ? "\\" : "");
        else
            used += (size_t)snprintf(word + used, 200 - used, "%s%.9g", i ? "\\" : "", reals_at(image, r)[i]);
}

int series_agree(const struct dicom_image *image, const char *const *path, size_t count, struct error *e)
{
    bool const pet = count > 0 && strcmp(image[0].modality, "PT") == 0;
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            char first[200], here[200];
            if ((rows[k].pet && !pet) || agree(&rows[k], &image[0], &image[i]))
                continue;
            value_word(&rows[k], &image[0], first);
            value_word(&rows[k], &image[i], here);
            return fail(e, "cannot join '%s' and '%s': %s differs: %s and %s", path[0], path[i], rows[k].tag, first,
                        here);
        }
    return 0;
}
