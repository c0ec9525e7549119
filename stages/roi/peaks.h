/* SPDX-License-Identifier: Apache-2.0 */
/* peaks -- a region for every peak that stands out of its surroundings and of the scan's noise.   method -> [peaks]
 *
 * All maxima grow at once, from the highest voxel down (flood.h): a voxel with no visited neighbour founds a basin, any other joins
 * the basin of its highest neighbour.
 *  1. Where two basins meet at SUV s and the lower one's peak rises less than noise_sds standard deviations of the noise above s, it
 *     is noise and becomes part of the other. Every other meeting is kept for step 3.
 *  2. Each basin is cut off between its peak and its surroundings:
 *         threshold = max(floor_suv, around + f * (peak - around))
 *     `around` is the PEAKS_AROUND quantile of PEAKS_RAYS voxels evenly on a sphere about the peak, around_mm outside that of the
 *     basin's volume. f is `fraction` for what comes to large_ml or more, small_fraction for small_ml or less, and between them
 *     goes with the logarithm: voxel and point spread take from a small lesion's rim what they leave to a large one's. Twice, because
 *     volume depends on threshold and threshold on volume.
 *  3. Where two basins met at s they become one if s lies in both (above both thresholds) and is at least `valley` of the lower peak:
 *     lobes of one lesion; two that touch stay two.
 *  4. What comes to lobe_ml and more on both sides and met at fraction of the higher and lobe_valley of the lower peak is one mottled
 *     mass; it is cut off again as in step 2.
 *  5. A region is what of its basin is at or above the threshold and joined to the peak. It counts if the peak lies in `start` and
 *     rises contrast_sds of the noise above its surroundings.
 * Lengths are in mm and depths in noise, so a voxel's size matters only for what it hides. */
#ifndef PETREL_ROI_PEAKS_H
#define PETREL_ROI_PEAKS_H
#include "common/base.h"

enum { PEAKS_RAYS = 96 };
#define PEAKS_AROUND 0.5

struct peaks_how {
    int connectivity; /* 6, 18 or 26 */
    double spacing_mm[3];
    double floor_suv; /* above 0 */
    double fraction, small_fraction, small_ml, large_ml;
    double around_mm, valley, lobe_ml, lobe_valley;
    double noise_per_suv, noise_sds, contrast_sds; /* noise.h */
    const uint8_t *start;                          /* peaks that count lie here; NULL: all */
};
/* suv: dim[0] x dim[1] x dim[2], its outermost voxels below floor_suv. label: zeros; gets 1.. for the regions, in the order of their
 * peaks. Returns how many. */
uint32_t peaks_find(const float *suv, const int64_t dim[3], const struct peaks_how *how, uint32_t *label);
#endif
