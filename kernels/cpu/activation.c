/* SPDX-License-Identifier: Apache-2.0 */
/* activation -- ReLU, GELU (exact), softmax.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void cpu_relu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)layout;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] < 0 ? 0 : in[i];
}

static void cpu_relu_backward(struct backend *b, float *din, const float *dout, const float *out, size_t count,
                              enum layout layout)
{
    (void)layout;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++) {
        float g = dout[i]; /* read whether it counts or not: so the loop is one of vectors */
        din[i] += out[i] > 0 ? g : 0;
    }
}

/* Phi(x), through erfc so that the left tail keeps its digits */
static float normal_cdf(float x)
{
    return 0.5f * erfcf(-0.70710678118654752f * x);
}

static void cpu_gelu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)layout;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] * normal_cdf(in[i]);
}

static void cpu_gelu_backward(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                              enum layout layout)
{
    (void)layout;
    const float peak = 0.39894228040143268f; /* 1 / sqrt(2 pi) */
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        din[i] += dout[i] * (normal_cdf(in[i]) + in[i] * peak * expf(-0.5f * in[i] * in[i]));
}

static void cpu_softmax(struct backend *b, float *out, const float *in, int N, int C)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *x = in + n * (size_t)C;
        float *y = out + n * (size_t)C, top = x[0], sum = 0;
        for (int c = 1; c < C; c++)
            top = x[c] > top ? x[c] : top;
        for (int c = 0; c < C; c++)
            sum += y[c] = expf(x[c] - top);
        for (int c = 0; c < C; c++)
            y[c] /= sum;
    }
}

void cpu_add_activation(struct backend *b)
{
    b->relu_forward = cpu_relu_forward;
    b->relu_backward = cpu_relu_backward;
    b->gelu_forward = cpu_gelu_forward;
    b->gelu_backward = cpu_gelu_backward;
    b->softmax = cpu_softmax;
}
