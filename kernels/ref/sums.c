/* SPDX-License-Identifier: Apache-2.0 */
/* sums -- the length of tensors, and the factor that bounds it.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_sum_of_squares(struct backend *b, double *sum, const float *x, size_t count)
{
    (void)b;
    for (size_t i = 0; i < count; i++)
        *sum += (double)x[i] * (double)x[i];
}

static void ref_clip(struct backend *b, float *scale, const double *sum, float most)
{
    (void)b;
    double factor = (double)most / (sqrt(*sum) + 1e-6);
    *scale = factor < 1 ? (float)factor : 1;
}

void ref_add_sums(struct backend *b)
{
    b->sum_of_squares = ref_sum_of_squares;
    b->clip = ref_clip;
}
