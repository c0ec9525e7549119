/* SPDX-License-Identifier: Apache-2.0 */
/* seg -- the segments of a DICOM SEG as a mask on the series' grid.   truth, given -> [seg] -> dicom
 *
 * Frames must be slices of that grid: same rows and columns, direction, spacing and, to half a voxel, place. Truth that was made on
 * another grid (the CT's, say) is refused: resampling truth is not this program's to decide. Regions that somebody drew keep the grid they
 * were drawn on (seg_own_grid), and petrel-roi lays that on the scan. */
#include "common/log.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The slice a frame is, or -1 and a sentence. */
static int64_t frame_slice(const struct dicom_segmentation *d, size_t frame, const struct grid *g, struct error *e)
{
    double xyz[3];
    grid_index_lps(g, d->frame[frame].position_mm, xyz);
    if (!(xyz[2] > -0.5 && xyz[2] < (double)g->dim[0] - 0.5))
        return fail(e, "frame %zu lies outside the slices (at slice %.1f of %lld)", frame + 1, xyz[2],
                    (long long)g->dim[0]);
    double slice = floor(xyz[2] + 0.5);
    if (fabs(xyz[2] - slice) > 0.25)
        return fail(e, "frame %zu lies between slices (at %.2f): it was drawn on other planes than this series'",
                    frame + 1, xyz[2]);
    if (!(fabs(xyz[0]) < 0.5 && fabs(xyz[1]) < 0.5))
        return fail(
            e,
            "frame %zu begins %.1f columns and %.1f rows from the series' first pixel: draw it on the series' own grid",
            frame + 1, xyz[0], xyz[1]);
    return (int64_t)slice;
}

static int grid_check(const struct dicom_segmentation *d, const struct grid *g, struct error *e)
{
    if ((int64_t)d->rows != g->dim[1] || (int64_t)d->columns != g->dim[2])
        return fail(e, "it has %zu x %zu pixels a frame, its series %lld x %lld: draw it on the series' own grid",
                    d->columns, d->rows, (long long)g->dim[2], (long long)g->dim[1]);
    for (size_t i = 0; i < 3; i++) {
        double ras = i < 2 ? -1 : 1;
        /* a voxel's half, at the far end of a row or column */
        double row = fabs(ras * d->orientation[i] * d->pixel_spacing_mm[1] - g->affine[i][0]) * (double)d->columns;
        double column = fabs(ras * d->orientation[i + 3] * d->pixel_spacing_mm[0] - g->affine[i][1]) * (double)d->rows;
        if (!(row < 0.5 * g->spacing_mm[2] && column < 0.5 * g->spacing_mm[1]))
            return fail(
                e,
                "its rows and columns run otherwise than its series' ((0020,0037) ImageOrientationPatient, (0028,0030) "
                "PixelSpacing)");
    }
    return 0;
}

/* Per segment number: whether its pixels are truth, and how many there were. */
struct segments {
    uint8_t wanted[1 << 16], named[1 << 16];
    size_t voxels[1 << 16];
};

static int frame_fill(const struct dicom_segmentation *d, size_t f, struct segments *of, uint8_t *slice,
                      uint16_t *label, struct error *e)
{
    for (size_t p = 0; p < d->rows * d->columns; p++) {
        unsigned const number = dicom_segmentation_at(d, f, p);
        if (number == 0)
            continue;
        if (!of->named[number])
            return fail(e, "frame %zu is of segment %u, which (0062,0002) SegmentSequence does not have", f + 1, number);
        slice[p] |= of->wanted[number];
        if (label && of->wanted[number] && !label[p])
            label[p] = (uint16_t)number;
        of->voxels[number]++;
    }
    return 0;
}

static int frames_fill(const struct dicom_segmentation *d, struct segments *of, const struct grid *g, uint8_t *mask,
                       uint16_t *label, struct error *e)
{
    size_t const plane = d->rows * d->columns;
    for (size_t f = 0; f < d->frame_count; f++) {
        unsigned const number = d->frame[f].segment;
        if (d->kind != SEG_LABELS && !of->named[number])
            return fail(e, "frame %zu is of segment %u, which (0062,0002) SegmentSequence does not have", f + 1, number);
        if (d->kind != SEG_LABELS && !of->wanted[number])
            continue;
        int64_t const slice = frame_slice(d, f, g, e);
        if (slice < 0 ||
            frame_fill(d, f, of, mask + (size_t)slice * plane, label ? label + (size_t)slice * plane : NULL, e) < 0)
            return -1;
    }
    return 0;
}

/* Which are wanted; -1: two of one number that are not both. */
static int segments_choose(const struct dicom_segmentation *d, struct truth *t, struct segments *of, struct error *e)
{
    for (size_t i = 0; i < d->segment_count; i++) {
        const struct dicom_segment *one = &d->segment[i];
        bool const wanted = one->number > 0 && truth_wants(t, one->label, one->type); /* number 0: what is no segment */
        if (of->named[one->number] && of->wanted[one->number] != wanted)
            return fail(e, "two segments have one number, %u ((0062,0004) SegmentNumber), '%s' the second", one->number,
                        one->label);
        of->named[one->number] = 1;
        of->wanted[one->number] = wanted;
    }
    return 0;
}

