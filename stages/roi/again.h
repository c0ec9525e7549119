/* SPDX-License-Identifier: Apache-2.0 */
/* again -- what hot regions hide: their surroundings but for their own rim, looked at once more.   [again] -> peaks */
#ifndef PETREL_ROI_AGAIN_H
#define PETREL_ROI_AGAIN_H
#include "stages/roi/flood.h"

/* Voxels of a ball, itself among them. */
struct near {
    int64_t *offset;      /* [count]: in the image */
    int32_t (*away)[3];   /* [count]: z y x */
    int count;
    const int64_t *dim;
};
void near_open(struct near *n, const int64_t dim[3], const double spacing_mm[3], double radius_mm);
void near_close(struct near *n);
/* rim[voxel] = 1 for what is in the ball about any voxel of a hot region. label: regions of all voxels; hot[region]. */
void rim_mark(const struct near *n, const struct flood_place *place, size_t count, const uint32_t *label, const bool *hot,
              uint8_t *rim);
/* Regions from `first` up take what is rim, nobody's, near them and not below their lowest voxel. */
void rim_share(const struct near *n, const float *suv, const struct flood_place *place, size_t count, uint32_t first,
               uint32_t last, const uint8_t *rim, uint32_t *label);
#endif
