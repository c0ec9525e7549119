/* SPDX-License-Identifier: Apache-2.0 */
/* linear -- out(N,O) = in(N,C) weight(O,C)^T + bias(O).   kernels/cpu */
#include "kernels/cpu/gemm.h"

#include <string.h>

static void cpu_linear_forward(struct backend *b, float *out, const float *in, const float *weight, const float *bias,
                               int N, int C, int O)
{
    for (size_t n = 0; bias && n < (size_t)N; n++)
        memcpy(out + n * (size_t)O, bias, (size_t)O * sizeof *out);
    cpu_gemm(b, out, in, false, weight, true, N, O, C, 1, bias ? 1 : 0);
}

static void cpu_linear_backward(struct backend *b, float *din, float *dweight, float *dbias, const float *dout,
                                const float *in, const float *weight, int N, int C, int O)
{
    if (din)
        cpu_gemm(b, din, dout, false, weight, false, N, C, O, 1, 1);
    if (dweight)
        cpu_gemm(b, dweight, dout, true, in, false, O, C, N, 1, 1);
    if (!dbias)
        return;
    enum { STRIP = 16 };
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * O > WORTH)
    for (int o = 0; o < O; o += STRIP) {
        double sum[STRIP] = {0};
        int wide = O - o < STRIP ? O - o : STRIP;
        for (size_t n = 0; n < (size_t)N; n++)
            for (int i = 0; i < wide; i++)
                sum[i] += (double)dout[n * (size_t)O + (size_t)(o + i)];
        for (int i = 0; i < wide; i++)
            dbias[o + i] += (float)sum[i];
    }
}

void cpu_add_linear(struct backend *b)
{
    b->linear_forward = cpu_linear_forward;
    b->linear_backward = cpu_linear_backward;
}
