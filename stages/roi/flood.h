/* SPDX-License-Identifier: Apache-2.0 */
/* flood -- voxels from the highest down, and whom each has beside it: what every watershed begins with.   method -> [flood] -> grow, peaks */
#ifndef PETREL_ROI_FLOOD_H
#define PETREL_ROI_FLOOD_H
#include "common/base.h"
#include <string.h>

struct flood_place {
    uint32_t key; /* the bits of a positive float order as the float does */
    uint32_t at;
};
/* Voxels of at least floor_suv, which is above 0: the highest first, equal ones by where they lie. Returns how many; free(*out). */
size_t flood_places(const float *suv, size_t voxels, float floor_suv, struct flood_place **out);
/* What to add to a voxel's index to reach its neighbours (connectivity 6, 18 or 26). Returns how many. */
int flood_neighbours(const int64_t dim[3], int connectivity, int64_t step[26]);
/* What a voxel has beside it of what was visited before. */
struct flood_touch {
    uint32_t root[26], basin[26]; /* roots, ascending; basins, in the order of the neighbours; each once */
    uint32_t highest;             /* the basin of the highest */
    int roots, basins;
};
/* label: basin + 1, 0 not visited; parent: of basins. */
void flood_touch(const float *suv, const uint32_t *label, uint32_t *parent, uint32_t at, const int64_t *step, int steps,
                 struct flood_touch *touch);
/* The SUV of a place. */
static inline float flood_suv(const struct flood_place *p)
{
    float suv;
    memcpy(&suv, &p->key, sizeof suv);
    return suv;
}
/* The root of a merged basin; shortens the way there. */
uint32_t flood_root(uint32_t *parent, uint32_t i);
#endif
