/* SPDX-License-Identifier: Apache-2.0 */
/* load_enhanced_file -- the slices of load_dicom_file as one Enhanced PET file, written element by element.   tests/unit
 *
 * Of the slices: position, slope, intercept, stored values, acquisition_time. What is the same in all stands where `shared` says, or in each
 * frame. */
#ifndef PETREL_TESTS_LOAD_ENHANCED_FILE_H
#define PETREL_TESTS_LOAD_ENHANCED_FILE_H
#include "tests/unit/load_dicom_file.h"

#define ENHANCED_PET "1.2.840.10008.5.1.4.1.1.130"
#define LEGACY_PET   "1.2.840.10008.5.1.4.1.1.128.1"

struct enhanced {
    const struct dicom_slice *slice;
    int count;
    bool legacy;             /* facts as they were, among the converted attributes */
    bool each;               /* what all frames share is said in each */
    const char *unit;        /* UCUM; NULL: Bq/ml; "": no mapping */
    const char *decay;       /* DecayCorrected; NULL: YES */
    const char *decayed;     /* the moment it is corrected to; NULL: 20200131112011.00; "": left out */
    const char *dose;        /* NULL: 388.777472, MBq */
    const char *attenuation; /* AttenuationCorrected; NULL: YES */
    const char *instance;    /* SOPInstanceUID; NULL: 1.2.3.4.6 */
    int second_stack;        /* from this frame on; 0: one stack */
    int second_time;         /* likewise */
    int said;                /* NumberOfFrames; 0: as it is */
    int unplaced;            /* this frame, from 1, has no position */
    int unscaled;            /* this frame has neither slope nor mapping */
    int without_groups;      /* 1: no PerFrameFunctionalGroupsSequence */
    int part, parts;         /* of a concatenation */
    int first;               /* InStackPositionNumber of the lowest; 0: 1 */
    size_t cut;              /* bytes of PixelData that are not there */
    bool by_table;           /* the mapping is a table of values */
};
struct enhanced_frame {
    const struct enhanced *e;
    int i;
};

/* A sequence of one item made by `fill`. */
static void enhanced_one(FILE *to, unsigned group, unsigned element, void (*fill)(FILE *to, int i, const void *about),
                         const void *about)
{
    sequence_put(to, group, element, 1, fill, about);
}

static void enhanced_put_real(FILE *to, unsigned group, unsigned element, double value)
{
    dicom_put(to, group, element, "FD", &value, sizeof value);
}

static void enhanced_u32(FILE *to, unsigned group, unsigned element, unsigned value)
{
    dicom_put(to, group, element, "UL",
              (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)}, 4);
}

