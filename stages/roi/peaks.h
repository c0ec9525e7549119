/* SPDX-License-Identifier: Apache-2.0 */
/* peaks -- a region for every peak that stands out of its surroundings and of the scan's noise.   method -> [peaks]
 *
 *  1. Every peak that is no noise has a basin (basins.h), and a region in it down to where it no longer stands out (reach.h).
 *  2. Where two basins met at SUV s they become one if s lies in both regions (above both thresholds by their peaks alone) and is at least `valley` of the
 *     lower peak: lobes of one lesion; two that touch stay two.
 *  3. What comes to lobe_ml and more on both sides, has peaks alike (the lower at least `valley` of the higher) and met at fraction of
 *     the higher and lobe_valley of the lower is one mottled mass, unless the one's mean is `contrast` times the other's.
 *     But what grew until its basin ended, as the liver does, is the surroundings of a smaller one that did not, and not one with it; so is
 *     what comes to PEAKS_LARGE_ML and PEAKS_AROUND times the smaller one, and whose mean is `contrast` times less (both above their
 *     thresholds by their peaks alone);
 *     and a peak that the organ map gives to an organ that is left out does not become one with a peak that lies PEAKS_ORGAN_MM and more
 *     outside it (organ.h).
 *     Those that became one grow anew, and are asked again, PEAKS_TURNS times at the most.
 *  4. A region counts if its peak lies in `start` and rises contrast_sds of the noise above its surroundings.
 *  5. A peak of again_suv and more hides what lies on its shoulder. Of its basin, what is neither in its region nor within again_mm of
 *     it (again.h) is looked at again by all these rules; a peak there has to be PEAKS_BEYOND times what lies all round at that distance,
 *     too, or it is the slope of the hot one. What is found takes back of the rim what lies within again_mm of it and is not below its own
 *     lowest.
 * Lengths are in mm and depths in noise, so a voxel's size matters only for what it hides. */
#ifndef PETREL_ROI_PEAKS_H
#define PETREL_ROI_PEAKS_H
#include "common/base.h"

enum { PEAKS_TURNS = 4, PEAKS_AROUND = 4 };
#define PEAKS_ORGAN_MM 5.0
#define PEAKS_BEYOND   2.0
#define PEAKS_LARGE_ML 400.0

struct organ_look;
struct peaks_how {
    int connectivity; /* 6, 18 or 26 */
    double spacing_mm[3];
    double floor_suv; /* above 0 */
    double fraction, small_fraction, small_ml, large_ml, mean_share, mean_ml;
    double around_mm, contrast, valley, lobe_ml, lobe_valley;
    double noise_per_suv, noise_sds, contrast_sds; /* noise.h */
    double again_suv, again_mm;
    const uint8_t *start;            /* peaks that count lie here; NULL: all */
    const struct organ_look *organs; /* those that are left out; NULL: no organ map */
};
/* suv: dim[0] x dim[1] x dim[2], its outermost voxels below floor_suv. label: zeros; gets 1.. for the regions, in the order of their
 * peaks, then those of step 5 in theirs. Returns how many. */
uint32_t peaks_find(const float *suv, const int64_t dim[3], const struct peaks_how *how, uint32_t *label);
#endif
