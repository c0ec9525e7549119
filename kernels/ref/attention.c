/* SPDX-License-Identifier: Apache-2.0 */
/* attention -- every token asks every other of its box; positions as tokens; softmax's gradient.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>
#include <stdlib.h>

/* din += out (dout - sum(dout out)) */
static void ref_softmax_backward(struct backend *b, float *din, const float *dout, const float *out, int N, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *g = dout + n * (size_t)C, *y = out + n * (size_t)C;
        double sum = 0;
        for (int c = 0; c < C; c++)
            sum += (double)g[c] * (double)y[c];
        for (int c = 0; c < C; c++)
            din[n * (size_t)C + (size_t)c] += (float)((double)y[c] * ((double)g[c] - sum));
    }
}

static size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

static void ref_tokens_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    (void)b;
    size_t P = volume(dim);
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++)
            for (size_t p = 0; p < P; p++)
                out[(n * P + p) * (size_t)C + c] = in[(n * (size_t)C + c) * P + p];
}

static void ref_tokens_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    (void)b;
    size_t P = volume(dim);
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++)
            for (size_t p = 0; p < P; p++)
                din[(n * (size_t)C + c) * P + p] += dout[(n * P + p) * (size_t)C + c];
}

static void ref_tokenmean_forward(struct backend *b, float *out, const float *in, int N, int T, int C)
{
    (void)b;
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++) {
            double sum = 0;
            for (size_t t = 0; t < (size_t)T; t++)
                sum += (double)in[(n * (size_t)T + t) * (size_t)C + c];
            out[n * (size_t)C + c] = (float)(sum / T);
        }
}

static void ref_tokenmean_backward(struct backend *b, float *din, const float *dout, int N, int T, int C)
{
    (void)b;
    for (size_t row = 0; row < (size_t)N * (size_t)T; row++)
        for (size_t c = 0; c < (size_t)C; c++)
            din[row * (size_t)C + c] += (float)((double)dout[row / (size_t)T * (size_t)C + c] / T);
}

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void ref_attention_forward(struct backend *b, float *out, float *prob, const float *q, const float *k,
                                  const float *v, int next, int boxes, int tokens, int channels, int heads)
{
    size_t N = (size_t)boxes, T = (size_t)tokens, C = (size_t)channels, H = (size_t)heads, D = C / H, S = (size_t)next;
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0; i < T; i++) {
                float *row = prob + ((n * H + h) * T + i) * T;
                for (size_t j = 0; j < T; j++)
                    row[j] = (float)(dot(q + (n * T + i) * S + h * D, k + (n * T + j) * S + h * D, D) / sqrt((double)D));
                b->softmax(b, row, row, 1, tokens);
                for (size_t d = 0; d < D; d++) {
                    double sum = 0;
                    for (size_t j = 0; j < T; j++)
                        sum += (double)row[j] * (double)v[(n * T + j) * S + h * D + d];
                    out[(n * T + i) * C + h * D + d] = (float)sum;
                }
            }
}

/* dprob = dout v'; ds = prob (dprob - sum(dprob prob)) / sqrt(D); dq += ds k, dk += ds' q, dv += prob' dout */
static void ref_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout,
                                   const float *prob, const float *q, const float *k, const float *v, int next,
                                   int boxes, int tokens, int channels, int heads)
{
    (void)b;
    size_t N = (size_t)boxes, T = (size_t)tokens, C = (size_t)channels, H = (size_t)heads, D = C / H, S = (size_t)next;
    double *ds = xalloc(T, sizeof *ds);
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0; i < T; i++) {
                const float *row = prob + ((n * H + h) * T + i) * T;
                size_t at_i = (n * T + i) * S + h * D;
                const float *g = dout + (n * T + i) * C + h * D;
                double sum = 0;
                for (size_t j = 0; j < T; j++) {
                    ds[j] = dot(g, v + (n * T + j) * S + h * D, D);
                    sum += ds[j] * (double)row[j];
                }
                for (size_t j = 0; j < T; j++) {
                    size_t at_j = (n * T + j) * S + h * D;
                    double slope = (double)row[j] * (ds[j] - sum) / sqrt((double)D);
                    for (size_t d = 0; d < D; d++) {
                        dq[at_i + d] += (float)(slope * (double)k[at_j + d]);
                        dk[at_j + d] += (float)(slope * (double)q[at_i + d]);
                        dv[at_j + d] += row[j] * g[d];
                    }
                }
            }
    free(ds);
}

void ref_add_attention(struct backend *b)
{
    b->softmax_backward = ref_softmax_backward;
    b->tokens_forward = ref_tokens_forward;
    b->tokens_backward = ref_tokens_backward;
    b->tokenmean_forward = ref_tokenmean_forward;
    b->tokenmean_backward = ref_tokenmean_backward;
    b->attention_forward = ref_attention_forward;
    b->attention_backward = ref_attention_backward;
}
