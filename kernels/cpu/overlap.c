/* SPDX-License-Identifier: Apache-2.0 */
/* overlap -- cosines held to shares of overlap, or to nothing; a thread a row, rows' sums joined in order.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void row(float *g, double sum[2], const float *cosine, const float *target, int C, const float scale[2])
{
    sum[0] = sum[1] = 0;
    for (int c = 0; c < C; c++) {
        const float x = cosine[c], t = target[c], s = x > 0 ? x : 0;
        g[c] = 0;
        if (t >= 0) {
            double left = 1 - fabs((double)t - (double)s) + 1e-6;
            sum[0] -= log(left);
            if (x > 0 && s != t)
                g[c] = (float)((double)(s > t ? scale[0] : -scale[0]) / left);
        } else if (t < -1) {
            sum[1] += fabs((double)x) / 2;
            g[c] = x > 0 ? scale[1] : x < 0 ? -scale[1] : 0;
        }
    }
}

static void cpu_overlap(struct backend *b, float *dcosine, float terms[2], const float *cosine, const float *target,
                        int N, int C, const float scale[2])
{
    double *each = cpu_scratch(b, 2 * (size_t)N * sizeof *each), sum[2] = {0, 0};
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        row(dcosine + n * (size_t)C, each + 2 * n, cosine + n * (size_t)C, target + n * (size_t)C, C, scale);
    for (size_t n = 0; n < 2 * (size_t)N; n++)
        sum[n % 2] += each[n];
    for (int k = 0; k < 2; k++)
        terms[k] = (float)((double)scale[k] * sum[k]);
}

void cpu_add_overlap(struct backend *b)
{
    b->overlap = cpu_overlap;
}
