/* SPDX-License-Identifier: Apache-2.0 */
/* again -- what hot regions hide: their surroundings but for their own rim, looked at once more.   [again] -> peaks */
#include "stages/roi/again.h"

#include <stdlib.h>

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

/* Whether the i-th of those near a voxel is in the image. */
static bool is_inside(const struct near *n, const int64_t at[3], int i)
{
    bool inside = true;
    for (int a = 0; a < 3; a++)
        inside &= at[a] + n->away[i][a] >= 0 && at[a] + n->away[i][a] < n->dim[a];
    return inside;
}

static void place_of(const struct near *n, int64_t voxel, int64_t at[3])
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

void rim_mark(const struct near *n, const struct flood_place *place, size_t count, const uint32_t *label, const bool *hot,
              uint8_t *rim)
{
    for (size_t i = 0; i < count; i++) {
        int64_t voxel = place[i].at, at[3];
        if (!hot[label[voxel]])
            continue;
        rim[voxel] = 1;
        if (!is_surface(n, label, voxel))
            continue;
        place_of(n, voxel, at);
        for (int k = 0; k < n->count; k++)
            if (is_inside(n, at, k))
                rim[voxel + n->offset[k]] = 1;
    }
}

void rim_share(const struct near *n, const float *suv, const struct flood_place *place, size_t count, uint32_t first,
               uint32_t last, const uint8_t *rim, uint32_t *label)
{
    float *lowest = xalloc((size_t)(last - first) + 1, sizeof *lowest);
    for (size_t i = 0; i < count; i++) /* the highest come first */
        if (label[place[i].at] >= first)
            lowest[label[place[i].at] - first] = flood_suv(&place[i]);
    for (size_t i = 0; i < count; i++) {
        int64_t voxel = place[i].at, at[3];
        uint32_t own = label[voxel];
        if (own < first)
            continue;
        place_of(n, voxel, at);
        for (int k = 0; k < n->count; k++) {
            int64_t beside = voxel + n->offset[k];
            if (is_inside(n, at, k) && rim[beside] && !label[beside] && suv[beside] >= lowest[own - first])
                label[beside] = own;
        }
    }
    free(lowest);
}
