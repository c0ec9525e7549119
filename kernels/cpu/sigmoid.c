/* SPDX-License-Identifier: Apache-2.0 */
/* sigmoid -- sigmoid, and the sum of two.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static void cpu_sigmoid_forward(struct backend *b, float *out, const float *in, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        out[i] = sigmoid(in[i]);
}

static void cpu_sigmoid_backward(struct backend *b, float *din, const float *dout, const float *out, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        din[i] += dout[i] * out[i] * (1 - out[i]);
}

static void cpu_add(struct backend *b, float *out, const float *in_a, const float *in_b, size_t count,
                    enum layout layout)
{
    (void)layout;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        out[i] = in_a[i] + in_b[i];
}

void cpu_add_sigmoid(struct backend *b)
{
    b->sigmoid_forward = cpu_sigmoid_forward;
    b->sigmoid_backward = cpu_sigmoid_backward;
    b->add = cpu_add;
}
