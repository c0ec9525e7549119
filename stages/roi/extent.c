/* SPDX-License-Identifier: Apache-2.0 */
/* extent -- each region as its own list of runs, so that what is computed of it costs what it is large.   method -> [extent] */
#include "stages/roi/extent.h"

#include <stdlib.h>
#include <string.h>

/* A counting sort by label; when all is placed, next[label] is where the label ends, and the one after it begins. */
void extents_of(struct extents *x, const struct labels *l)
{
    size_t labelled = 0;
    memcpy(x->dim, l->runs.dim, sizeof x->dim);
    x->count = l->count;
    x->first = xalloc((size_t)l->count + 2, sizeof *x->first);
    size_t *next = x->first + 1;
    for (size_t i = 0; i < l->runs.count; i++)
        if (l->label[i])
            next[l->label[i]]++, labelled++;
    size_t before = 0;
    for (uint32_t k = 1; k <= l->count; k++) {
        size_t size = next[k];
        next[k] = before;
        before += size;
    }
    x->run = xresize(NULL, labelled + 1, sizeof *x->run);
    for (size_t i = 0; i < l->runs.count; i++)
        if (l->label[i])
            x->run[next[l->label[i]]++] = l->runs.run[i];
    memmove(x->first, next, ((size_t)l->count + 1) * sizeof *x->first);
}

void extents_free(struct extents *x)
{
    free(x->run);
    free(x->first);
    memset(x, 0, sizeof *x);
}

int64_t extent_voxels(const struct extents *x, uint32_t region)
{
    int64_t voxels = 0;
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++)
        voxels += x->run[i].end - x->run[i].begin;
    return voxels;
}

int64_t extent_in_box(const struct extents *x, uint32_t region, const int64_t box_low[3], int64_t side)
{
    int64_t voxels = 0;
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *run = &x->run[i];
        int64_t z = run->row / x->dim[1] - box_low[0], y = run->row % x->dim[1] - box_low[1];
        int64_t begin = run->begin > box_low[2] ? run->begin : box_low[2],
                end = run->end < box_low[2] + side ? run->end : box_low[2] + side;
        voxels += z >= 0 && z < side && y >= 0 && y < side && end > begin ? end - begin : 0;
    }
    return voxels;
}

void extent_bounds(const struct extents *x, uint32_t region, int32_t low[3], int32_t high[3])
{
    for (int a = 0; a < 3; a++)
        low[a] = INT32_MAX, high[a] = -1;
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *r = &x->run[i];
        int32_t z = (int32_t)(r->row / x->dim[1]), y = (int32_t)(r->row % x->dim[1]);
        int32_t first[3] = {z, y, r->begin}, last[3] = {z, y, r->end - 1};
        for (int a = 0; a < 3; a++) {
            low[a] = first[a] < low[a] ? first[a] : low[a];
            high[a] = last[a] > high[a] ? last[a] : high[a];
        }
    }
}

void labels_tidy(struct labels *l, const struct extents *x, int64_t voxels_least)
{
    static const uint32_t UNSEEN = UINT32_MAX;
    uint32_t *number = xalloc((size_t)x->count + 1, sizeof *number);
    for (uint32_t i = 0; i < x->count; i++)
        number[i + 1] = extent_voxels(x, i) < voxels_least ? 0 : UNSEEN;
    l->count = 0;
    for (size_t i = 0; i < l->runs.count; i++) {
        if (number[l->label[i]] == UNSEEN)
            number[l->label[i]] = ++l->count;
        l->label[i] = number[l->label[i]];
    }
    free(number);
}

/* The region's bounding box with a margin: everything not of the region, as runs in box coordinates. */
static void outside_runs(const struct extents *x, uint32_t region, const int32_t low[3], const int32_t high[3],
                         struct runs *outside)
{
    const int64_t box[3] = {high[0] - low[0] + 3, high[1] - low[1] + 3, high[2] - low[2] + 3};
    struct runs own;
    runs_open(&own, box);
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *r = &x->run[i];
        int64_t z = r->row / x->dim[1] - low[0] + 1, y = r->row % x->dim[1] - low[1] + 1;
        runs_append(&own, z * box[1] + y, r->begin - low[2] + 1, r->end - low[2] + 1);
    }
    runs_close(&own);
    runs_complement(outside, &own);
    runs_free(&own);
}

/* Between two voxels of the region on a row, so a run of no region lies in it whole or not at all. */
static int64_t hole_fill(struct labels *l, int64_t row, int32_t begin, int32_t end, uint32_t label)
{
    int64_t filled = 0;
    for (size_t i = l->runs.row_first[row]; i < l->runs.row_first[row + 1]; i++) {
        const struct run *r = &l->runs.run[i];
        if (l->label[i] || r->begin < begin || r->end > end)
            continue;
        l->label[i] = label;
        filled += r->end - r->begin;
    }
    return filled;
}

int64_t holes_fill(struct labels *l, const struct extents *x)
{
    int64_t filled = 0;
    for (uint32_t i = 0; i < x->count; i++) {
        if (x->first[i] == x->first[i + 1])
            continue;
        int32_t low[3], high[3];
        struct runs outside;
        extent_bounds(x, i, low, high);
        if (high[0] - low[0] < 2 || high[1] - low[1] < 2 || high[2] - low[2] < 2)
            continue; /* too thin to enclose anything */
        outside_runs(x, i, low, high, &outside);
        uint32_t *component = xalloc(outside.count + 1, sizeof *component);
        components_label(&outside, 6, component);
        for (size_t k = 0; k < outside.count; k++) {
            if (component[k] == component[0]) /* the margin */
                continue;
            const struct run *r = &outside.run[k];
            int64_t z = r->row / outside.dim[1] + low[0] - 1, y = r->row % outside.dim[1] + low[1] - 1;
            filled += hole_fill(l, z * x->dim[1] + y, r->begin + low[2] - 1, r->end + low[2] - 1, i + 1);
        }
        free(component);
        runs_free(&outside);
    }
    if (filled)
        labels_join(l);
    return filled;
}
