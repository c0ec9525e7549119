/* SPDX-License-Identifier: Apache-2.0 */
/* cross_entropy -- soft targets, classes left out by row; a thread a row, rows' losses joined in order.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <float.h>
#include <math.h>

static double row_loss(float *g, const float *x, const float *t, int C, double by, double share)
{
    double top = -DBL_MAX, sum = 0, weight = 0, loss = 0;
    for (int c = 0; c < C; c++) {
        top = t[c] >= 0 ? fmax(top, (double)x[c] * by) : top;
        weight += t[c] > 0 ? (double)t[c] : 0;
    }
    for (int c = 0; c < C; c++) {
        double e = t[c] < 0 ? 0 : exp((double)x[c] * by - top);
        sum += e;
        g[c] = (float)e;
        loss += t[c] > 0 ? (double)t[c] * ((double)x[c] * by - top) : 0;
    }
    for (int c = 0; c < C; c++)
        g[c] = t[c] < 0 ? 0 : (float)(share * by * (weight * (double)g[c] / sum - (double)t[c]));
    return weight * log(sum) - loss;
}

static void cpu_cross_entropy(struct backend *b, float *dlogits, float *loss, const float *logits, const float *target,
                              int N, int C, float temperature)
{
    double *each = cpu_scratch(b, (size_t)N * sizeof *each), sum = 0;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        each[n] = row_loss(dlogits + n * (size_t)C, logits + n * (size_t)C, target + n * (size_t)C, C,
                           1 / (double)temperature, 1.0 / N);
    for (size_t n = 0; n < (size_t)N; n++)
        sum += each[n];
    *loss = (float)(sum / N);
}

void cpu_add_cross_entropy(struct backend *b)
{
    b->cross_entropy = cpu_cross_entropy;
}