/* Wanted ones without a voxel, in one sentence. */
static void empty_tell(const char *path, const struct dicom_segmentation *d, const struct segments *of)
{
    const char *one = NULL;
    size_t empty = 0;
    for (size_t i = 0; i < d->segment_count; i++)
        if (of->wanted[d->segment[i].number] && of->voxels[d->segment[i].number] == 0 && empty++ == 0)
            one = d->segment[i].label;
    if (empty)
        log_warn("'%s': %zu of %zu segments hold no voxel: '%s'%s", path, empty, d->segment_count, one,
                 empty > 1 ? ", ..." : "");
}

/* ---- a grid of its own ---- */

static bool lies_on(const struct dicom_segmentation *d, const struct grid *g)
{
    struct error unused = {0};
    bool on = grid_check(d, g, &unused) == 0;
    for (size_t f = 0; on && f < d->frame_count; f++)
        on = frame_slice(d, f, g, &unused) >= 0;
    return on;
}

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* The widest step that leads from the lowest frame to each: what the file says, where that is one; else the least gap there is. */
static double frames_step(const double *along_mm, size_t count, double said)
{
    double low = INFINITY, least = INFINITY;
    bool fits = said > 1e-3;
    for (size_t i = 0; i < count; i++)
        low = fmin(low, along_mm[i]);
    for (size_t i = 0; i < count; i++) {
        double const slice = (along_mm[i] - low) / said;
        fits = fits && fabs(slice - round(slice)) < 0.1;
        for (size_t k = 0; k < i; k++)
            if (fabs(along_mm[i] - along_mm[k]) > 1e-2)
                least = fmin(least, fabs(along_mm[i] - along_mm[k]));
    }
    return fits ? said : least;
}

static int frames_lay(const struct dicom_segmentation *d, struct grid *g, struct error *e)
{
    const double *a = d->orientation, *b = a + 3;
    double const normal[3] = {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
    double *along_mm = xalloc(d->frame_count, sizeof *along_mm), high = -INFINITY;
    size_t first = 0;
    for (size_t f = 0; f < d->frame_count; f++) {
        along_mm[f] = dot(d->frame[f].position_mm, normal);
        first = along_mm[f] < along_mm[first] ? f : first;
        high = fmax(high, along_mm[f]);
    }
    double const low = along_mm[first], step = frames_step(along_mm, d->frame_count, d->slice_mm);
    free(along_mm);
    double const slices = round((high - low) / step) + 1;
    if (!(slices >= 1 && slices <= UINT16_MAX))
        return fail(e, "its slices do not say how far apart they are ((0018,0088) SpacingBetweenSlices)");
    *g = (struct grid){.dim = {(int64_t)slices, (int64_t)d->rows, (int64_t)d->columns}};
    for (size_t i = 0; i < 3; i++) {
        double const ras = i < 2 ? -1 : 1;
        g->affine[i][0] = ras * a[i] * d->pixel_spacing_mm[1];
        g->affine[i][1] = ras * b[i] * d->pixel_spacing_mm[0];
        g->affine[i][2] = ras * normal[i] * step;
        g->affine[i][3] = ras * d->frame[first].position_mm[i];
    }
    return grid_measure(g, e);
}

int seg_own_grid(const char *path, const struct series *s, struct grid *own, struct error *e)
{
    struct dicom_segmentation d;
    if (dicom_read_segmentation(path, false, &d, e) < 0)
        return -1;
    int rc = 0;
    if (dicom_refers_to(&d.refers, s->series_uid, s->frame_uid) && !lies_on(&d, &s->grid))
        rc = frames_lay(&d, own, e) < 0 || (!lies_on(&d, own) && fail(e, "its frames are not evenly spaced") < 0) ? -1
                                                                                                                  : 1;
    dicom_segmentation_free(&d);
    return rc;
}

int seg_read(const char *path, struct truth *t, struct error *e)
{
    struct dicom_segmentation d;
    const struct series *s = t->series;
    if (dicom_read_segmentation(path, true, &d, e) < 0)
        return -1;
    struct segments *of = xalloc(1, sizeof *of);
    int rc = 0;
    if (!dicom_refers_to(&d.refers, s->series_uid, s->frame_uid))
        rc = fail(e, "it was drawn on another series ((0008,1115) ReferencedSeriesSequence)");
    if (rc == 0)
        rc = segments_choose(&d, t, of, e);
    if (rc == 0)
        rc = grid_check(&d, &s->grid, e);
    if (rc == 0)
        rc = frames_fill(&d, of, &s->grid, t->mask, t->label, e);
    if (rc == 0)
        empty_tell(path, &d, of);
    free(of);
    dicom_segmentation_free(&d);
    return rc;
}
