/* SPDX-License-Identifier: Apache-2.0 */
/* rtstruct -- contours drawn on a series become a mask on its grid.   truth -> [rtstruct] -> dicom
 *
 * Slice by slice, the largest contour first: one that lies within what is filled is a hole, all others are added, so that neither nested
 * nor overlapping nor repeated ones undo each other. Only contours that are CLOSEDPLANAR_XOR toggle. Regions are then joined. */
#include "common/log.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A contour's points as indices, and the slice they lie in; beyond: it reaches beyond the images. */
static int contour_place(const struct dicom_contour *c, const struct grid *g, const char *name, double *xy,
                         int64_t *slice, bool *beyond, struct error *e)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
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
        for (size_t k = 0; k < 2; k++) {
            low[k] = fmin(low[k], xyz[k]);
            high[k] = fmax(high[k], xyz[k]);
        }
    }
    *beyond = false;
    for (size_t k = 0; k < 2; k++) {
        double const last = (double)g->dim[2 - k] - 0.5;
        if (high[k] < -0.5 || low[k] > last)
            return fail(e, "a contour of ROI '%s' lies beside the images (%s %.1f to %.1f of %lld)", name,
                        k ? "rows" : "columns", low[k], high[k], (long long)g->dim[2 - k]);
        *beyond |= low[k] < -1 || high[k] > last + 0.5;
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

/* ---- the contours of one region ---- */

/* A contour in its slice: which one, and what it encloses there. */
struct outline {
    const struct dicom_contour *contour;
    int64_t slice;
    size_t voxels;
    uint64_t digest; /* of those voxels: two of one digest are one contour drawn twice */
};

/* By slice, then the larger ones first. */
static int by_slice(const void *left, const void *right)
{
    const struct outline *a = left, *b = right;
    if (a->slice != b->slice)
        return a->slice < b->slice ? -1 : 1;
    if (a->voxels != b->voxels)
        return a->voxels > b->voxels ? -1 : 1;
    return (a->digest > b->digest) - (a->digest < b->digest);
}

/* Room that all contours of a region share. */
struct scratch {
    double *xy, *crossing;
    uint8_t *plane;
    size_t size; /* of plane */
};

/* scratch->plane becomes what it encloses. */
static int outline_draw(struct outline *o, const char *name, const struct grid *g, const struct scratch *room,
                        bool *beyond, struct error *e)
{
    memset(room->plane, 0, room->size);
    if (contour_place(o->contour, g, name, room->xy, &o->slice, beyond, e) < 0)
        return -1;
    contour_toggle(room->xy, o->contour->count, g, room->plane, room->crossing);
    return 0;
}

static int outline_measure(struct outline *o, const char *name, const struct grid *g, const struct scratch *room,
                           struct fill_counts *c, struct error *e)
{
    bool beyond;
    if (outline_draw(o, name, g, room, &beyond, e) < 0)
        return -1;
    for (size_t p = 0; p < room->size; p++)
        o->voxels += room->plane[p];
    o->digest = bytes_xxh3(room->plane, room->size);
    c->beyond += beyond;
    c->empty += o->voxels == 0;
    return 0;
}

static void outline_add(const struct outline *o, const uint8_t *plane, size_t size, uint8_t *inside)
{
    bool hole = !o->contour->exclusive;
    for (size_t p = 0; hole && p < size; p++)
        hole = !plane[p] || inside[p];
    for (size_t p = 0; p < size; p++)
        if (plane[p])
            inside[p] = o->contour->exclusive ? !inside[p] : !hole;
}

static int outlines_fill(const struct dicom_roi *roi, struct outline *o, const struct grid *g,
                         const struct scratch *room, uint8_t *inside, struct fill_counts *c, struct error *e)
{
    bool beyond;
    for (size_t i = 0; i < roi->contour_count; i++) {
        o[i].contour = &roi->contour[i];
        if (outline_measure(&o[i], roi->name, g, room, c, e) < 0)
            return -1;
    }
    qsort(o, roi->contour_count, sizeof *o, by_slice);
    for (size_t i = 0; i < roi->contour_count; i++) {
        bool const twice = i > 0 && o[i].voxels && o[i].slice == o[i - 1].slice && o[i].digest == o[i - 1].digest &&
                           o[i].voxels == o[i - 1].voxels && !o[i].contour->exclusive;
        c->twice += twice;
        if (twice || o[i].voxels == 0)
            continue;
        if (outline_draw(&o[i], roi->name, g, room, &beyond, e) < 0)
            return -1;
        outline_add(&o[i], room->plane, room->size, inside + (size_t)o[i].slice * room->size);
    }
    return 0;
}

int contours_fill(const struct dicom_roi *roi, const struct grid *grid, uint8_t *mask, struct fill_counts *c,
                  struct error *e)
{
    size_t longest = 1;
    for (size_t i = 0; i < roi->contour_count; i++)
        longest = roi->contour[i].count > longest ? roi->contour[i].count : longest;
    struct scratch room = {.xy = xalloc(2 * longest, sizeof *room.xy),
                           .crossing = xalloc(longest, sizeof *room.crossing),
                           .size = (size_t)(grid->dim[1] * grid->dim[2])};
    room.plane = try_alloc(e, room.size, 1);
    struct outline *o = xalloc(roi->contour_count + 1, sizeof *o);
    uint8_t *inside = room.plane ? try_alloc(e, grid_voxels(grid), 1) : NULL;
    int rc = inside ? outlines_fill(roi, o, grid, &room, inside, c, e) : -1;
    for (size_t v = 0; rc == 0 && v < grid_voxels(grid); v++) {
        c->voxels += inside[v];
        mask[v] |= inside[v];
    }
    free(inside);
    free(o);
    free(room.plane);
    free(room.crossing);
    free(room.xy);
    return rc;
}

/* ---- the regions of a file ---- */

/* What of a wanted region is not in the mask, in one sentence; nothing if all is. */
static void losses_tell(const char *path, const struct dicom_roi *roi, const struct fill_counts *c)
{
    const struct {
        size_t count;
        const char *what;
    } losses[] = {{roi->left[CONTOUR_POINT], "of type POINT"},
                  {roi->left[CONTOUR_OPEN], "of type OPEN_PLANAR or OPEN_NONPLANAR"},
                  {roi->left[CONTOUR_UNKNOWN], "of no known type ((3006,0042) ContourGeometricType)"},
                  {roi->left[CONTOUR_FEW], "of one or two points"},
                  {c->empty, "that enclose no voxel's centre"},
                  {c->twice, "drawn twice"},
                  {c->beyond, "that reach beyond the images"}};
    char all[400] = "";
    for (size_t i = 0; i < COUNT_OF(losses); i++)
        if (losses[i].count)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%zu %s", *all ? ", " : "", losses[i].count,
                     losses[i].what);
    if (*all)
        log_warn("'%s': contours of ROI '%s' that are left out, wholly or in part: %s", path, roi->name, all);
    if (c->voxels == 0)
        log_warn("'%s': ROI '%s' holds no voxel: %s", path, roi->name,
                 roi->contour_count ? "its contours enclose none" : "nothing is drawn of it that encloses an area");
}

