/* SPDX-License-Identifier: Apache-2.0 */
/* voxels -- each region's voxels as a list, from the label map's runs.   regions message -> [voxels] -> measure, outlines */
#ifndef PETREL_CLASSIFY_VOXELS_H
#define PETREL_CLASSIFY_VOXELS_H
#include "proto/message.h"

struct voxels {
    size_t count;  /* regions */
    size_t *first; /* [count+1]: region i has index[first[i]] .. index[first[i+1]-1] */
    size_t *index; /* into the grid, ascending within each */
};
/* A label map, and whose its values are: a region's component, or its number in the list where it has none. */
struct voxels_map {
    const struct buffer *runs; /* without a byte: no voxel is any region's */
    const struct region *region;
    size_t count;
};
/* Regions of the second map come after those of the first. -1: a map does not fill the grid. voxels_free() it. */
int voxels_of(struct voxels *x, const struct grid *g, const struct voxels_map map[2], struct error *e) MUST_USE;
void voxels_free(struct voxels *x);
#endif
