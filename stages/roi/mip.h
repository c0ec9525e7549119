/* SPDX-License-Identifier: Apache-2.0 */
/* mip -- the rotating maximum-intensity projection, as a nuclear physician first looks at a scan.   body -> [mip] */
#ifndef PETREL_ROI_MIP_H
#define PETREL_ROI_MIP_H
#include "stages/roi/body.h"

enum { MIP_ANGLES = 24 };
#define MIP_MM        4.0 /* a pixel's side, or the largest voxel spacing where that is larger */
#define MIP_WHITE_SUV 10.0

/* image[angle][height][width], SUV 0..10 as 0..255, the caller's. Row 0 is the head. Angle a looks at the body turned by
 * a * 360/24 degrees about its long axis; at 0 from the front, so that the patient's left is on the right. */
struct mip {
    int32_t angles, height, width;
    double mm, middle[3]; /* the scan's index z, y, x (fractional) at the picture's middle, about which it turns */
    uint8_t *image;
};
void mip_make(const struct crop *body, const double spacing_mm[3], struct mip *m);
#endif