/* Its contours are with the first ROI of its number: both must be wanted, or neither. */
static const struct dicom_roi *same_number(const struct dicom_structures *d, size_t which)
{
    for (size_t i = 0; i < which; i++)
        if (d->roi[i].number == d->roi[which].number)
            return &d->roi[i];
    return NULL;
}

/* number: where it stands among the ROIs, from 1 */
static int roi_read(const char *path, const struct dicom_roi *roi, size_t number, struct truth *t, struct error *e)
{
    struct fill_counts c = {0};
    size_t const voxels = grid_voxels(&t->series->grid);
    uint8_t *alone = t->label ? try_alloc(e, voxels, 1) : t->mask; /* of this one, where it is asked which is whose */
    if (!alone || contours_fill(roi, &t->series->grid, alone, &c, e) < 0) {
        if (t->label)
            free(alone);
        return -1;
    }
    if (t->label) {
        for (size_t i = 0; i < voxels; i++) {
            t->mask[i] |= alone[i];
            t->label[i] = alone[i] && !t->label[i] ? (uint16_t)number : t->label[i];
        }
        free(alone);
    }
    losses_tell(path, roi, &c);
    return 0;
}

/* ---- planes of their own ---- */

static double plane_of(const struct dicom_contour *c, const struct grid *g)
{
    double xyz[3];
    grid_index_lps(g, c->point_mm, xyz);
    return xyz[2];
}

