/* SPDX-License-Identifier: Apache-2.0 */
/* squares -- scale times the sum of squared differences.   kernels/ref */
#include "kernels/ref/ref.h"

static void ref_squares(struct backend *b, float *dx, float *loss, const float *x, const float *y, size_t count,
                        float scale)
{
    (void)b;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
        dx[i] = (float)(2 * (double)scale * d);
    }
    *loss = (float)((double)scale * sum);
}

void ref_add_squares(struct backend *b)
{
    b->squares = ref_squares;
}
