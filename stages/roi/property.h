/* SPDX-License-Identifier: Apache-2.0 */
/* property -- what is measured of a region: volume, uptake, place.   extent -> [property] */
#ifndef PETREL_ROI_PROPERTY_H
#define PETREL_ROI_PROPERTY_H
#include "common/ball.h"
#include "proto/message.h"
#include "stages/roi/extent.h"

/* Fills everything of *r that does not need the recipe: component, voxels, ml, suv_max, suv_mean, suv_peak, centroid,
 * centroid_mm, low, high, overlap, position. `low`: the scan's index of the label map's voxel (0,0,0).
 * axes_itk: as for position_of. suv_peak is the highest mean over a ball centred on one of the region's voxels, of all of the
 * ball that is in the scan, whether of the region or not (PERCIST; IBSI's global intensity peak). */
void region_measure(const struct volume *v, const struct extents *x, uint32_t region, const int64_t low[3],
                    const struct ball *b, bool axes_itk, struct region *r);
#endif
