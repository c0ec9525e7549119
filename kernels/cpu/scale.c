/* SPDX-License-Identifier: Apache-2.0 */
/* scale -- out(N,C) = in(N,C) * scale(C).   kernels/cpu */
#include "kernels/cpu/cpu.h"

static void cpu_scale_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++)
            out[n * (size_t)C + c] = in[n * (size_t)C + c] * scale[c];
}

static void cpu_scale_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                               const float *scale, int N, int C)
{
    if (din) {
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
        for (size_t n = 0; n < (size_t)N; n++)
            for (size_t c = 0; c < (size_t)C; c++)
                din[n * (size_t)C + c] += dout[n * (size_t)C + c] * scale[c];
    }
    if (dscale) {
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
        for (size_t c = 0; c < (size_t)C; c++) {
            double sum = 0;
            for (size_t n = 0; n < (size_t)N; n++)
                sum += (double)dout[n * (size_t)C + c] * (double)in[n * (size_t)C + c];
            dscale[c] += (float)sum;
        }
    }
}

void cpu_add_scale(struct backend *b)
{
    b->scale_forward = cpu_scale_forward;
    b->scale_backward = cpu_scale_backward;
}