static void enhanced_position(FILE *to, int i, const void *about)
{
    const struct enhanced_frame *f = about;
    (void)i;
    if (f->e->unplaced != f->i + 1)
        dicom_text(to, 0x0020, 0x0032, "DS", f->e->slice[f->i].position);
}
static void enhanced_orientation(FILE *to, int i, const void *about)
{
    const struct enhanced_frame *f = about;
    const char *said = f->e->slice[f->i].orientation;
    (void)i;
    dicom_text(to, 0x0020, 0x0037, "DS", said ? said : "1\\0\\0\\0\\1\\0");
}
static void enhanced_measures(FILE *to, int i, const void *about)
{
    (void)i;
    (void)about;
    dicom_text(to, 0x0018, 0x0050, "DS", "3");
    dicom_text(to, 0x0028, 0x0030, "DS", "4\\2");
}
static void enhanced_content(FILE *to, int i, const void *about)
{
    const struct enhanced_frame *f = about;
    const char *time = f->e->slice[f->i].acquisition_time;
    char moment[40];
    (void)i;
    snprintf(moment, sizeof moment, "20200131%s", time ? time : "112011.00");
    dicom_text(to, 0x0018, 0x9074, "DT", moment);
    enhanced_put_real(to, 0x0018, 0x9220, 240000);
    dicom_text(to, 0x0020, 0x9056, "SH", f->e->second_stack && f->i + 1 >= f->e->second_stack ? "2" : "1");
    double x, y, z;
    if (sscanf(f->e->slice[f->i].position, "%lf\\%lf\\%lf", &x, &y, &z) != 3) /* slices 3 mm apart, from 0 */
        abort();
    enhanced_u32(to, 0x0020, 0x9057, (unsigned)(z / 3) + (unsigned)(f->e->first ? f->e->first : 1));
    enhanced_u32(to, 0x0020, 0x9128, f->e->second_time && f->i + 1 >= f->e->second_time ? 2 : 1);
}
static void enhanced_scale(FILE *to, int i, const void *about)
{
    const struct enhanced_frame *f = about;
    const struct dicom_slice *s = &f->e->slice[f->i];
    char text[32];
    (void)i;
    if (f->e->unscaled == f->i + 1)
        return;
    /* display values, where the mapping says what they mean: of them nothing may be taken */
    bool const mapped = !f->e->legacy && !(f->e->unit && !*f->e->unit);
    snprintf(text, sizeof text, "%.8g", mapped ? 7 : s->intercept);
    dicom_text(to, 0x0028, 0x1052, "DS", text);
    snprintf(text, sizeof text, "%.8g", mapped ? 3 : s->slope > 0 ? s->slope : 1);
    dicom_text(to, 0x0028, 0x1053, "DS", text);
    dicom_text(to, 0x0028, 0x1054, "LO", "US");
}
static void enhanced_unit(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0008, 0x0100, "SH", about);
    dicom_text(to, 0x0008, 0x0102, "SH", "UCUM");
}
/* Counts first, activity after it: the better one is not the first. */
static void enhanced_mapping(FILE *to, int i, const void *about)
{
    const struct enhanced_frame *f = about;
    const struct dicom_slice *s = &f->e->slice[f->i];
    const char *unit = f->e->unit ? f->e->unit : "Bq/ml";
    enhanced_one(to, 0x0040, 0x08ea, enhanced_unit, i ? unit : "{counts}");
    if (f->e->by_table)
        return;
    enhanced_put_real(to, 0x0040, 0x9224, i ? s->intercept : 5);
    enhanced_put_real(to, 0x0040, 0x9225, i ? (s->slope > 0 ? s->slope : 1) : 11);
}
static void enhanced_type(FILE *to, int i, const void *about)
{
    (void)i;
    (void)about;
    dicom_text(to, 0x0008, 0x9007, "CS", "ORIGINAL\\PRIMARY\\VOLUME\\NONE");
}
static void enhanced_injection(FILE *to, int i, const void *about)
{
    const struct enhanced *e = about;
    (void)i;
    if (e->legacy)
        dicom_text(to, 0x0018, 0x0031, "LO", "FDG");
    if (e->legacy)
        dicom_text(to, 0x0018, 0x1072, "TM", "103500.00");
    dicom_text(to, 0x0018, 0x1074, "DS", e->dose ? e->dose : e->legacy ? "388777472" : "388.777472");
    dicom_text(to, 0x0018, 0x1075, "DS", "6588.0");
    if (!e->legacy)
        dicom_text(to, 0x0018, 0x1078, "DT", "20200131103500.00");
}
static void enhanced_converted(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0028, 0x0051, "CS", "DECY\\ATTN");
    sequence_put(to, 0x0054, 0x0016, 1, enhanced_injection, about);
    dicom_text(to, 0x0054, 0x1001, "CS", "BQML");
    dicom_text(to, 0x0054, 0x1102, "CS", "START");
}
static void enhanced_shared(FILE *to, int i, const void *about)
{
    const struct enhanced *e = about;
    struct enhanced_frame const f = {e, 0};
    (void)i;
    if (!e->each) {
        enhanced_one(to, 0x0018, 0x9751, enhanced_type, &f);
        enhanced_one(to, 0x0020, 0x9116, enhanced_orientation, &f);
    }
    if (e->legacy)
        enhanced_one(to, 0x0020, 0x9170, enhanced_converted, e);
    if (!e->each)
        enhanced_one(to, 0x0028, 0x9110, enhanced_measures, &f);
}
static void enhanced_each(FILE *to, int i, const void *about)
{
    const struct enhanced *e = about;
    struct enhanced_frame const f = {e, i};
    if (e->each)
        enhanced_one(to, 0x0018, 0x9751, enhanced_type, &f);
    enhanced_one(to, 0x0020, 0x9111, enhanced_content, &f);
    enhanced_one(to, 0x0020, 0x9113, enhanced_position, &f);
    if (e->each) {
        enhanced_one(to, 0x0020, 0x9116, enhanced_orientation, &f);
        enhanced_one(to, 0x0028, 0x9110, enhanced_measures, &f);
    }
    enhanced_one(to, 0x0028, 0x9145, enhanced_scale, &f);
    if (!e->legacy && !(e->unit && !*e->unit) && e->unscaled != i + 1)
        sequence_put(to, 0x0040, 0x9096, 2, enhanced_mapping, &f);
}

