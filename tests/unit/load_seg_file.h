/* SPDX-License-Identifier: Apache-2.0 */
/* load_seg_file -- a small DICOM segmentation of two segments, written element by element for the tests of load.   tests/unit */
#ifndef PETREL_TESTS_LOAD_SEG_FILE_H
#define PETREL_TESTS_LOAD_SEG_FILE_H
#include "tests/unit/load_dicom_file.h"

enum { SEG_PLANE = SLICE_ROWS * SLICE_COLUMNS };

/* Voxel p of slice z belongs to segment 1 or 2, which overlap. */
static bool inside(unsigned segment, int z, int p)
{
    return segment == 1 ? z >= 2 && z <= 4 && p % 3 == 0 : z == 4 && p > 20;
}

struct seg {
    const char *series, *frame_uid, *spacing, *orientation;
    double shift_mm; /* of its slices */
    int frames_said; /* 0: as many as there are */
    bool fraction;   /* bytes of 0..200 instead of bits */
    bool stray;      /* a frame of a segment nobody named */
};
static const struct {
    unsigned segment;
    int slice;
} frames[] = {{1, 4}, {2, 4}, {1, 2}, {1, 3}};

static void fill_series(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0020, 0x000e, "UI", about);
}
static void fill_segment(FILE *to, int i, const void *about)
{
    (void)about;
    dicom_u16(to, 0x0062, 0x0004, (unsigned)i + 1);
    dicom_text(to, 0x0062, 0x0005, "LO", i ? "bladder" : "tumour");
}
static void fill_orientation(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0020, 0x0037, "DS", about);
}
static void fill_spacing(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0028, 0x0030, "DS", about);
}
static void fill_shared(FILE *to, int i, const void *about)
{
    const struct seg *s = about;
    (void)i;
    sequence_put(to, 0x0020, 0x9116, 1, fill_orientation, s->orientation ? s->orientation : "1\\0\\0\\0\\1\\0");
    sequence_put(to, 0x0028, 0x9110, 1, fill_spacing, s->spacing ? s->spacing : "4\\2");
}
static void fill_position(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0020, 0x0032, "DS", about);
}
static void fill_identification(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_u16(to, 0x0062, 0x000b, *(const unsigned *)about);
}
static void fill_frame(FILE *to, int i, const void *about)
{
    const struct seg *s = about;
    char position[64];
    unsigned segment = s->stray && i == 2 ? 9 : frames[i].segment;
    snprintf(position, sizeof position, "-20\\-13\\%g", -6 + 3 * frames[i].slice + s->shift_mm);
    sequence_put(to, 0x0020, 0x9113, 1, fill_position, position);
    sequence_put(to, 0x0062, 0x000a, 1, fill_identification, &segment);
}

static inline void seg_write(const char *path, const struct seg *s)
{
    uint8_t bits[COUNT_OF(frames) * SEG_PLANE] = {0};
    char preamble[128] = {0}, count[16];
    FILE *to = fopen(path, "wb");
    for (size_t f = 0; f < COUNT_OF(frames); f++)
        for (int p = 0; p < SEG_PLANE; p++) {
            size_t at = f * SEG_PLANE + (size_t)p;
            bool in = inside(frames[f].segment, frames[f].slice, p);
            if (s->fraction)
                bits[at] = in ? 101 : 100;
            else if (in)
                bits[at / 8] |= (uint8_t)(1U << (at % 8));
        }
    fwrite(preamble, 1, sizeof preamble, to);
    fwrite("DICM", 1, 4, to);
    dicom_put(to, 0x0002, 0x0000, "UL", (uint8_t[]){28, 0, 0, 0}, 4);
    dicom_put(to, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1", 19);
    dicom_text(to, 0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.66.4");
    dicom_text(to, 0x0008, 0x0060, "CS", "SEG");
    sequence_put(to, 0x0008, 0x1115, 1, fill_series, s->series ? s->series : "1.2.3.4");
    dicom_text(to, 0x0020, 0x000d, "UI", "1.2.3");
    dicom_text(to, 0x0020, 0x000e, "UI", "1.2.3.77");
    dicom_text(to, 0x0020, 0x0052, "UI", s->frame_uid ? s->frame_uid : "1.2.3.5");
    snprintf(count, sizeof count, "%d", s->frames_said ? s->frames_said : (int)COUNT_OF(frames));
    dicom_text(to, 0x0028, 0x0008, "IS", count);
    dicom_u16(to, 0x0028, 0x0010, SLICE_ROWS);
    dicom_u16(to, 0x0028, 0x0011, SLICE_COLUMNS);
    dicom_u16(to, 0x0028, 0x0100, s->fraction ? 8 : 1);
    sequence_put(to, 0x0062, 0x0002, 2, fill_segment, NULL);
    if (s->fraction)
        dicom_u16(to, 0x0062, 0x000e, 200);
    sequence_put(to, 0x5200, 0x9229, 1, fill_shared, s);
    sequence_put(to, 0x5200, 0x9230, (int)COUNT_OF(frames), fill_frame, s);
    dicom_put(to, 0x7fe0, 0x0010, "OB", bits, s->fraction ? sizeof bits : (sizeof bits + 7) / 8);
    fclose(to);
}
#endif
