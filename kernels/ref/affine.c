/* SPDX-License-Identifier: Apache-2.0 */
/* affine -- each channel times a number and a number added: biases, and what stands behind a layer norm.   kernels/ref */
#include "kernels/ref/ref.h"

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_affine_forward(struct backend *b, float *out, const float *in, const float *gamma, const float *beta,
                               int N, int C, const int dim[3], enum layout layout, bool relu)
{
    (void)b;
    const size_t P = layout == IMAGE ? volume(dim) : 1;
    for (size_t i = 0; i < (size_t)N * (size_t)C * P; i++) {
        size_t c = i / P % (size_t)C;
        double y = (double)in[i] * (gamma ? (double)gamma[c] : 1) + (double)beta[c];
        out[i] = (float)(relu && y < 0 ? 0 : y);
    }
}

static void ref_affine_backward(struct backend *b, float *din, float *dgamma, float *dbeta, const float *dout,
                                const float *out, const float *in, const float *gamma, int N, int C, const int dim[3],
                                enum layout layout, bool relu)
{
    (void)b;
    const size_t P = layout == IMAGE ? volume(dim) : 1;
    for (size_t c = 0; c < (size_t)C; c++) {
        double sum = 0, sum_x = 0;
        for (size_t n = 0; n < (size_t)N; n++)
            for (size_t i = (n * (size_t)C + c) * P; i < (n * (size_t)C + c + 1) * P; i++) {
                double g = relu && !(out[i] > 0) ? 0 : (double)dout[i];
                sum += g;
                sum_x += g * (double)in[i];
                if (din)
                    din[i] += (float)(g * (gamma ? (double)gamma[c] : 1));
            }
        if (dgamma)
            dgamma[c] += (float)sum_x;
        if (dbeta)
            dbeta[c] += (float)sum;
    }
}

void ref_add_affine(struct backend *b)
{
    b->affine_forward = ref_affine_forward;
    b->affine_backward = ref_affine_backward;
}
