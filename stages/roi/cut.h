/* SPDX-License-Identifier: Apache-2.0 */
/* cut -- what a region of an organ that is left out holds beside the organ is a region of its own.   peaks -> [cut] -> method
 *
 * A lesion as hot as the kidney it touches is one region with it, and would be left out with the kidney. The organ map tells them apart:
 * of a region that is an organ's (organ.h), voxels that lie PEAKS_ORGAN_MM and more outside the organ are the cores of other regions where
 * they are joined and come to core_ml. Each takes back, of what lies outside the organ, what is within that distance of it; nearer to the
 * organ is the organ's rim. */
#ifndef PETREL_ROI_CUT_H
#define PETREL_ROI_CUT_H
#include "stages/roi/organ.h"

/* suv and label: of the image that `organs` looks at. label: 1..count; the new ones get count + 1.., in raster order of their cores. share: of
 * its voxels that makes a region the organ's. Returns how many there are then. */
uint32_t organs_cut(const struct organ_look *organs, double share, double core_ml, uint32_t *label, uint32_t count);
#endif
