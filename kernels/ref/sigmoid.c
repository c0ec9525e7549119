/* SPDX-License-Identifier: Apache-2.0 */
/* sigmoid -- sigmoid, SiLU, and the sum of two.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void ref_sigmoid_forward(struct backend *b, float *out, const float *in, size_t count)
{
    (void)b;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)sigmoid((double)in[i]);
}

static void ref_sigmoid_backward(struct backend *b, float *din, const float *dout, const float *out, size_t count)
{
    (void)b;
    for (size_t i = 0; i < count; i++)
        din[i] += (float)((double)dout[i] * (double)out[i] * (1 - (double)out[i]));
}

static void ref_silu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)((double)in[i] * sigmoid((double)in[i]));
}

/* s (1 + x (1 - s)) */
static void ref_silu_backward(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                              enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++) {
        double x = (double)in[i], s = sigmoid(x);
        din[i] += (float)((double)dout[i] * s * (1 + x * (1 - s)));
    }
}

static void ref_add(struct backend *b, float *out, const float *in_a, const float *in_b, size_t count,
                    enum layout layout)
{
    (void)b, (void)layout;
    for (size_t i = 0; i < count; i++)
        out[i] = in_a[i] + in_b[i];
}

void ref_add_sigmoid(struct backend *b)
{
    b->sigmoid_forward = ref_sigmoid_forward;
    b->sigmoid_backward = ref_sigmoid_backward;
    b->silu_forward = ref_silu_forward;
    b->silu_backward = ref_silu_backward;
    b->add = ref_add;
}
