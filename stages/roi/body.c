/* SPDX-License-Identifier: Apache-2.0 */
/* body -- the patient without the air around: the small array every later step works on.   [body] -> method -> regions */
#include "stages/roi/body.h"
#include "stages/roi/component.h"
#include "stages/roi/row.h"

#include <stdlib.h>
#include <string.h>

/* Runs of all parts that are large enough; component[] is theirs. Returns bounds in low, high (both included). */
static void keep_body(const struct runs *all, const uint32_t *component, uint32_t count, double share,
                      struct runs *body, int64_t low[3], int64_t high[3])
{
    uint64_t *voxels = xalloc((size_t)count + 1, sizeof *voxels), largest = 0;
    for (size_t i = 0; i < all->count; i++)
        voxels[component[i]] += (uint64_t)(all->run[i].end - all->run[i].begin);
    for (uint32_t k = 1; k <= count; k++)
        largest = voxels[k] > largest ? voxels[k] : largest;

    runs_open(body, all->dim);
    for (int a = 0; a < 3; a++)
        low[a] = all->dim[a], high[a] = -1;
    for (size_t i = 0; i < all->count; i++) {
        if ((double)voxels[component[i]] < share * (double)largest)
            continue;
        const struct run *r = &all->run[i];
        int64_t first[3] = {r->row / all->dim[1], r->row % all->dim[1], r->begin},
                last[3] = {first[0], first[1], r->end - 1};
        for (int a = 0; a < 3; a++) {
            low[a] = first[a] < low[a] ? first[a] : low[a];
            high[a] = last[a] > high[a] ? last[a] : high[a];
        }
        runs_append(body, r->row, r->begin, r->end);
    }
    runs_close(body);
    free(voxels);
}

/* Copy a run of the scan, whose place in the crop is `to`. */
static bool copy_run(const struct volume *v, struct crop *c, const struct run *to)
{
    int64_t z = to->row / c->dim[1], y = to->row % c->dim[1], W = to->end - to->begin;
    return row_copy_positive(c->suv + (int64_t)to->row * c->dim[2] + to->begin,
                             v->voxel + grid_at(&v->grid, z + c->low[0], y + c->low[1], to->begin + c->low[2]), W);
}

/* What a slice's outside (its first run, in the margin) does not reach is inside the body. */
static bool copy_holes(const struct volume *v, struct crop *c, const struct runs *body)
{
    struct runs air;
    runs_complement(&air, body);
    uint32_t *component = xalloc(air.count + 1, sizeof *component);
    uint32_t count = components_label(&air, 4, component);
    bool *outside = xalloc((size_t)count + 1, sizeof *outside), finite = true;
    for (int64_t z = 0; z < c->dim[0]; z++)
        outside[component[air.row_first[z * c->dim[1]]]] = true;
    for (size_t i = 0; i < air.count; i++)
        if (!outside[component[i]])
            finite &= copy_run(v, c, &air.run[i]);
    free(outside);
    free(component);
    runs_free(&air);
    return finite;
}

int body_crop(const struct volume *v, double air_suv, double share, struct crop *c, struct error *e)
{
    struct runs all, body, inside;
    int64_t low[3], high[3];
    runs_at_least(&all, v->voxel, v->grid.dim, (float)air_suv);
    uint32_t *component = xalloc(all.count + 1, sizeof *component);
    uint32_t count = components_label(&all, 6, component);
    keep_body(&all, component, count, share, &body, low, high);
    free(component);
    runs_free(&all);

    for (int a = 0; a < 3; a++) {
        c->low[a] = body.count ? low[a] - 1 : -1;
        c->dim[a] = body.count ? high[a] - low[a] + 3 : 3;
    }
    c->suv = xalloc((size_t)(c->dim[0] * c->dim[1] * c->dim[2]), sizeof *c->suv);

    bool finite = true;
    runs_open(&inside, c->dim);
    for (size_t i = 0; i < body.count; i++) {
        int64_t z = body.run[i].row / body.dim[1] - c->low[0], y = body.run[i].row % body.dim[1] - c->low[1];
        /* runs lie apart, and where one ends so does the processor's own foresight. (In a function of its own GCC drops this.) */
        const struct run *soon = &body.run[i + 4 < body.count ? i + 4 : i];
        for (int64_t x = soon->begin; x < soon->end; x += 64 / (int64_t)sizeof *v->voxel)
            __builtin_prefetch(v->voxel + (int64_t)soon->row * body.dim[2] + x);
        runs_append(&inside, z * c->dim[1] + y, body.run[i].begin - c->low[2], body.run[i].end - c->low[2]);
        finite &= copy_run(v, c, &inside.run[i]);
    }
    runs_close(&inside);
    finite &= copy_holes(v, c, &inside);
    runs_free(&inside);
    runs_free(&body);
    if (finite)
        return 0;
    crop_free(c);
    return fail(e, "volume holds an infinite 'voxel': the scan is damaged, or was scaled by a wrong factor");
}

void crop_free(struct crop *c)
{
    free(c->suv);
    memset(c, 0, sizeof *c);
}
