/* SPDX-License-Identifier: Apache-2.0 */
/* load_dicom_file -- small DICOM PET slices, written element by element for the tests of load.   tests/unit
 *
 * Explicit VR, little endian, elements in ascending order of tags as the standard wants them. */
#ifndef PETREL_TESTS_LOAD_DICOM_FILE_H
#define PETREL_TESTS_LOAD_DICOM_FILE_H
#include "common/base.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLICE_ROWS = 6, SLICE_COLUMNS = 5 };
struct dicom_slice {
    const char *series; /* SeriesInstanceUID; NULL: 1.2.3.4; "": left out */
    const char *position, *orientation, *spacing;
    const char *weight; /* "": left out */
    const char *acquisition_time;
    const char *modality;                   /* NULL: PT */
    const char *units, *suv_type;           /* NULL: BQML, none */
    const char *philips_suv, *philips_bqml; /* NULL: left out */
    const char *study, *frame, *image_type; /* UIDs; NULL: 1.2.3, 1.2.3.5, left out */
    double intercept;
    const char *vendor, *decay_correction; /* NULL: TESTWORKS, START */
    const char *creator;                   /* of block 10 of (7053,xxxx); NULL: Philips'; "": none named */
    unsigned block;                        /* of the private elements; 0: 10 */
    unsigned bits_stored, high_bit;        /* 0: 16, 15 */
    bool untyped;                          /* private elements as UN, as they come out of implicit files */
    double slope;
    uint16_t stored[SLICE_ROWS * SLICE_COLUMNS];
    unsigned rows, columns; /* 0: SLICE_ROWS, SLICE_COLUMNS; else pixels has them */
    const uint16_t *pixels;
    bool is_signed;
    size_t private_bytes; /* of a vendor's own, before the pixels: in elements of 3,000 and of 5,000 bytes in turn */
    const char *syntax;   /* TransferSyntaxUID of packed pixels; NULL: plain */
    const uint8_t *code;  /* the packed pixels, put into this many fragments */
    size_t code_size, fragments;
    const char *patient, *instance, *sop_class, *corrected; /* NULL: PATIENT 7, 1.2.3.4.5, a slice of PET, DECY\ATTN */
    const char *series_type, *photometric, *frames;         /* NULL: left out, MONOCHROME2, left out */
    unsigned slices_said, index;                            /* NumberOfSlices, ImageIndex; 0: left out */
    int injections;                                         /* items of the sequence; 0: 1 */
    const char *charset, *name;                             /* SpecificCharacterSet, PatientName; NULL: left out */
};

static void dicom_put(FILE *to, unsigned group, unsigned element, const char *vr, const void *value, size_t size)
{
    uint8_t tag[] = {(uint8_t)group, (uint8_t)(group >> 8), (uint8_t)element, (uint8_t)(element >> 8)};
    size_t const padded = size + size % 2;
    fwrite(tag, 1, 4, to);
    fwrite(vr, 1, 2, to);
    if (strcmp(vr, "OW") == 0 || strcmp(vr, "OB") == 0 || strcmp(vr, "SQ") == 0 || strcmp(vr, "UN") == 0) {
        uint8_t length[] = {
            0, 0, (uint8_t)padded, (uint8_t)(padded >> 8), (uint8_t)(padded >> 16), (uint8_t)(padded >> 24)};
        fwrite(length, 1, 6, to);
    } else {
        uint8_t length[] = {(uint8_t)padded, (uint8_t)(padded >> 8)};
        fwrite(length, 1, 2, to);
    }
    fwrite(value, 1, size, to);
    if (size % 2)
        fputc(strcmp(vr, "UI") == 0 || strcmp(vr, "OB") == 0 ? 0 : ' ', to);
}

static void dicom_text(FILE *to, unsigned group, unsigned element, const char *vr, const char *text)
{
    dicom_put(to, group, element, vr, text, strlen(text));
}

