/* extent -- each region as its own list of runs, so that what is computed of it costs what it is large.   method -> [extent] */
#include "stages/roi/extent.h"

#include <stdlib.h>
#include <string.h>

struct labelled_run { uint32_t label; struct run run; };
struct gathered { struct labelled_run *run; size_t count, room; };

static bool row_holds(const uint32_t *v, int64_t W)
{
    uint32_t any = 0;
    for (int64_t x = 0; x < W; x++)
        any |= v[x];
    return any != 0;
}

static void gather_row(struct gathered *g, const uint32_t *v, int64_t row, int64_t W)
{
    if (!row_holds(v, W))
        return;
    for (int64_t x = 0; x < W;) {
        int64_t begin = x;
        uint32_t value = v[x];
        while (x < W && v[x] == value)
            x++;
        if (!value)
            continue;
        if (g->count == g->room) {
            g->room = 2 * g->room + 1024;
            g->run = xresize(g->run, g->room, sizeof *g->run);
        }
        g->run[g->count++] = (struct labelled_run){ value, { (int32_t)row, (int32_t)begin, (int32_t)x } };
    }
}

void extents_of(struct extents *x, const uint32_t *label, const int64_t dim[3], uint32_t count)
{
    struct gathered g = { 0 };
    for (int64_t row = 0; row < dim[0] * dim[1]; row++)
        gather_row(&g, label + row * dim[2], row, dim[2]);

    memcpy(x->dim, dim, sizeof x->dim);
    x->count = count;
    x->first = xalloc((size_t)count + 2, sizeof *x->first);
    x->run = xresize(NULL, g.count + 1, sizeof *x->run);
    /* a counting sort by label; when all is placed, next[label] is where the label ends, and the one after it begins */
    size_t *next = x->first + 1;
    for (size_t i = 0; i < g.count; i++)
        next[g.run[i].label]++;
    size_t before = 0;
    for (uint32_t k = 1; k <= count; k++) {
        size_t size = next[k];
        next[k] = before;
        before += size;
    }
    for (size_t i = 0; i < g.count; i++)
        x->run[next[g.run[i].label]++] = g.run[i].run;
    memmove(x->first, next, ((size_t)count + 1) * sizeof *x->first);
    free(g.run);
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

void extent_bounds(const struct extents *x, uint32_t region, int32_t low[3], int32_t high[3])
{
    for (int a = 0; a < 3; a++)
        low[a] = INT32_MAX, high[a] = -1;
    for (size_t i = x->first[region]; i < x->first[region + 1]; i++) {
        const struct run *r = &x->run[i];
        int32_t z = (int32_t)(r->row / x->dim[1]), y = (int32_t)(r->row % x->dim[1]);
        int32_t first[3] = { z, y, r->begin }, last[3] = { z, y, r->end - 1 };
        for (int a = 0; a < 3; a++) {
            low[a] = first[a] < low[a] ? first[a] : low[a];
            high[a] = last[a] > high[a] ? last[a] : high[a];
        }
    }
}

uint32_t labels_tidy(uint32_t *label, const struct extents *x, int64_t voxels_least)
{
    static const uint32_t UNSEEN = UINT32_MAX;
    uint32_t kept = 0, *number = xalloc((size_t)x->count + 1, sizeof *number);
    for (uint32_t i = 0; i < x->count; i++)
        number[i + 1] = extent_voxels(x, i) < voxels_least ? 0 : UNSEEN;
    for (int64_t row = 0; row < x->dim[0] * x->dim[1]; row++) {
        uint32_t *v = label + row * x->dim[2];
        if (!row_holds(v, x->dim[2]))
            continue;
        for (int64_t at = 0; at < x->dim[2]; at++) {
            if (number[v[at]] == UNSEEN)
                number[v[at]] = ++kept;
            v[at] = number[v[at]];
        }
    }
    free(number);
    return kept;
}

/* The region's bounding box with a margin: everything not of the region, as runs in box coordinates. */
static void outside_runs(const uint32_t *label, const int64_t dim[3], uint32_t value, const int32_t low[3],
                         const int32_t high[3], struct runs *outside)
{
    int64_t box[3] = { high[0] - low[0] + 3, high[1] - low[1] + 3, high[2] - low[2] + 3 };
    runs_open(outside, box);
    for (int64_t row = 0; row < box[0] * box[1]; row++) {
        const uint32_t *v = label + ((low[0] - 1 + row / box[1]) * dim[1] + low[1] - 1 + row % box[1]) * dim[2] + low[2] - 1;
        for (int64_t x = 0; x < box[2];) {
            while (x < box[2] && v[x] == value)
                x++;
            int64_t begin = x;
            while (x < box[2] && v[x] != value)
                x++;
            if (x > begin)
                runs_append(outside, row, begin, x);
        }
    }
    runs_close(outside);
}

int64_t holes_fill(uint32_t *label, const int64_t dim[3], const struct extents *x)
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
        outside_runs(label, dim, i + 1, low, high, &outside);
        uint32_t *component = xalloc(outside.count + 1, sizeof *component);
        components_label(&outside, 6, component);
        for (size_t k = 0; k < outside.count; k++) {
            if (component[k] == component[0]) /* the margin */
                continue;
            const struct run *r = &outside.run[k];
            int64_t z = r->row / outside.dim[1] + low[0] - 1, y = r->row % outside.dim[1] + low[1] - 1;
            uint32_t *v = label + (z * dim[1] + y) * dim[2] + low[2] - 1;
            for (int32_t at = r->begin; at < r->end; at++)
                if (!v[at])
                    v[at] = i + 1, filled++;
        }
        free(component);
        runs_free(&outside);
    }
    return filled;
}
