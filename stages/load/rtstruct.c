/* SPDX-License-Identifier: Apache-2.0 */
/* rtstruct -- contours drawn on a series become a mask on its grid.   scan -> [rtstruct] -> dicom
 *
 * Even-odd rule, slice by slice: a voxel is inside if a ray from its centre crosses the contours of its region an odd
 * number of times, so a contour within a contour is a hole. Regions are then joined. */
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Fractional voxel indices (x, y, z) of a point in mm LPS. Slices and rows and columns are perpendicular (series.c has
 * seen to it), so a projection on each axis is the inverse. */
void grid_index_lps(const struct grid *g, const double lps_mm[3], double xyz[3])
{
    double from[3] = {-lps_mm[0] - g->affine[0][3], -lps_mm[1] - g->affine[1][3], lps_mm[2] - g->affine[2][3]};
    for (size_t axis = 0; axis < 3; axis++) {
        double s = g->spacing_mm[2 - axis];
        xyz[axis] =
            (from[0] * g->affine[0][axis] + from[1] * g->affine[1][axis] + from[2] * g->affine[2][axis]) / (s * s);
    }
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* A contour's points as indices, and the slice they lie in. */
static int contour_place(const struct dicom_contour *c, const struct grid *g, const char *name, double *xy,
                         int64_t *slice, struct error *e)
{
    for (size_t i = 0; i < c->count; i++) {
        double xyz[3];
        grid_index_lps(g, c->point_mm + 3 * i, xyz);
        xy[2 * i] = xyz[0];
        xy[2 * i + 1] = xyz[1];
        if (i == 0) {
            if (!(xyz[2] > -0.5 && xyz[2] < (double)g->dim[0] - 0.5))
                return fail(e, "a contour of ROI '%s' lies outside the slices (at slice %.1f of %lld)", name, xyz[2],
                            (long long)g->dim[0]);
            *slice = (int64_t)floor(xyz[2] + 0.5);
        }
        /* off the planes, contours of several planes would fall into one slice and undo each other */
        if (fabs(xyz[2] - (double)*slice) > 0.25)
            return fail(
                e, "a contour of ROI '%s' lies between slices (at %.2f): it was drawn on other planes than this series'",
                name, xyz[2]);
    }
    return 0;
}

/* Toggles the voxels of one slice that the contour encloses. crossing: room for count values. */
static void contour_toggle(const double *xy, size_t count, const struct grid *g, uint8_t *slice, double *crossing)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, xy[2 * i + 1]);
        high = fmax(high, xy[2 * i + 1]);
    }
    int64_t const width = g->dim[2];
    /* clamped before they become whole numbers: a file may say 1e300 mm */
    int64_t first = (int64_t)fmin(fmax(0, ceil(low)), (double)g->dim[1]);
    int64_t last = (int64_t)fmax(fmin((double)g->dim[1] - 1, floor(high)), -1);
    for (int64_t y = first; y <= last; y++) {
        size_t found = 0;
        for (size_t i = 0, j = count - 1; i < count; j = i++) {
            double x0 = xy[2 * j], y0 = xy[2 * j + 1], x1 = xy[2 * i], y1 = xy[2 * i + 1];
            if ((y0 <= (double)y) != (y1 <= (double)y)) /* half open: a corner on the row counts once */
                crossing[found++] = x0 + ((double)y - y0) / (y1 - y0) * (x1 - x0);
        }
        qsort(crossing, found, sizeof *crossing, by_value);
        for (size_t i = 0; i + 1 < found; i += 2) {
            int64_t from = (int64_t)fmin(fmax(0, ceil(crossing[i])), (double)width);
            int64_t to = (int64_t)fmax(fmin((double)width, ceil(crossing[i + 1])), 0);
            for (int64_t x = from; x < to; x++)
                slice[y * width + x] ^= 1;
        }
    }
}

int contours_fill(const struct dicom_roi *roi, const struct grid *grid, uint8_t *mask, struct error *e)
{
    size_t longest = 1, plane = (size_t)(grid->dim[1] * grid->dim[2]);
    for (size_t i = 0; i < roi->contour_count; i++)
        longest = roi->contour[i].count > longest ? roi->contour[i].count : longest;
    double *xy = xalloc(2 * longest, sizeof *xy), *crossing = xalloc(longest, sizeof *crossing);
    uint8_t *inside = try_alloc(e, grid_voxels(grid), 1);
    int rc = inside ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < roi->contour_count; i++) {
        int64_t slice = 0;
        rc = contour_place(&roi->contour[i], grid, roi->name, xy, &slice, e);
        if (rc == 0)
            contour_toggle(xy, roi->contour[i].count, grid, inside + (size_t)slice * plane, crossing);
    }
    for (size_t v = 0; rc == 0 && v < grid_voxels(grid); v++)
        mask[v] |= inside[v];
    free(inside);
    free(crossing);
    free(xy);
    return rc;
}

int roi_names_check(const struct opt_strings *roi, const char *const *name, size_t count, const char *what,
                    const char *tag, struct error *e)
{
    for (size_t i = 0; i < roi->count; i++) {
        size_t at = 0;
        while (at < count && strcasecmp(name[at], roi->value[i]) != 0)
            at++;
        if (at < count)
            continue;
        char there[400] = "";
        for (size_t j = 0; j < count && strlen(there) + 70 < sizeof there; j++)
            snprintf(there + strlen(there), sizeof there - strlen(there), "%s'%s'", j ? ", " : "", name[j]);
        return fail(e, "no %s '%s': %s has %s", what, roi->value[i], tag, there);
    }
    return 0;
}

bool roi_wanted(const struct opt_strings *roi, const char *name)
{
    for (size_t i = 0; i < roi->count; i++)
        if (strcasecmp(roi->value[i], name) == 0)
            return true;
    return roi->count == 0;
}

static int names_check(const struct dicom_structures *d, const struct opt_strings *roi, struct error *e)
{
    const char **name = xalloc(d->roi_count + 1, sizeof *name);
    for (size_t i = 0; i < d->roi_count; i++)
        name[i] = d->roi[i].name;
    int rc = roi_names_check(roi, name, d->roi_count, "ROI", "(3006,0026) ROIName", e);
    free(name);
    return rc;
}

int rtstruct_read(const char *path, const struct opt_strings *roi, const struct series *s, uint8_t **mask,
                  struct error *e)
{
    struct dicom_structures d;
    *mask = NULL;
    if (dicom_read_structures(path, &d, e) < 0)
        return -1;
    int rc = 0;
    if (strcmp(d.series_uid, s->series_uid) != 0 && strcmp(d.frame_uid, s->frame_uid) != 0)
        rc = fail(e, "it was drawn on another series ((3006,0010) ReferencedFrameOfReferenceSequence)");
    if (rc == 0)
        rc = names_check(&d, roi, e);
    if (rc == 0 && !(*mask = try_alloc(e, grid_voxels(&s->grid), 1)))
        rc = -1;
    for (size_t i = 0; rc == 0 && i < d.roi_count; i++)
        if (roi_wanted(roi, d.roi[i].name))
            rc = contours_fill(&d.roi[i], &s->grid, *mask, e);
    dicom_structures_free(&d);
    if (rc < 0) {
        free(*mask);
        *mask = NULL;
        return fail_in(e, "cannot use mask '%s'", path);
    }
    return 0;
}
