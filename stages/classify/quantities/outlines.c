/* SPDX-License-Identifier: Apache-2.0 */
/* outlines -- the regions as each rule would draw them.   measure -> [outlines] */
#include "stages/classify/quantities/outlines.h"
#include <math.h>
#include <stdlib.h>

/* Voxels in the order they were reached, and from which of its own region's each was. */
struct front {
    size_t count, room;
    struct reached {
        size_t at, from;
        uint32_t region; /* from 1 */
    } * item;
};

static void reach(struct front *f, uint32_t *owner, size_t at, size_t from, uint32_t region)
{
    if (f->count == f->room) {
        f->room = 2 * f->room + 4096;
        f->item = xresize(f->item, f->room, sizeof *f->item);
    }
    owner[at] = region;
    f->item[f->count++] = (struct reached){at, from, region};
}

static double apart_mm(const struct grid *g, size_t a, size_t b)
{
    size_t const W = (size_t)g->dim[2], H = (size_t)g->dim[1];
    double const dx = ((double)(a % W) - (double)(b % W)) * g->spacing_mm[2],
                 dy = ((double)(a / W % H) - (double)(b / W % H)) * g->spacing_mm[1],
                 dz = ((double)(a / W / H) - (double)(b / W / H)) * g->spacing_mm[0];
    return sqrt(dx * dx + dy * dy + dz * dz);
}

static void neighbours(const struct volume *v, const double *threshold, uint32_t *owner, struct front *f,
                       struct reached r)
{
    const int64_t *dim = v->grid.dim;
    size_t const step[3] = {(size_t)(dim[1] * dim[2]), (size_t)dim[2], 1};
    for (int a = 0; a < 3; a++) {
        int64_t const along = (int64_t)(r.at / step[a]) % dim[a];
        for (int up = 0; up < 2; up++) {
            if (up ? along + 1 == dim[a] : along == 0)
                continue;
            size_t const to = up ? r.at + step[a] : r.at - step[a];
            if (owner[to] == 0 && (double)v->voxel[to] >= threshold[r.region - 1] &&
                apart_mm(&v->grid, to, r.from) <= OUTLINE_REACH_MM)
                reach(f, owner, to, r.from, r.region);
        }
    }
}

void outlines_measure(const struct volume *v, const struct voxels *x, size_t own, const double *threshold,
                      struct outline *out)
{
    double const ml = grid_voxel_ml(&v->grid);
    uint32_t *owner = xalloc(grid_voxels(&v->grid), sizeof *owner); /* pages that nobody reaches cost nothing */
    struct front f = {0};
    for (size_t i = 0; i < own; i++)
        out[i] = (struct outline){isnan(threshold[i]) ? NAN : 0, isnan(threshold[i]) ? NAN : 0};
    for (size_t i = 0; i < x->count; i++)
        for (size_t k = x->first[i]; k < x->first[i + 1]; k++)
            if ((double)v->voxel[x->index[k]] >= threshold[i])
                reach(&f, owner, x->index[k], x->index[k], (uint32_t)i + 1);
    for (size_t i = 0; i < f.count; i++) {
        struct reached const r = f.item[i];
        if (r.region <= own) {
            out[r.region - 1].ml += ml;
            out[r.region - 1].tlg_g += (double)v->voxel[r.at] * ml;
        }
        neighbours(v, threshold, owner, &f, r);
    }
    free(f.item);
    free(owner);
}
