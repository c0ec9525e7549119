/* SPDX-License-Identifier: Apache-2.0 */
/* scale -- out(N,C) = in(N,C) * scale(C).   kernels/ref */
#include "kernels/ref/ref.h"

static void ref_scale_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++)
            out[n * (size_t)C + c] = in[n * (size_t)C + c] * scale[c];
}

static void ref_scale_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                               const float *scale, int N, int C)
{
    (void)b;
    for (size_t c = 0; c < (size_t)C; c++) {
        double sum = 0;
        for (size_t n = 0; n < (size_t)N; n++) {
            size_t i = n * (size_t)C + c;
            sum += (double)dout[i] * (double)in[i];
            if (din)
                din[i] += dout[i] * scale[c];
        }
        if (dscale)
            dscale[c] += (float)sum;
    }
}

void ref_add_scale(struct backend *b)
{
    b->scale_forward = ref_scale_forward;
    b->scale_backward = ref_scale_backward;
}
