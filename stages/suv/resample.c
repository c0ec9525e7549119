/* SPDX-License-Identifier: Apache-2.0 */
/* resample -- the volume on another grid of voxels.   suv -> [resample]
 *
 * Row by row: the two or four old rows round a new one are mixed along z and y, which is vector code, and the mixed row is
 * then read along x at the new places. A new row that lies where the last one did is the last one. */
#include "stages/suv/suv.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where each new voxel of one axis lies between two old ones. */
struct line {
    int32_t *low, *high; /* indices of the old voxels below and above; equal at the ends */
    float *part;         /* share of the one above */
    int32_t *nearest;
    int64_t count, old;
};

/* Both grids begin and end at the same edges, so new centre i is at old index (i + 0.5) * step - 0.5. */
static struct line line_make(int64_t old, int64_t count, double step)
{
    size_t const n = (size_t)count;
    struct line l = {xalloc(n, sizeof *l.low),
                     xalloc(n, sizeof *l.high),
                     xalloc(n, sizeof *l.part),
                     xalloc(n, sizeof *l.nearest),
                     count,
                     old};
    for (int64_t i = 0; i < count; i++) {
        double at = fmin(fmax(((double)i + 0.5) * step - 0.5, 0), (double)(old - 1));
        l.low[i] = (int32_t)floor(at);
        l.high[i] = l.low[i] + 1 < old ? l.low[i] + 1 : l.low[i];
        l.part[i] = (float)(at - floor(at));
        l.nearest[i] = (int32_t)floor(at + 0.5);
    }
    return l;
}

static void line_free(struct line *l)
{
    free(l->low);
    free(l->high);
    free(l->part);
    free(l->nearest);
}

VECTORISED static void rows_mix(const float *restrict a, const float *restrict b, float part, float *restrict to,
                                int64_t W)
{
    for (int64_t x = 0; x < W; x++)
        to[x] = a[x] + part * (b[x] - a[x]);
}

VECTORISED static void row_read(const float *restrict row, const struct line *l, float *restrict to)
{
    const int32_t *restrict low = l->low, *restrict high = l->high;
    const float *restrict part = l->part;
    for (int64_t x = 0; x < l->count; x++)
        to[x] = row[low[x]] + part[x] * (row[high[x]] - row[low[x]]);
}

/* One row of the old slice, mixed of its neighbours along y. */
static const float *row_along_y(const float *slice, int64_t W, const struct line *y, int64_t at, float *room)
{
    const float *low = slice + y->low[at] * W, *high = slice + y->high[at] * W;
    if (y->part[at] == 0)
        return low;
    rows_mix(low, high, y->part[at], room, W);
    return room;
}

/* `to` may be `from` where no axis gets closer voxels: then no row is written before all that is read of its place. */
static void resample_linear(const struct grid *g, const float *from, const struct line l[3], float *to)
{
    int64_t const H = g->dim[1], W = g->dim[2];
    float *room[3];
    for (int i = 0; i < 3; i++)
        room[i] = xalloc_aligned((size_t)W, sizeof(float));
    for (int64_t z = 0; z < l[0].count; z++)
        for (int64_t y = 0; y < l[1].count; y++, to += l[2].count) {
            const float *row = row_along_y(from + l[0].low[z] * H * W, W, &l[1], y, room[0]);
            if (l[0].part[z] != 0) {
                const float *above = row_along_y(from + l[0].high[z] * H * W, W, &l[1], y, room[1]);
                rows_mix(row, above, l[0].part[z], room[2], W);
                row = room[2];
            } else if (row != room[0]) { /* it may lie where it goes */
                memcpy(room[0], row, (size_t)W * sizeof *row);
                row = room[0];
            }
            row_read(row, &l[2], to);
        }
    for (int i = 0; i < 3; i++)
        free(room[i]);
}

