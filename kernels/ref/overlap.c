/* SPDX-License-Identifier: Apache-2.0 */
/* overlap -- cosines held to shares of overlap, or to nothing.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_overlap(struct backend *b, float *dcosine, float terms[2], const float *cosine, const float *target,
                        int N, int C, const float scale[2])
{
    double sum[2] = {0, 0}, by[2] = {(double)scale[0], (double)scale[1]};
    (void)b;
    for (size_t i = 0; i < (size_t)N * (size_t)C; i++) {
        double x = (double)cosine[i], t = (double)target[i], s = fmax(x, 0), d = fabs(t - s), left = 1 - d + 1e-6;
        dcosine[i] = 0;
        if (t >= 0) {
            sum[0] -= log(left);
            dcosine[i] = x <= 0 || s == t ? 0 : (float)(by[0] * (s > t ? 1 : -1) / left);
        } else if (t == -2) {
            sum[1] += fabs(x) / 2;
            dcosine[i] = (float)(by[1] * (x > 0 ? 1 : x < 0 ? -1 : 0));
        }
    }
    for (int k = 0; k < 2; k++)
        terms[k] = (float)(by[k] * sum[k]);
}

void ref_add_overlap(struct backend *b)
{
    b->overlap = ref_overlap;
}
