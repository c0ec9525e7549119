/* SPDX-License-Identifier: Apache-2.0 */
/* grow -- regions grown from local maxima, by flooding downwards.   method -> [grow] */
#include "stages/roi/grow.h"
#include "stages/roi/flood.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Basins are numbered in the order of their peaks, highest first; the smaller number is the root of a merge. */
struct basins {
    uint32_t *parent;
    float *peak;
    uint32_t *peak_at;
    uint32_t count, room;
};

static uint32_t basin_found(struct basins *b, float peak, uint32_t at)
{
    if (b->count == b->room) {
        b->room = b->room ? 2 * b->room : 1024;
        b->parent = xresize(b->parent, b->room, sizeof *b->parent);
        b->peak = xresize(b->peak, b->room, sizeof *b->peak);
        b->peak_at = xresize(b->peak_at, b->room, sizeof *b->peak_at);
    }
    b->parent[b->count] = b->count;
    b->peak[b->count] = peak;
    b->peak_at[b->count] = at;
    return b->count++;
}

/* Basins meet at s. touch[] are their roots, ascending, so the highest peak comes first. Each of the others joins the
 * highest that takes it. */
static void basins_meet(struct basins *b, const uint32_t *touch, int count, double s, const struct growing *how)
{
    for (int low = 1; low < count; low++)
        for (int high = 0; high < low; high++) {
            if (b->parent[touch[high]] != touch[high])
                continue; /* joined a moment ago: whoever took it speaks for it */
            double lower = b->peak[touch[low]], reach = how->fraction * b->peak[touch[high]];
            bool swallowed = s >= reach && s >= how->valley * lower;
            bool noise_on_slope = lower < reach && s >= (1 - how->prominence) * lower;
            if (swallowed || noise_on_slope) {
                b->parent[touch[low]] = flood_root(b->parent, touch[high]);
                break;
            }
        }
}

uint32_t grow_regions(const float *suv, const int64_t dim[3], const struct growing *how, uint32_t *label)
{
    assert(how->floor_suv > 0 && dim[0] * dim[1] * dim[2] < UINT32_MAX);
    struct flood_place *place;
    struct basins b = {0};
    int64_t step[26];
    int steps = flood_neighbours(dim, how->connectivity, step);
    size_t count = flood_places(suv, (size_t)(dim[0] * dim[1] * dim[2]), (float)how->floor_suv, &place);

    /* label holds basin + 1 while flooding */
    for (size_t i = 0; i < count; i++) {
        struct flood_touch touch;
        uint32_t at = place[i].at;
        flood_touch(suv, label, b.parent, at, step, steps, &touch);
        label[at] = touch.basins ? touch.highest + 1 : basin_found(&b, suv[at], at) + 1;
        if (touch.roots > 1)
            basins_meet(&b, touch.root, touch.roots, (double)suv[at], how);
    }

    /* basins that count get the numbers 1.. */
    uint32_t *number = xalloc((size_t)b.count + 1, sizeof *number), regions = 0;
    for (uint32_t k = 0; k < b.count; k++)
        if (b.parent[k] == k && (!how->start || how->start[b.peak_at[k]]))
            number[k] = ++regions;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = place[i].at, root = flood_root(b.parent, label[at] - 1);
        label[at] = suv[at] >= how->fraction * b.peak[root] ? number[root] : 0;
    }
    free(number);
    free(b.parent);
    free(b.peak);
    free(b.peak_at);
    free(place);
    return regions;
}
