/* SPDX-License-Identifier: Apache-2.0 */
/* smooth -- Gaussian smoothing of a volume, reflecting at its ends.   body -> [smooth] -> method */
#ifndef PETREL_ROI_SMOOTH_H
#define PETREL_ROI_SMOOTH_H
#include "common/base.h"

/* out = in smoothed with sd[] voxels along the axes (z y x), each cut at 4 sd (at most SMOOTH_REACH voxels) and normalised; beyond an end
 * the volume is mirrored with its end voxel repeated (c b a | a b c), as scipy.ndimage.gaussian_filter does.
 * Both arrays are dim[0] x dim[1] x dim[2] with `row` floats between rows and `slice` between slices. sd 0 copies. */
enum { SMOOTH_REACH = 64 };
void gaussian_smooth(const float *in, float *out, const int64_t dim[3], int64_t slice, int64_t row, const double sd[3]);
#endif
