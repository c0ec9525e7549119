/* SPDX-License-Identifier: Apache-2.0 */
/* box -- the 16^3 voxels around a region.   property -> [box] */
#ifndef PETREL_ROI_BOX_H
#define PETREL_ROI_BOX_H
#include "proto/message.h"

/* First voxel of the box: floor(centroid + 0.5) - 8 along each axis, so the box spans centroid -8 .. +7. May be negative. */
void box_place(const double centroid[3], bool truncate, int32_t box_low[3]);
/* Does a box there reach the last voxel of a volume on some axis, or leave it behind? */
bool box_reaches_end(const int32_t box_low[3], const int64_t dim[3]);
/* Copy the box, box[channels][16][16][16]; outside the scan it is air: SUV 0, HU -1024. Returns whether any of it was outside. */
bool box_crop(const struct volume *v, const int32_t box_low[3], int channels, float *box);
#endif