static void enhanced_write(const char *path, const struct enhanced *e)
{
    FILE *to = fopen(path, "wb");
    char preamble[128] = {0}, said[16];
    const char *class = e->legacy ? LEGACY_PET : ENHANCED_PET;
    if (!to)
        abort();
    fwrite(preamble, 1, sizeof preamble, to);
    fwrite("DICM", 1, 4, to);
    dicom_put(to, 0x0002, 0x0000, "UL", (uint8_t[]){28, 0, 0, 0}, 4);
    dicom_text(to, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
    dicom_text(to, 0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\VOLUME\\NONE");
    dicom_text(to, 0x0008, 0x0016, "UI", class);
    dicom_text(to, 0x0008, 0x0018, "UI", e->instance ? e->instance : "1.2.3.4.6");
    dicom_text(to, 0x0008, 0x0020, "DA", "20200131");
    dicom_text(to, 0x0008, 0x0021, "DA", "20200131");
    dicom_text(to, 0x0008, 0x002a, "DT", "20200131112011.00");
    dicom_text(to, 0x0008, 0x0031, "TM", e->legacy ? "112011.00" : "115959.00"); /* of no use in an enhanced one */
    dicom_text(to, 0x0008, 0x0060, "CS", "PT");
    dicom_text(to, 0x0008, 0x0070, "LO", "TESTWORKS");
    dicom_text(to, 0x0010, 0x0020, "LO", "PATIENT 7");
    dicom_text(to, 0x0010, 0x1010, "AS", "018M");
    dicom_text(to, 0x0010, 0x1030, "DS", "71.0");
    if (!e->legacy) {
        if (!(e->decayed && !*e->decayed))
            dicom_text(to, 0x0018, 0x9701, "DT", e->decayed ? e->decayed : "20200131112011.00");
        dicom_text(to, 0x0018, 0x9758, "CS", e->decay ? e->decay : "YES");
        dicom_text(to, 0x0018, 0x9759, "CS", e->attenuation ? e->attenuation : "YES");
        dicom_text(to, 0x0018, 0x9760, "CS", "NO");
    }
    dicom_text(to, 0x0020, 0x000d, "UI", "1.2.3");
    dicom_text(to, 0x0020, 0x000e, "UI", "1.2.3.4");
    dicom_text(to, 0x0020, 0x0052, "UI", "1.2.3.5");
    if (e->parts) {
        dicom_u16(to, 0x0020, 0x9162, (unsigned)e->part);
        dicom_u16(to, 0x0020, 0x9163, (unsigned)e->parts);
    }
    dicom_u16(to, 0x0028, 0x0002, 1);
    dicom_text(to, 0x0028, 0x0004, "CS", "MONOCHROME2");
    snprintf(said, sizeof said, "%d", e->said ? e->said : e->count);
    dicom_text(to, 0x0028, 0x0008, "IS", said);
    dicom_u16(to, 0x0028, 0x0010, SLICE_ROWS);
    dicom_u16(to, 0x0028, 0x0011, SLICE_COLUMNS);
    dicom_u16(to, 0x0028, 0x0100, 16);
    dicom_u16(to, 0x0028, 0x0101, 16);
    dicom_u16(to, 0x0028, 0x0102, 15);
    dicom_u16(to, 0x0028, 0x0103, e->slice[0].is_signed);
    if (!e->legacy)
        sequence_put(to, 0x0054, 0x0016, 1, enhanced_injection, e);
    sequence_put(to, 0x5200, 0x9229, 1, enhanced_shared, e);
    if (!e->without_groups)
        sequence_put(to, 0x5200, 0x9230, e->count, enhanced_each, e);
    uint8_t *all = malloc((size_t)e->count * sizeof e->slice[0].stored);
    for (int i = 0; i < e->count; i++)
        memcpy(all + (size_t)i * sizeof e->slice[i].stored, e->slice[i].stored, sizeof e->slice[i].stored);
    dicom_put(to, 0x7fe0, 0x0010, "OW", all, (size_t)e->count * sizeof e->slice[0].stored - e->cut);
    free(all);
    fclose(to);
}
#endif
