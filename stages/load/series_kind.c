/* SPDX-License-Identifier: Apache-2.0 */
/* series_kind -- what kind of image a file of modality PT is: a slice of PET, or something that is only stored as one.   series -> [series_kind]
 *
 * Modality is what the study was; SOPClassUID, SeriesType, ImageType and PhotometricInterpretation are what the image is. */
#include "stages/load/load.h"
#include <math.h>
#include <string.h>

bool values_have(const char *list, const char *value)
{
    size_t const length = strlen(value);
    for (const char *at = list; at; at = strchr(at, '\\')) {
        at += *at == '\\';
        if (strncmp(at, value, length) == 0 && (at[length] == '\0' || at[length] == '\\'))
            return true;
    }
    return false;
}

static const char *second_value(const char *list)
{
    const char *second = strchr(list, '\\');
    return second ? second + 1 : "";
}

/* Of images of other classes: those that programs wrote over PET slices, place and slope and all, can be read. */
static bool lies_somewhere(const struct dicom_image *image)
{
    return isfinite(image->position_mm[0]) && isfinite(image->orientation[0]) && image->pixel_spacing_mm[0] > 0 &&
           isfinite(image->slope);
}

/* What the scanner made of dose and time already. */
static bool is_suv(const char *units)
{
    return strcmp(units, "GML") == 0 || strcmp(units, "CM2ML") == 0;
}

/* A UID, or all that begin with it where it ends in a dot. */
static bool class_is(const char *class, const char *uid)
{
    return uid[strlen(uid) - 1] == '.' ? strncmp(class, uid, strlen(uid)) == 0 : strcmp(class, uid) == 0;
}

int series_kind(const struct dicom_image *image, const char *path, struct error *e)
{
    static const struct {
        const char *uid, *what;
    } others[] = {{"1.2.840.10008.5.1.4.1.1.20", "an image of a gamma camera (planar or SPECT)"},
                  {"1.2.840.10008.5.1.4.1.1.66", "raw data, no image"},
                  {"1.2.840.10008.5.1.4.1.1.104.1", "a PDF, no image"},
                  {"1.2.840.10008.5.1.4.1.1.88.", "a report, no image"},
                  {"1.2.840.10008.5.1.4.1.1.11.", "a presentation of other images, no image"}};
    static const char *const pictures[] = {"MIP", "MAX_IP", "PROJECTION IMAGE", "SCREEN SAVE", "SCREENSHOT"};
    if (image->frames > 1)
        return fail(e,
                    "cannot open '%s': (0028,0008) NumberOfFrames is %g, of (0008,0016) SOPClassUID %s: of files with "
                    "several frames only Enhanced PET is read: split it into one file a slice",
                    path, image->frames, dicom_class_name(image->sop_class));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (class_is(image->sop_class, others[i].uid))
            return fail(e, "cannot open '%s': (0008,0016) SOPClassUID is %s: %s, though its modality is PT", path,
                        dicom_class_name(image->sop_class), others[i].what);
    if (image->samples > 1 || strncmp(image->photometric, "RGB", 3) == 0 ||
        strncmp(image->photometric, "YBR", 3) == 0 || strncmp(image->photometric, "PALETTE", 7) == 0)
        return fail(
            e,
            "cannot open '%s': (0028,0004) PhotometricInterpretation is '%s', (0028,0002) SamplesPerPixel %g: a "
            "picture in colours, no slice of PET",
            path, image->photometric, image->samples);
    if (strcmp(second_value(image->series_type), "REPROJECTION") == 0)
        return fail(e, "cannot open '%s': (0054,1000) SeriesType is '%s': a projection through the body, no slice",
                    path, image->series_type);
    for (size_t i = 0; i < COUNT_OF(pictures); i++)
        if (values_have(image->image_type, pictures[i]))
            return fail(e, "cannot open '%s': (0008,0008) ImageType is '%s': no slice of PET", path, image->image_type);
    if (image->injections > 1 && !is_suv(image->units))
        return fail(e,
                    "cannot use '%s': (0054,0016) RadiopharmaceuticalInformationSequence has %g items: which dose and "
                    "which time its values go with is not known",
                    path, image->injections);
    if (*image->sop_class && strncmp(image->sop_class, "1.2.840.10008.5.1.4.1.1.128", 27) != 0 &&
        strcmp(image->sop_class, "1.2.840.10008.5.1.4.1.1.130") != 0 && !lies_somewhere(image))
        return fail(
            e,
            "cannot open '%s': (0008,0016) SOPClassUID is %s, and it does not say where it lies: a picture of a "
            "screen or a page, though its modality is PT",
            path, dicom_class_name(image->sop_class));
    return 0;
}
