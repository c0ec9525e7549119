/* SPDX-License-Identifier: Apache-2.0 */
/* again -- what hot regions hide: their surroundings but for their own rim, looked at once more.   [again] -> peaks */
#include "stages/roi/again.h"

#include <stdlib.h>
#include <string.h>

void near_open(struct near *n, const int64_t dim[3], const double mm[3], double radius_mm)
{
    int32_t reach[3];
    size_t most = 1;
    for (int a = 0; a < 3; a++) {
        reach[a] = (int32_t)(radius_mm / mm[a]);
        most *= (size_t)(2 * reach[a] + 1);
    }
    *n = (struct near){xresize(NULL, most, sizeof *n->offset), xresize(NULL, most, sizeof *n->away), 0, dim};
    for (int32_t z = -reach[0]; z <= reach[0]; z++)
        for (int32_t y = -reach[1]; y <= reach[1]; y++)
            for (int32_t x = -reach[2]; x <= reach[2]; x++) {
                double dz = z * mm[0], dy = y * mm[1], dx = x * mm[2];
                if (dz * dz + dy * dy + dx * dx > radius_mm * radius_mm)
                    continue;
                n->away[n->count][0] = z, n->away[n->count][1] = y, n->away[n->count][2] = x;
                n->offset[n->count++] = (z * dim[1] + y) * dim[2] + x;
            }
}

void near_close(struct near *n)
{
    free(n->offset);
    free(n->away);
}

bool near_inside(const struct near *n, const int64_t at[3], int i)
{
    bool inside = true;
    for (int a = 0; a < 3; a++)
        inside &= at[a] + n->away[i][a] >= 0 && at[a] + n->away[i][a] < n->dim[a];
    return inside;
}

void near_place(const struct near *n, int64_t voxel, int64_t at[3])
{
    at[2] = voxel % n->dim[2], at[1] = voxel / n->dim[2] % n->dim[1], at[0] = voxel / n->dim[2] / n->dim[1];
}

/* Only a region's surface can reach farther than the region. */
static bool is_surface(const struct near *n, const uint32_t *label, int64_t at)
{
    const int64_t row = n->dim[2], slice = row * n->dim[1];
    uint32_t own = label[at];
    return label[at - 1] != own || label[at + 1] != own || label[at - row] != own || label[at + row] != own ||
           label[at - slice] != own || label[at + slice] != own;
}

static void rim_add(struct rim *rim, int64_t voxel, uint32_t region)
{
    if (rim->of[voxel])
        return;
    if (rim->count == rim->room) {
        rim->room = 2 * rim->room + 4096;
        rim->voxel = xresize(rim->voxel, rim->room, sizeof *rim->voxel);
    }
    rim->of[voxel] = region;
    rim->voxel[rim->count++] = (uint32_t)voxel;
}

void rim_mark(struct rim *rim, const struct near *n, const struct flood_place *place, size_t count,
              const uint32_t *label, const bool *hot)
{
    *rim = (struct rim){.of = xalloc((size_t)(n->dim[0] * n->dim[1] * n->dim[2]), sizeof *rim->of)};
    for (size_t i = 0; i < count; i++) {
        int64_t voxel = place[i].at, at[3];
        uint32_t region = label[voxel];
        if (!hot[region])
            continue;
        rim_add(rim, voxel, region);
        if (!is_surface(n, label, voxel))
            continue;
        near_place(n, voxel, at);
        for (int k = 0; k < n->count; k++)
            if (near_inside(n, at, k))
                rim_add(rim, voxel + n->offset[k], region);
    }
}

void rim_free(struct rim *rim)
{
    free(rim->of);
    free(rim->voxel);
}

struct sample {
    uint32_t region;
    float suv;
};
static int sample_order(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return x->region != y->region ? (x->region < y->region ? -1 : 1) : (x->suv > y->suv) - (x->suv < y->suv);
}

void rim_beyond(const struct rim *rim, const struct near *n, const float *suv, const uint32_t *label, uint32_t regions,
                float *beyond)
{
    const int64_t row = n->dim[2], slice = row * n->dim[1], step[] = {-1, 1, -row, row, -slice, slice};
    struct sample *sample = NULL;
    size_t count = 0, room = 0;
    memset(beyond, 0, ((size_t)regions + 1) * sizeof *beyond);
    for (size_t i = 0; i < rim->count; i++) {
        int64_t at[3];
        bool edge = false;
        near_place(n, rim->voxel[i], at);
        for (int a = 0; a < 3; a++)
            edge |= at[a] == 0 || at[a] == n->dim[a] - 1;
        for (size_t k = 0; k < COUNT_OF(step) && !edge; k++) {
            int64_t beside = rim->voxel[i] + step[k];
            if (rim->of[beside] || label[beside])
                continue;
            if (count == room) {
                room = 2 * room + 4096;
                sample = xresize(sample, room, sizeof *sample);
            }
            sample[count++] = (struct sample){rim->of[rim->voxel[i]], suv[beside]};
        }
    }
    if (count)
        qsort(sample, count, sizeof *sample, sample_order);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && sample[end].region == sample[first].region;)
            end++;
        beyond[sample[first].region] = sample[first + (end - first) / 2].suv;
    }
    free(sample);
}

void rim_share(const struct rim *rim, const struct near *n, const float *suv, const struct flood_place *place,
               size_t count, uint32_t first, uint32_t last, uint32_t *label)
{
    float *lowest = xalloc((size_t)(last - first) + 2, sizeof *lowest);
    for (size_t i = 0; i < count; i++) /* the highest come first */
        if (label[place[i].at] >= first)
            lowest[label[place[i].at] - first] = flood_suv(&place[i]);
    for (size_t i = 0; i < count; i++) {
        int64_t voxel = place[i].at, at[3];
        uint32_t own = label[voxel];
        if (own < first)
            continue;
        near_place(n, voxel, at);
        for (int k = 0; k < n->count; k++) {
            int64_t beside = voxel + n->offset[k];
            if (near_inside(n, at, k) && rim->of[beside] && !label[beside] && suv[beside] >= lowest[own - first])
                label[beside] = own;
        }
    }
    free(lowest);
}
