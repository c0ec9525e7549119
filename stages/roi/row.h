/* SPDX-License-Identifier: Apache-2.0 */
/* row -- what is done to whole rows of voxels, at the speed of memory.   body, component -> [row]
 *
 * Loops without a branch, so that the compiler makes vectors of them; NaN is below every threshold. */
#ifndef PETREL_ROI_ROW_H
#define PETREL_ROI_ROW_H
#include "common/base.h"

/* Does any voxel reach the threshold? */
bool row_reaches(const float *row, int64_t width, float threshold);
/* above[x] = 1 where row[x] reaches it, else 0. */
void row_compare(const float *row, int64_t width, float threshold, uint8_t *above);
/* Copies, with 0 for what is negative or not a number; false: one is infinite. */
bool row_copy_positive(float *restrict to, const float *restrict row, int64_t width);
#endif
