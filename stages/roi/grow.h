/* SPDX-License-Identifier: Apache-2.0 */
/* grow -- regions grown from local maxima, by flooding downwards.   method -> [grow]
 *
 * Growing every local maximum by itself gives overlapping regions, and a faint lesion beside the bladder would flow round
 * it. So all maxima grow at once: voxels are visited from the highest SUV down. One with no visited neighbour is a peak and
 * founds a basin; any other joins the basin of its highest neighbour (a watershed). Where two basins meet at SUV s they
 * become one if
 *     s >= fraction * higher peak       growing the higher would have swallowed the lower, and
 *     s >= valley * lower peak          no valley parts them (the noise of a liver at 2 mm makes valleys of 0.7);
 * otherwise the border between them stays. A region is a basin's voxels with
 *     SUV >= max(fraction * its peak, floor_suv).
 * It is connected; two regions may touch. Voxels of a basin below its threshold belong to no region, so the slope of a hot
 * organ cannot be flooded by its fainter neighbour. A bump on such a slope, less than `prominence` of itself above the
 * border, is noise and goes with the slope. */
#ifndef PETREL_ROI_GROW_H
#define PETREL_ROI_GROW_H
#include "common/base.h"

struct growing {
    int connectivity;          /* 6, 18 or 26 */
    double fraction;           /* 0.41 */
    double floor_suv;          /* above 0 */
    double valley, prominence; /* 0.6, 0.05 */
    const uint8_t *start;      /* peaks that count lie here; NULL: all */
};
/* suv: dim[0] x dim[1] x dim[2], its outermost voxels below floor_suv. label: zeros; gets 1.. for the regions, in no
 * particular order but the same every time. Returns how many. */
uint32_t grow_regions(const float *suv, const int64_t dim[3], const struct growing *how, uint32_t *label);
#endif
