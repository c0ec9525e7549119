/* SPDX-License-Identifier: Apache-2.0 */
/* extent -- each region as its own list of runs, so that what is computed of it costs what it is large.   method -> [extent] */
#ifndef PETREL_ROI_EXTENT_H
#define PETREL_ROI_EXTENT_H
#include "stages/roi/labels.h"

struct extents {
    int64_t dim[3];  /* of the grid the rows belong to */
    struct run *run; /* grouped by region, in raster order within each */
    size_t *first;   /* [count+1]: region i (from 0; label i+1) has run[first[i]] .. run[first[i+1]-1] */
    uint32_t count;
};
/* extents_free() it. */
void extents_of(struct extents *x, const struct labels *l);
void extents_free(struct extents *x);
int64_t extent_voxels(const struct extents *x, uint32_t region);
/* Bounds on that grid, z y x, both included. The region is not empty. */
void extent_bounds(const struct extents *x, uint32_t region, int32_t low[3], int32_t high[3]);

/* How many of a region's voxels lie in the box of `side` voxels a side that begins at box_low, z y x on that grid. */
int64_t extent_in_box(const struct extents *x, uint32_t region, const int64_t box_low[3], int64_t side);

/* Give enclosed voxels (6-connected background that does not reach the region's outside) of every region its label, where
 * they belong to no other region. x: of *l, as it was. Returns how many voxels were filled. */
int64_t holes_fill(struct labels *l, const struct extents *x);
/* Drop regions of fewer than voxels_least voxels and number the rest 1.. by their first voxel in raster order. */
void labels_tidy(struct labels *l, const struct extents *x, int64_t voxels_least);
#endif
