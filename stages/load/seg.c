/* SPDX-License-Identifier: Apache-2.0 */
/* seg -- the segments of a DICOM SEG as a mask on the series' grid.   scan -> [seg] -> dicom
 *
 * Frames must be slices of that grid: same rows and columns, direction, spacing and, to half a voxel, place. A segmentation
 * made on another grid (the CT's, say) is refused: resampling truth is not this program's to decide. */
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

static int frames_fill(const struct dicom_segmentation *d, const struct opt_strings *roi, const struct grid *g,
                       uint8_t *mask, struct error *e)
{
    size_t const plane = d->rows * d->columns;
    for (size_t f = 0; f < d->frame_count; f++) {
        size_t at = 0;
        while (at < d->segment_count && d->segment[at].number != d->frame[f].segment)
            at++;
        if (at == d->segment_count)
            return fail(e, "frame %zu is of segment %u, which (0062,0002) SegmentSequence does not have", f + 1,
                        d->frame[f].segment);
        if (!roi_wanted(roi, d->segment[at].label))
            continue;
        int64_t slice = frame_slice(d, f, g, e);
        if (slice < 0)
            return -1;
        for (size_t p = 0; p < plane; p++)
            mask[(size_t)slice * plane + p] |= dicom_segmentation_inside(d, f, p);
    }
    return 0;
}

int seg_read(const char *path, const struct opt_strings *roi, const struct series *s, uint8_t **mask, struct error *e)
{
    struct dicom_segmentation d;
    *mask = NULL;
    if (dicom_read_segmentation(path, true, &d, e) < 0)
        return -1;
    const char **name = xalloc(d.segment_count, sizeof *name);
    for (size_t i = 0; i < d.segment_count; i++)
        name[i] = d.segment[i].label;
    int rc = 0;
    if (strcmp(d.series_uid, s->series_uid) != 0 && strcmp(d.frame_uid, s->frame_uid) != 0)
        rc = fail(e, "it was drawn on another series ((0008,1115) ReferencedSeriesSequence)");
    if (rc == 0)
        rc = roi_names_check(roi, name, d.segment_count, "segment", "(0062,0005) SegmentLabel", e);
    if (rc == 0)
        rc = grid_check(&d, &s->grid, e);
    if (rc == 0 && !(*mask = try_alloc(e, grid_voxels(&s->grid), 1)))
        rc = -1;
    if (rc == 0)
        rc = frames_fill(&d, roi, &s->grid, *mask, e);
    free(name);
    dicom_segmentation_free(&d);
    if (rc < 0) {
        free(*mask);
        *mask = NULL;
        return fail_in(e, "cannot use mask '%s'", path);
    }
    return 0;
}
