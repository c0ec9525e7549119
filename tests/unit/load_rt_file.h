/* SPDX-License-Identifier: Apache-2.0 */
/* load_rt_file -- small RTSTRUCT files, written element by element for the tests of load.   tests/unit */
#ifndef PETREL_TESTS_LOAD_RT_FILE_H
#define PETREL_TESTS_LOAD_RT_FILE_H
#include "tests/unit/load_seg_file.h"

struct rt_named {
    const char *number, *name;
    const char *frame; /* NULL: 1.2.3.5 */
    const char *type;  /* RTROIInterpretedType; NULL: no observation */
};
struct rt_contour {
    const char *type;   /* NULL: CLOSED_PLANAR; "": left out */
    int x0, x1, y0, y1; /* voxels of a slice (load_seg_file.h's series), that it encloses */
    int slice;
    const char *data;  /* these numbers instead */
    const char *image; /* the SOPInstanceUID of its image; NULL: not said */
};
struct rt_drawn {
    const char *number;
    struct rt_contour contour[6];
    int count;
};
struct rt {
    struct rt_named named[4];
    struct rt_drawn drawn[4];
    int named_count, drawn_count;
    const char *series[3]; /* NULL, all: 1.2.3.4; the first "": none is named */
    const char *instance;
};

static void rt_fill_image(FILE *to, int i, const void *about)
{
    (void)i;
    dicom_text(to, 0x0008, 0x1155, "UI", about);
}
static void rt_fill_contour(FILE *to, int i, const void *about)
{
    const struct rt_contour *c = (const struct rt_contour *)about + i;
    char data[300];
    double const x0 = -21 + 2 * c->x0, x1 = -19 + 2 * c->x1, y0 = -15 + 4 * c->y0, y1 = -11 + 4 * c->y1,
                 z = -6 + 3 * c->slice;
    format_into(data, sizeof data, "%g\\%g\\%g\\%g\\%g\\%g\\%g\\%g\\%g\\%g\\%g\\%g", x0, y0, z, x1, y0, z, x1, y1, z,
                x0, y1, z);
    if (c->image)
        sequence_put(to, 0x3006, 0x0016, 1, rt_fill_image, c->image);
    if (!c->type || *c->type)
        dicom_text(to, 0x3006, 0x0042, "CS", c->type ? c->type : "CLOSED_PLANAR");
    dicom_text(to, 0x3006, 0x0050, "DS", c->data ? c->data : data);
}
static void rt_fill_drawn(FILE *to, int i, const void *about)
{
    const struct rt_drawn *d = &((const struct rt *)about)->drawn[i];
    sequence_put(to, 0x3006, 0x0040, d->count, rt_fill_contour, d->contour);
    dicom_text(to, 0x3006, 0x0084, "IS", d->number);
}
static void rt_fill_named(FILE *to, int i, const void *about)
{
    const struct rt_named *n = &((const struct rt *)about)->named[i];
    dicom_text(to, 0x3006, 0x0022, "IS", n->number);
    dicom_text(to, 0x3006, 0x0024, "UI", n->frame ? n->frame : "1.2.3.5");
    dicom_text(to, 0x3006, 0x0026, "LO", n->name);
}
static void rt_fill_observed(FILE *to, int i, const void *about)
{
    const struct rt_named *n = &((const struct rt *)about)->named[i];
    dicom_text(to, 0x3006, 0x0084, "IS", n->number);
    dicom_text(to, 0x3006, 0x00a4, "CS", n->type ? n->type : "");
}
static void rt_fill_series(FILE *to, int i, const void *about)
{
    const struct rt *s = about;
    dicom_text(to, 0x0020, 0x000e, "UI", s->series[0] ? s->series[i] : "1.2.3.4");
}
static void rt_fill_study(FILE *to, int i, const void *about)
{
    const struct rt *s = about;
    int count = 1;
    (void)i;
    while (count < 3 && s->series[count])
        count++;
    if (s->series[0] && !*s->series[0])
        return;
    sequence_put(to, 0x3006, 0x0014, count, rt_fill_series, about);
}
static void rt_fill_frame(FILE *to, int i, const void *about)
{
    /* the first is of nobody: all references are looked at */
    dicom_text(to, 0x0020, 0x0052, "UI", i ? "1.2.3.5" : "1.2.3.999");
    if (i)
        sequence_put(to, 0x3006, 0x0012, 1, rt_fill_study, about);
}

static inline void rt_write(const char *path, const struct rt *s)
{
    char preamble[128] = {0};
    FILE *to = fopen(path, "wb");
    if (!to)
        abort();
    fwrite(preamble, 1, sizeof preamble, to);
    fwrite("DICM", 1, 4, to);
    dicom_put(to, 0x0002, 0x0000, "UL", (uint8_t[]){28, 0, 0, 0}, 4);
    dicom_put(to, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1", 19);
    dicom_text(to, 0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.481.3");
    dicom_text(to, 0x0008, 0x0018, "UI", s->instance ? s->instance : "1.2.3.88.1");
    dicom_text(to, 0x0008, 0x0060, "CS", "RTSTRUCT");
    dicom_text(to, 0x0020, 0x000d, "UI", "1.2.3");
    dicom_text(to, 0x0020, 0x000e, "UI", "1.2.3.88");
    sequence_put(to, 0x3006, 0x0010, 2, rt_fill_frame, s);
    sequence_put(to, 0x3006, 0x0020, s->named_count, rt_fill_named, s);
    sequence_put(to, 0x3006, 0x0039, s->drawn_count, rt_fill_drawn, s);
    sequence_put(to, 0x3006, 0x0080, s->named_count, rt_fill_observed, s);
    fclose(to);
}
#endif
