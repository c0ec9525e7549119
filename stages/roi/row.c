/* SPDX-License-Identifier: Apache-2.0 */
/* row -- what is done to whole rows of voxels, at the speed of memory.   body, component -> [row] */
#include "stages/roi/row.h"

#include <float.h>

/* Comparisons of floats block vectorising only for fear of a trap nobody here has set; no value changes. */
#pragma GCC optimize("no-trapping-math")

VECTORISED bool row_reaches(const float *row, int64_t width, float threshold)
{
    int32_t reached = 0;
    for (int64_t x = 0; x < width; x++)
        reached |= row[x] >= threshold;
    return reached != 0;
}

VECTORISED void row_compare(const float *row, int64_t width, float threshold, uint8_t *above)
{
    for (int64_t x = 0; x < width; x++)
        above[x] = row[x] >= threshold;
}

VECTORISED bool row_copy_positive(float *restrict to, const float *restrict row, int64_t width)
{
    int32_t infinite = 0;
    for (int64_t x = 0; x < width; x++) {
        to[x] = row[x] > 0 ? row[x] : 0;
        infinite |= to[x] > FLT_MAX;
    }
    return !infinite;
}
