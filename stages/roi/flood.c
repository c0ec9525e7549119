/* SPDX-License-Identifier: Apache-2.0 */
/* flood -- voxels from the highest down, and whom each has beside it.   method -> [flood] -> grow, peaks */
#include "stages/roi/flood.h"

#include <stdlib.h>
#include <string.h>

/* Highest first, ties by place: a stable radix sort on the complement of the key, 11 bits at a time. */
static void sort_places(struct flood_place *p, size_t count)
{
    if (!count)
        return;
    struct flood_place *other = xresize(NULL, count, sizeof *other);
    for (int shift = 0; shift < 33; shift += 11) {
        size_t first[2049] = {0};
        for (size_t i = 0; i < count; i++)
            first[(~p[i].key >> shift & 2047) + 1]++;
        for (int d = 0; d < 2048; d++)
            first[d + 1] += first[d];
        for (size_t i = 0; i < count; i++)
            other[first[~p[i].key >> shift & 2047]++] = p[i];
        struct flood_place *swap = p;
        p = other, other = swap;
    }
    /* three passes: the sorted places lie in the second array */
    memcpy(other, p, count * sizeof *p);
    free(p);
}

size_t flood_places(const float *suv, size_t voxels, float floor_suv, struct flood_place **out)
{
    size_t count = 0, room = 0;
    struct flood_place *p = NULL;
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
    sort_places(p, count);
    *out = p;
    return count;
}

int flood_neighbours(const int64_t dim[3], int connectivity, int64_t step[26])
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

uint32_t flood_root(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

/* Into a list of few, each once. Returns whether it is new. */
static bool basin_new(const struct flood_touch *touch, uint32_t basin)
{
    for (int k = 0; k < touch->basins; k++)
        if (touch->basin[k] == basin)
            return false;
    return true;
}

static void root_add(struct flood_touch *touch, uint32_t root)
{
    int k = 0;
    while (k < touch->roots && touch->root[k] < root)
        k++;
    if (k < touch->roots && touch->root[k] == root)
        return;
    memmove(touch->root + k + 1, touch->root + k, (size_t)(touch->roots - k) * sizeof *touch->root);
    touch->root[k] = root;
    touch->roots++;
}

void flood_touch(const float *suv, const uint32_t *label, uint32_t *parent, uint32_t at, const int64_t *step, int steps,
                 struct flood_touch *touch)
{
    float top = -1;
    uint32_t last = 0; /* neighbours are mostly of one basin */
    touch->roots = touch->basins = 0;
    for (int n = 0; n < steps; n++) {
        size_t near = (size_t)((int64_t)at + step[n]);
        if (!label[near])
            continue;
        if (suv[near] > top)
            top = suv[near], touch->highest = label[near] - 1;
        if (label[near] == last)
            continue;
        last = label[near];
        if (!basin_new(touch, last - 1))
            continue;
        touch->basin[touch->basins++] = last - 1;
        root_add(touch, flood_root(parent, last - 1));
    }
}
