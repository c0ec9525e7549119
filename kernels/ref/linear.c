/* SPDX-License-Identifier: Apache-2.0 */
/* linear -- out(N,O) = in(N,C) weight(O,C)^T + bias(O).   kernels/ref */
#include "kernels/ref/ref.h"

static void ref_linear_forward(struct backend *b, float *out, const float *in, const float *weight, const float *bias,
                               int N, int C, int O)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t o = 0; o < (size_t)O; o++) {
            double sum = bias ? (double)bias[o] : 0;
            for (size_t c = 0; c < (size_t)C; c++)
                sum += (double)in[n * (size_t)C + c] * (double)weight[o * (size_t)C + c];
            out[n * (size_t)O + o] = (float)sum;
        }
}

static void ref_linear_backward(struct backend *b, float *din, float *dweight, float *dbias, const float *dout,
                                const float *in, const float *weight, int N, int C, int O)
{
    (void)b;
    for (size_t n = 0; din && n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++) {
            double sum = 0;
            for (size_t o = 0; o < (size_t)O; o++)
                sum += (double)dout[n * (size_t)O + o] * (double)weight[o * (size_t)C + c];
            din[n * (size_t)C + c] += (float)sum;
        }
    for (size_t o = 0; dweight && o < (size_t)O; o++)
        for (size_t c = 0; c < (size_t)C; c++) {
            double sum = 0;
            for (size_t n = 0; n < (size_t)N; n++)
                sum += (double)dout[n * (size_t)O + o] * (double)in[n * (size_t)C + c];
            dweight[o * (size_t)C + c] += (float)sum;
        }
    for (size_t o = 0; dbias && o < (size_t)O; o++) {
        double sum = 0;
        for (size_t n = 0; n < (size_t)N; n++)
            sum += (double)dout[n * (size_t)O + o];
        dbias[o] += (float)sum;
    }
}

void ref_add_linear(struct backend *b)
{
    b->linear_forward = ref_linear_forward;
    b->linear_backward = ref_linear_backward;
}
