/* SPDX-License-Identifier: Apache-2.0 */
/* grow -- regions grown from local maxima, by flooding downwards.   method -> [grow] */
#include "stages/roi/grow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct place {
    uint32_t key;
    uint32_t at;
}; /* key: the bits of a positive float order as the float does */

/* Basins are numbered in the order of their peaks, highest first; the smaller number is the root of a merge. */
struct basins {
    uint32_t *parent;
    float *peak;
    uint32_t *peak_at;
    uint32_t count, room;
};

static uint32_t find(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

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

/* Highest first, ties by place: a stable radix sort on the complement of the key, 11 bits at a time. */
static void sort_places(struct place *p, size_t count)
{
    if (!count)
        return;
    struct place *other = xresize(NULL, count, sizeof *other);
    for (int shift = 0; shift < 33; shift += 11) {
        size_t first[2049] = {0};
        for (size_t i = 0; i < count; i++)
            first[(~p[i].key >> shift & 2047) + 1]++;
        for (int d = 0; d < 2048; d++)
            first[d + 1] += first[d];
        for (size_t i = 0; i < count; i++)
            other[first[~p[i].key >> shift & 2047]++] = p[i];
        struct place *swap = p;
        p = other, other = swap;
    }
    /* three passes: the sorted places lie in the second array */
    memcpy(other, p, count * sizeof *p);
    free(p);
}

static size_t places_from(const float *suv, size_t voxels, float floor_suv, struct place **out)
{
    size_t count = 0, room = 0;
    struct place *p = NULL;
    enum { BLOCK = 64 };
    for (size_t block = 0; block < voxels; block += BLOCK) {
        size_t end = block + BLOCK < voxels ? block + BLOCK : voxels;
        int32_t any = 0;
        for (size_t i = block; i < end; i++)
            any |= suv[i] >= floor_suv;
        if (!any)
            continue;
        if (count + BLOCK > room) {
            room = 2 * room + 4096;
            p = xresize(p, room, sizeof *p);
        }
        for (size_t i = block; i < end; i++)
            if (suv[i] >= floor_suv) {
                memcpy(&p[count].key, &suv[i], sizeof p->key);
                p[count++].at = (uint32_t)i;
            }
    }
    *out = p;
    return count;
}

static int neighbours(const int64_t dim[3], int connectivity, int64_t *step)
{
    int count = 0, most = connectivity == 6 ? 1 : connectivity == 18 ? 2 : 3;
    for (int dz = -1; dz <= 1; dz++)
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int away = abs(dz) + abs(dy) + abs(dx);
                if (away && away <= most)
                    step[count++] = (dz * dim[1] + dy) * dim[2] + dx;
            }
    return count;
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
                b->parent[touch[low]] = find(b->parent, touch[high]);
                break;
            }
        }
}

uint32_t grow_regions(const float *suv, const int64_t dim[3], const struct growing *how, uint32_t *label)
{
    assert(how->floor_suv > 0 && dim[0] * dim[1] * dim[2] < UINT32_MAX);
    struct place *place;
    struct basins b = {0};
    int64_t step[26];
    int steps = neighbours(dim, how->connectivity, step);
    size_t count = places_from(suv, (size_t)(dim[0] * dim[1] * dim[2]), (float)how->floor_suv, &place);
    sort_places(place, count);

    /* label holds basin + 1 while flooding */
    for (size_t i = 0; i < count; i++) {
        uint32_t at = place[i].at, touch[26], joined = 0;
        int touching = 0;
        float highest = -1;
        for (int n = 0; n < steps; n++) {
            size_t near = (size_t)((int64_t)at + step[n]);
            if (!label[near])
                continue;
            uint32_t root = find(b.parent, label[near] - 1);
            if (suv[near] > highest)
                highest = suv[near], joined = root;
            int k = 0;
            while (k < touching && touch[k] < root)
                k++;
            if (k < touching && touch[k] == root)
                continue;
            memmove(touch + k + 1, touch + k, (size_t)(touching - k) * sizeof *touch);
            touch[k] = root;
            touching++;
        }
        if (!touching)
            joined = basin_found(&b, suv[at], at);
        label[at] = joined + 1;
        if (touching > 1)
            basins_meet(&b, touch, touching, (double)suv[at], how);
    }

    /* basins that count get the numbers 1.. */
    uint32_t *number = xalloc((size_t)b.count + 1, sizeof *number), regions = 0;
    for (uint32_t k = 0; k < b.count; k++)
        if (b.parent[k] == k && (!how->start || how->start[b.peak_at[k]]))
            number[k] = ++regions;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = place[i].at, root = find(b.parent, label[at] - 1);
        label[at] = suv[at] >= how->fraction * b.peak[root] ? number[root] : 0;
    }
    free(number);
    free(b.parent);
    free(b.peak);
    free(b.peak_at);
    free(place);
    return regions;
}
