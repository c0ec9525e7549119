/* SPDX-License-Identifier: Apache-2.0 */
/* layernorm -- each row to mean 0 and variance 1, or to length 1.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_layernorm_forward(struct backend *b, float *out, float *rstd, const float *in, int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *x = in + n * (size_t)C;
        double sum = 0, squares = 0;
        for (int c = 0; c < C; c++)
            sum += (double)x[c];
        double mean = sum / C;
        for (int c = 0; c < C; c++)
            squares += ((double)x[c] - mean) * ((double)x[c] - mean);
        double r = 1 / sqrt(squares / C + 1e-5);
        rstd[n] = (float)r;
        for (int c = 0; c < C; c++)
            out[n * (size_t)C + (size_t)c] = (float)(((double)x[c] - mean) * r);
    }
}

/* din += rstd (dout - mean(dout) - out mean(dout out)) */
static void ref_layernorm_backward(struct backend *b, float *din, const float *dout, const float *out,
                                   const float *rstd, int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *g = dout + n * (size_t)C, *y = out + n * (size_t)C;
        double sum = 0, sum_y = 0;
        for (int c = 0; c < C; c++) {
            sum += (double)g[c];
            sum_y += (double)g[c] * (double)y[c];
        }
        for (int c = 0; c < C; c++)
            din[n * (size_t)C + (size_t)c] +=
                (float)((double)rstd[n] * ((double)g[c] - sum / C - (double)y[c] * sum_y / C));
    }
}

static const double shortest = 1e-12;

static void ref_l2norm_forward(struct backend *b, float *out, float *rnorm, const float *in, int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *x = in + n * (size_t)C;
        double squares = 0;
        for (int c = 0; c < C; c++)
            squares += (double)x[c] * (double)x[c];
        double r = 1 / fmax(sqrt(squares), shortest);
        rnorm[n] = (float)r;
        for (int c = 0; c < C; c++)
            out[n * (size_t)C + (size_t)c] = (float)((double)x[c] * r);
    }
}

/* din += rnorm (dout - out (dout . out)); a row shorter than the shortest was only multiplied by a constant. */
static void ref_l2norm_backward(struct backend *b, float *din, const float *dout, const float *out, const float *rnorm,
                                int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *g = dout + n * (size_t)C, *y = out + n * (size_t)C;
        double dot = 0;
        if (rnorm[n] < (float)(1 / shortest))
            for (int c = 0; c < C; c++)
                dot += (double)g[c] * (double)y[c];
        for (int c = 0; c < C; c++)
            din[n * (size_t)C + (size_t)c] += (float)((double)rnorm[n] * ((double)g[c] - (double)y[c] * dot));
    }
}

void ref_add_layernorm(struct backend *b)
{
    b->layernorm_forward = ref_layernorm_forward;
    b->layernorm_backward = ref_layernorm_backward;
    b->l2norm_forward = ref_l2norm_forward;
    b->l2norm_backward = ref_l2norm_backward;
}
