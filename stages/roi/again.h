/* SPDX-License-Identifier: Apache-2.0 */
/* again -- what hot regions hide: their surroundings but for their own rim, looked at once more.   [again] -> peaks */
#ifndef PETREL_ROI_AGAIN_H
#define PETREL_ROI_AGAIN_H
#include "stages/roi/flood.h"

/* Voxels of a ball, itself among them. */
struct near {
    int64_t *offset;    /* [count]: in the image */
    int32_t (*away)[3]; /* [count]: z y x */
    int count;
    const int64_t *dim;
};
void near_open(struct near *n, const int64_t dim[3], const double spacing_mm[3], double radius_mm);
void near_close(struct near *n);
/* Where a voxel lies, z y x; and whether the i-th of those near it is in the image. */
void near_place(const struct near *n, int64_t voxel, int64_t at[3]);
bool near_inside(const struct near *n, const int64_t at[3], int i);
/* What hot regions may reach with their point spread, and what is beyond. */
struct rim {
    uint32_t *of;    /* [voxels]: region whose it is, itself among it; 0: none */
    uint32_t *voxel; /* [count]: those that have one */
    size_t count, room;
};
/* All voxels in the ball about any voxel of a hot region; of several the first that comes. label: regions of all voxels;
 * hot[region]. rim_free() it. */
void rim_mark(struct rim *rim, const struct near *n, const struct flood_place *place, size_t count,
              const uint32_t *label, const bool *hot);
void rim_free(struct rim *rim);
/* beyond[region]: median SUV of the voxels next to a hot region's rim that are no region's; 0 where there are none. What is no higher
 * than that all round is the slope of the region itself. */
void rim_beyond(const struct rim *rim, const struct near *n, const float *suv, const uint32_t *label, uint32_t regions,
                float *beyond);
/* Regions first .. last take what is rim, nobody's, near them and not below their lowest voxel. */
void rim_share(const struct rim *rim, const struct near *n, const float *suv, const struct flood_place *place,
               size_t count, uint32_t first, uint32_t last, uint32_t *label);
#endif
