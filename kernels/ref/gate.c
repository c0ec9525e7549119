/* SPDX-License-Identifier: Apache-2.0 */
/* gate -- each channel of an image times its own number, as squeeze-and-excitation does.   kernels/ref */
#include "kernels/ref/ref.h"

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_gate_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C,
                             const int dim[3])
{
    (void)b;
    size_t P = volume(dim);
    for (size_t plane = 0; plane < (size_t)N * (size_t)C; plane++)
        for (size_t i = plane * P; i < (plane + 1) * P; i++)
            out[i] = in[i] * scale[plane];
}

static void ref_gate_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                              const float *scale, int N, int C, const int dim[3])
{
    (void)b;
    size_t P = volume(dim);
    for (size_t plane = 0; plane < (size_t)N * (size_t)C; plane++) {
        double sum = 0;
        for (size_t i = plane * P; i < (plane + 1) * P; i++) {
            if (din)
                din[i] += dout[i] * scale[plane];
            sum += (double)dout[i] * (double)in[i];
        }
        if (dscale)
            dscale[plane] += (float)sum;
    }
}

void ref_add_gate(struct backend *b)
{
    b->gate_forward = ref_gate_forward;
    b->gate_backward = ref_gate_backward;
}
