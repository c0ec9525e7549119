/* SPDX-License-Identifier: Apache-2.0 */
/* activation -- ReLU, GELU (exact), softmax.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_relu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] < 0 ? 0 : in[i];
}

static void ref_relu_backward(struct backend *b, float *din, const float *dout, const float *out, size_t count,
                              enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++)
        if (out[i] > 0)
            din[i] += dout[i];
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static void ref_gelu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)((double)in[i] * normal_cdf((double)in[i]));
}

static void ref_gelu_backward(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                              enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++) {
        double x = (double)in[i], density = exp(-0.5 * x * x) / sqrt(2 * acos(-1));
        din[i] += (float)((double)dout[i] * (normal_cdf(x) + x * density));
    }
}

static void ref_softmax(struct backend *b, float *out, const float *in, int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *x = in + n * (size_t)C;
        double top = (double)x[0], sum = 0;
        for (int c = 1; c < C; c++)
            top = fmax(top, (double)x[c]);
        for (int c = 0; c < C; c++)
            sum += exp((double)x[c] - top);
        for (int c = 0; c < C; c++)
            out[n * (size_t)C + (size_t)c] = (float)(exp((double)x[c] - top) / sum);
    }
}

void ref_add_activation(struct backend *b)
{
    b->relu_forward = ref_relu_forward;
    b->relu_backward = ref_relu_backward;
    b->gelu_forward = ref_gelu_forward;
    b->gelu_backward = ref_gelu_backward;
    b->softmax = ref_softmax;
}