/* The series' grid with slices where the contours lie; false: they lie in its slices, or nowhere evenly. */
static bool planes_lay(const double *plane, size_t count, const struct grid *series, struct grid *own)
{
    double gap = INFINITY;
    bool on_series = true, even = true;
    for (size_t i = 0; i < count; i++) {
        on_series = on_series && fabs(plane[i] - round(plane[i])) <= 0.25;
        if (i && plane[i] - plane[i - 1] > 1e-2)
            gap = fmin(gap, plane[i] - plane[i - 1]);
    }
    if (on_series || count == 0)
        return false;
    gap = isfinite(gap) ? gap : 1; /* one plane alone: a slice of the series' thickness */
    for (size_t i = 0; i < count; i++) {
        double const slice = (plane[i] - plane[0]) / gap;
        even = even && fabs(slice - round(slice)) <= 0.25;
    }
    double const slices = round((plane[count - 1] - plane[0]) / gap) + 1;
    if (!even || !(slices <= UINT16_MAX))
        return false;
    *own = *series;
    own->dim[0] = (int64_t)slices;
    own->spacing_mm[0] *= gap;
    for (int i = 0; i < 3; i++) {
        own->affine[i][3] += series->affine[i][2] * plane[0];
        own->affine[i][2] *= gap;
    }
    return true;
}

int rtstruct_own_grid(const char *path, const struct series *s, struct grid *own, struct error *e)
{
    struct dicom_structures d;
    if (dicom_read_structures(path, &d, e) < 0)
        return -1;
    size_t count = 0, most = 0;
    for (size_t i = 0; i < d.roi_count; i++)
        most += d.roi[i].contour_count;
    double *plane = xalloc(most + 1, sizeof *plane);
    for (size_t i = 0; i < d.roi_count; i++)
        for (size_t k = 0; k < d.roi[i].contour_count; k++)
            plane[count++] = plane_of(&d.roi[i].contour[k], &s->grid);
    qsort(plane, count, sizeof *plane, by_value);
    bool const other =
        dicom_refers_to(&d.refers, s->series_uid, s->frame_uid) && planes_lay(plane, count, &s->grid, own);
    free(plane);
    dicom_structures_free(&d);
    return other;
}

int rtstruct_read(const char *path, struct truth *t, struct error *e)
{
    struct dicom_structures d;
    const struct series *s = t->series;
    if (dicom_read_structures(path, &d, e) < 0)
        return -1;
    bool *wanted = xalloc(d.roi_count + 1, sizeof *wanted);
    int rc = dicom_refers_to(&d.refers, s->series_uid, s->frame_uid) ||
                     (d.refers.series_count == 0 && d.refers.frame_count == 0 && !*s->frame_uid)
                 ? 0
                 : fail(e, "it was drawn on another series ((3006,0010) ReferencedFrameOfReferenceSequence)");
    for (size_t i = 0; rc == 0 && i < d.roi_count; i++) {
        const struct dicom_roi *roi = &d.roi[i], *first = same_number(&d, i);
        wanted[i] = truth_wants(t, roi->name, roi->type);
        if (first && wanted[i] != wanted[first - d.roi])
            rc = fail(
                e,
                "ROI '%s' and '%s' have one number, %g ((3006,0022) ROINumber): which contours are whose is not known",
                first->name, roi->name, roi->number);
        if (!wanted[i] || first || rc < 0)
            continue;
        if (*roi->frame_uid && *s->frame_uid && strcmp(roi->frame_uid, s->frame_uid) != 0)
            log_warn("'%s': ROI '%s' is left out: it lies in another frame of reference ((3006,0024)) than the series",
                     path, roi->name);
        else
            rc = roi_read(path, roi, i + 1, t, e);
    }
    if (rc == 0 && d.stray)
        log_warn("'%s': %zu contours are left out: (3006,0020) StructureSetROISequence has no ROI of their number",
                 path, d.stray);
    free(wanted);
    dicom_structures_free(&d);
    return rc;
}