static void dicom_u16(FILE *to, unsigned group, unsigned element, unsigned value)
{
    dicom_put(to, group, element, "US", (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

static void dicom_item(FILE *to, unsigned element, const uint8_t *value, size_t size)
{
    uint8_t head[] = {0xfe,
                      0xff,
                      (uint8_t)element,
                      0xe0,
                      (uint8_t)size,
                      (uint8_t)(size >> 8),
                      (uint8_t)(size >> 16),
                      (uint8_t)(size >> 24)};
    fwrite(head, 1, sizeof head, to);
    if (size)
        fwrite(value, 1, size, to);
}

/* A sequence of items made by `fill(to, i, about)`. */
static inline void sequence_put(FILE *to, unsigned group, unsigned element, int items,
                                void (*fill)(FILE *to, int i, const void *about), const void *about)
{
    char *all = NULL;
    size_t size = 0;
    FILE *in = open_memstream(&all, &size);
    for (int i = 0; i < items; i++) {
        char *item = NULL;
        size_t length = 0;
        FILE *one = open_memstream(&item, &length);
        fill(one, i, about);
        fclose(one);
        fwrite((uint8_t[]){0xfe, 0xff, 0x00, 0xe0, (uint8_t)length, (uint8_t)(length >> 8), 0, 0}, 1, 8, in);
        fwrite(item, 1, length, in);
        free(item);
    }
    fclose(in);
    dicom_put(to, group, element, "SQ", all, size);
    free(all);
}

/* PixelData encapsulated: an empty table of offsets, fragments of even length, the delimiter. */
static void dicom_encapsulate(FILE *to, const struct dicom_slice *s)
{
    static const uint8_t head[] = {0xe0, 0x7f, 0x10, 0x00, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0xff};
    size_t const count = s->fragments ? s->fragments : 1, part = s->code_size / count / 2 * 2;
    fwrite(head, 1, sizeof head, to);
    dicom_item(to, 0x00, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        size_t const size = i + 1 < count ? part : s->code_size - i * part;
        uint8_t *even = calloc(size + 1, 1);
        memcpy(even, s->code + i * part, size);
        dicom_item(to, 0x00, even, size + size % 2);
        free(even);
    }
    dicom_item(to, 0xdd, NULL, 0);
}

/* RadiopharmaceuticalInformationSequence, of one item: injected 10:35, 388.777472 MBq, half-life 6588 s. */
static void dicom_injection(FILE *to, int items)
{
    char *item = NULL;
    size_t size = 0;
    FILE *in = open_memstream(&item, &size);
    dicom_text(in, 0x0018, 0x0031, "LO", "FDG");
    dicom_text(in, 0x0018, 0x1072, "TM", "103500.00");
    dicom_text(in, 0x0018, 0x1074, "DS", "388777472");
    dicom_text(in, 0x0018, 0x1075, "DS", "6588.0");
    fclose(in);
    size_t const count = items ? (size_t)items : 1;
    uint8_t *sequence = malloc(count * (size + 8));
    for (size_t i = 0; i < count; i++) {
        memcpy(sequence + i * (size + 8),
               (uint8_t[]){0xfe, 0xff, 0x00, 0xe0, (uint8_t)size, (uint8_t)(size >> 8), 0, 0}, 8);
        memcpy(sequence + i * (size + 8) + 8, item, size);
    }
    dicom_put(to, 0x0054, 0x0016, "SQ", sequence, count * (size + 8));
    free(sequence);
    free(item);
}

static void dicom_private(FILE *to, size_t bytes)
{
    static uint8_t const nothing[5000];
    dicom_text(to, 0x0029, 0x0010, "LO", "TESTWORKS");
    for (unsigned i = 0; bytes; i++) {
        size_t const most = i % 2 ? 5000 : 3000, size = bytes < most ? bytes : most;
        dicom_put(to, 0x0029, 0x1000 + i, "OB", nothing, size);
        bytes -= size;
    }
}

static void dicom_slice_write(const char *path, const struct dicom_slice *s)
{
    FILE *to = fopen(path, "wb");
    char preamble[128] = {0}, slope[32], intercept[32];
    if (!to)
        abort();
    fwrite(preamble, 1, sizeof preamble, to);
    fwrite("DICM", 1, 4, to);
    const char *syntax = s->syntax ? s->syntax : "1.2.840.10008.1.2.1";
    dicom_put(to, 0x0002, 0x0000, "UL", (uint8_t[]){(uint8_t)(8 + (strlen(syntax) + 1) / 2 * 2), 0, 0, 0}, 4);
    dicom_text(to, 0x0002, 0x0010, "UI", syntax);
    if (s->charset)
        dicom_text(to, 0x0008, 0x0005, "CS", s->charset);
    if (s->image_type)
        dicom_text(to, 0x0008, 0x0008, "CS", s->image_type);
    dicom_text(to, 0x0008, 0x0016, "UI", s->sop_class ? s->sop_class : "1.2.840.10008.5.1.4.1.1.128");
    dicom_text(to, 0x0008, 0x0018, "UI", s->instance ? s->instance : "1.2.3.4.5");
    dicom_text(to, 0x0008, 0x0020, "DA", "20200131");
    dicom_text(to, 0x0008, 0x0021, "DA", "20200131");
    dicom_text(to, 0x0008, 0x0022, "DA", "20200131");
    dicom_text(to, 0x0008, 0x0031, "TM", "112011.00");
    dicom_text(to, 0x0008, 0x0032, "TM", s->acquisition_time ? s->acquisition_time : "112011.00");
    dicom_text(to, 0x0008, 0x0060, "CS", s->modality ? s->modality : "PT");
    dicom_text(to, 0x0008, 0x0070, "LO", s->vendor ? s->vendor : "TESTWORKS");
    if (s->name)
        dicom_text(to, 0x0010, 0x0010, "PN", s->name);
    dicom_text(to, 0x0010, 0x0020, "LO", s->patient ? s->patient : "PATIENT 7");
    dicom_text(to, 0x0010, 0x1010, "AS", "018M");
    if (!s->weight || *s->weight)
        dicom_text(to, 0x0010, 0x1030, "DS", s->weight ? s->weight : "71.0");
    dicom_text(to, 0x0018, 0x1242, "IS", "240000");
    dicom_text(to, 0x0020, 0x000d, "UI", s->study ? s->study : "1.2.3");
    if (!s->series || *s->series)
        dicom_text(to, 0x0020, 0x000e, "UI", s->series ? s->series : "1.2.3.4");
    dicom_text(to, 0x0020, 0x0032, "DS", s->position);
    dicom_text(to, 0x0020, 0x0037, "DS", s->orientation ? s->orientation : "1\\0\\0\\0\\1\\0");
    dicom_text(to, 0x0020, 0x0052, "UI", s->frame ? s->frame : "1.2.3.5");
    dicom_u16(to, 0x0028, 0x0002, 1);
    dicom_text(to, 0x0028, 0x0004, "CS", s->photometric ? s->photometric : "MONOCHROME2");
    if (s->frames)
        dicom_text(to, 0x0028, 0x0008, "IS", s->frames);
    dicom_u16(to, 0x0028, 0x0010, s->pixels ? s->rows : SLICE_ROWS);
    dicom_u16(to, 0x0028, 0x0011, s->pixels ? s->columns : SLICE_COLUMNS);
    dicom_text(to, 0x0028, 0x0030, "DS", s->spacing ? s->spacing : "4\\2");
    dicom_text(to, 0x0028, 0x0051, "CS", s->corrected ? s->corrected : "DECY\\ATTN");
    dicom_u16(to, 0x0028, 0x0100, 16);
    dicom_u16(to, 0x0028, 0x0101, s->bits_stored ? s->bits_stored : 16);
    dicom_u16(to, 0x0028, 0x0102, s->bits_stored ? s->high_bit : 15);
    dicom_u16(to, 0x0028, 0x0103, s->is_signed);
    snprintf(intercept, sizeof intercept, "%.8g", s->intercept);
    dicom_text(to, 0x0028, 0x1052, "DS", intercept);
    snprintf(slope, sizeof slope, "%.8g", s->slope > 0 ? s->slope : 1.0);
    dicom_text(to, 0x0028, 0x1053, "DS", slope);
    if (s->private_bytes)
        dicom_private(to, s->private_bytes);
    dicom_injection(to, s->injections);
    if (s->slices_said)
        dicom_u16(to, 0x0054, 0x0081, s->slices_said);
    if (s->series_type)
        dicom_text(to, 0x0054, 0x1000, "CS", s->series_type);
    dicom_text(to, 0x0054, 0x1001, "CS", s->units ? s->units : "BQML");
    if (s->suv_type)
        dicom_text(to, 0x0054, 0x1006, "CS", s->suv_type);
    dicom_text(to, 0x0054, 0x1102, "CS", s->decay_correction ? s->decay_correction : "START");
    if (s->index)
        dicom_u16(to, 0x0054, 0x1330, s->index);
    const char *creator = s->creator ? s->creator : "Philips PET Private Group";
    unsigned const block = s->block ? s->block : 0x10;
    if ((s->philips_suv || s->philips_bqml) && block > 0x10)
        dicom_text(to, 0x7053, 0x0010, "LO", "SOMEONE ELSE");
    if ((s->philips_suv || s->philips_bqml) && *creator)
        dicom_text(to, 0x7053, block, "LO", creator);
    if (s->philips_suv)
        dicom_text(to, 0x7053, (block << 8), s->untyped ? "UN" : "DS", s->philips_suv);
    if (s->philips_bqml)
        dicom_text(to, 0x7053, (block << 8) + 9, s->untyped ? "UN" : "DS", s->philips_bqml);
    if (s->syntax)
        dicom_encapsulate(to, s);
    else
        dicom_put(to, 0x7fe0, 0x0010, "OW", s->pixels ? s->pixels : s->stored,
                  s->pixels ? 2 * s->rows * s->columns : sizeof s->stored);
    fclose(to);
}
#endif