static void resample_nearest(const struct grid *g, const uint8_t *from, const struct line l[3], uint8_t *to)
{
    int64_t const W = l[2].count;
    const uint8_t *last = NULL; /* the old row that the row before `to` was read from */
    for (int64_t z = 0; z < l[0].count; z++)
        for (int64_t y = 0; y < l[1].count; y++, to += W) {
            const uint8_t *row = from + grid_at(g, l[0].nearest[z], l[1].nearest[y], 0);
            if (row == last)
                memcpy(to, to - W, (size_t)W);
            else
                for (int64_t x = 0; x < W; x++)
                    to[x] = row[l[2].nearest[x]];
            last = row;
        }
}

/* Replaces *bytes, which may be NULL. -1: no memory. */
static int map_resample(const struct grid *old, const struct grid *g, const struct line l[3], uint8_t **bytes,
                        struct error *e)
{
    if (!*bytes)
        return 0;
    uint8_t *to = try_alloc(e, grid_voxels(g), 1);
    if (!to)
        return -1;
    resample_nearest(old, *bytes, l, to);
    free(*bytes);
    *bytes = to;
    return 0;
}

static int ct_resample(struct volume *v, const struct grid *g, struct error *e)
{
    if (!v->ct)
        return 0;
    int16_t *to = try_alloc(e, grid_voxels(g), sizeof *to);
    if (!to || volume_regrid(&v->grid, v->ct, g, CT_OUTSIDE_HU, to, e) < 0) {
        free(to);
        return -1;
    }
    free(v->ct);
    v->ct = to;
    return 0;
}

static int spacing_check(const struct grid *g, const double spacing_mm[3], struct error *e)
{
    double voxels = 1;
    for (int a = 0; a < 3; a++) {
        if (!(spacing_mm[a] > 0))
            return fail_as(e, EX_USAGE, "spacing %g mm is not positive", spacing_mm[a]);
        voxels *= fmax(1, round((double)g->dim[a] * g->spacing_mm[a] / spacing_mm[a]));
    }
    return voxels <= 1e9 ? 0
                         : fail(e, "%g x %g x %g mm would make %.3g voxels (at most 1e9): choose a larger --spacing",
                                spacing_mm[0], spacing_mm[1], spacing_mm[2], voxels);
}

int volume_resample(struct volume *v, const double spacing_mm[3], struct error *e)
{
    if (spacing_check(&v->grid, spacing_mm, e) < 0)
        return -1;
    struct grid const old = v->grid;
    struct grid g = old;
    struct line l[3];
    bool in_place = true; /* spares the memory of a volume, and the kernel clearing it */
    for (int a = 0; a < 3; a++) {
        double step = spacing_mm[a] / old.spacing_mm[a];
        g.dim[a] = (int64_t)fmax(1, round((double)old.dim[a] / step));
        g.spacing_mm[a] = spacing_mm[a];
        in_place &= step >= 1 && g.dim[a] <= old.dim[a];
        l[a] = line_make(old.dim[a], g.dim[a], step);
        for (int i = 0; i < 3; i++) { /* columns of the affine are x, y, z */
            double column = old.affine[i][2 - a];
            g.affine[i][2 - a] = column * step;
            g.affine[i][3] += column * (0.5 * step - 0.5);
        }
    }
    float *voxel = in_place ? v->voxel : try_alloc(e, grid_voxels(&g), sizeof *voxel);
    int rc = voxel ? ct_resample(v, &g, e) : -1;
    if (rc == 0)
        rc = map_resample(&old, &g, l, &v->mask, e);
    if (rc == 0)
        rc = map_resample(&old, &g, l, &v->organ, e);
    if (rc == 0) {
        resample_linear(&old, v->voxel, l, voxel);
        if (!in_place)
            free(v->voxel);
        v->voxel = in_place ? xresize(voxel, grid_voxels(&g), sizeof *voxel) : voxel;
        v->grid = g;
    } else if (!in_place) {
        free(voxel);
    }
    for (int a = 0; a < 3; a++)
        line_free(&l[a]);
    return rc;
}
