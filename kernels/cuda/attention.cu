/* SPDX-License-Identifier: Apache-2.0 */
/* attention -- every token asks every other of its box; positions as tokens; their mean.   kernels/cuda
 *
 * A head of all boxes is one batched product of cuBLAS: its D = C/heads channels lie side by side, a box's T rows one after the
 * other. tests: ops_more */
#include "kernels/cuda/device.cuh"

/* NDHWC already is one row a position. */
template <class T> __global__ void tokens(float *out, const T *in, size_t count)
{
    for (size_t i = first(); i < count; i += stride())
        out[i] = number(in[i]);
}

template <class T> __global__ void tokens_slope(T *din, const float *dout, size_t count)
{
    for (size_t i = first(); i < count; i += stride())
        keep(&din[i], number(din[i]) + dout[i]);
}

__global__ void tokenmean(float *out, const float *in, size_t count, size_t T, size_t C)
{
    for (size_t i = first(); i < count; i += stride()) {
        float sum = 0;
        for (size_t t = 0; t < T; t++)
            sum += in[(i / C * T + t) * C + i % C];
        out[i] = sum / (float)T;
    }
}

__global__ void tokenmean_slope(float *din, const float *dout, size_t count, size_t T, size_t C)
{
    for (size_t i = first(); i < count; i += stride())
        din[i] += dout[i / (T * C) * C + i % C] / (float)T;
}

/* dprob becomes the scores' gradient: prob (dprob - sum(dprob prob)) / sqrt(D); a row is a warp's */
__global__ void scores_slope(float *dprob, const float *prob, int rows, int T, float share)
{
    int row = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (row >= rows)
        return;
    size_t at = (size_t)row * (size_t)T;
    float sum = 0;
    for (int j = lane; j < T; j += WARP)
        sum += dprob[at + j] * prob[at + j];
    sum = warp_sum(sum);
    for (int j = lane; j < T; j += WARP)
        dprob[at + j] = prob[at + j] * (dprob[at + j] - sum) * share;
}

static void cuda_tokens_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    size_t count = (size_t)N * (size_t)C * volume(dim);
    BY_PRECISION(b, tokens, blocks_for(b, count), THREADS, out, (const T *)in, count);
}

static void cuda_tokens_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    size_t count = (size_t)N * (size_t)C * volume(dim);
    BY_PRECISION(b, tokens_slope, blocks_for(b, count), THREADS, (T *)din, dout, count);
}

static void cuda_tokenmean_forward(struct backend *b, float *out, const float *in, int N, int T, int C)
{
    size_t count = (size_t)N * (size_t)C;
    LAUNCH(b, tokenmean, blocks_for(b, count), THREADS, out, in, count, (size_t)T, (size_t)C);
}

static void cuda_tokenmean_backward(struct backend *b, float *din, const float *dout, int N, int T, int C)
{
    size_t count = (size_t)N * (size_t)T * (size_t)C;
    LAUNCH(b, tokenmean_slope, blocks_for(b, count), THREADS, din, dout, count, (size_t)T, (size_t)C);
}

/* The two kinds of product of one head h, all boxes: (T,T) = a(T,D) b(T,D)', and (T,D) = a(T,T) b(T,D). */
struct head {
    int N, T, C, next, D;
    size_t square;
};
static struct head head_of(int next, int N, int T, int C, int heads)
{
    return {N, T, C, next, C / heads, (size_t)heads * (size_t)T * (size_t)T};
}
/* row_*: floats from a token to the next: C, or next */
static void between(struct backend *b, const struct head *h, float *square, const float *rows_a, int row_a,
                    const float *rows_b, int row_b, float alpha)
{
    cuda_gemm_many(b, square, h->T, h->square, rows_a, false, row_a, (size_t)h->T * (size_t)row_a, rows_b, true, row_b,
                   (size_t)h->T * (size_t)row_b, h->T, h->T, h->D, h->N, alpha, 0, cuda_of(b)->precision);
}
static void through(struct backend *b, const struct head *h, float *rows, int row, const float *square, bool transpose,
                    const float *from, int row_from, float beta)
{
    cuda_gemm_many(b, rows, row, (size_t)h->T * (size_t)row, square, transpose, h->T, h->square, from, false, row_from,
                   (size_t)h->T * (size_t)row_from, h->T, h->D, h->T, h->N, 1, beta, cuda_of(b)->precision);
}

static void cuda_attention_forward(struct backend *b, float *out, float *prob, const float *q, const float *k,
                                   const float *v, int next, int N, int T, int C, int heads)
{
    const struct head h = head_of(next, N, T, C, heads);
    for (int i = 0; i < heads; i++)
        between(b, &h, prob + (size_t)i * (size_t)T * (size_t)T, q + i * h.D, next, k + i * h.D, next,
                1 / sqrtf((float)h.D));
    b->softmax(b, prob, prob, N * heads * T, T);
    for (int i = 0; i < heads; i++)
        through(b, &h, out + i * h.D, C, prob + (size_t)i * (size_t)T * (size_t)T, false, v + i * h.D, next, 0);
}

/* dprob = dout v'; ds = prob (dprob - sum(dprob prob)) / sqrt(D); dq += ds k, dk += ds' q, dv += prob' dout */
static void cuda_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout,
                                    const float *prob, const float *q, const float *k, const float *v, int next, int N,
                                    int T, int C, int heads)
{
    const struct head h = head_of(next, N, T, C, heads);
    float *ds = (float *)cuda_scratch(b, (size_t)N * h.square * sizeof *ds);
    for (int i = 0; i < heads; i++)
        between(b, &h, ds + (size_t)i * (size_t)T * (size_t)T, dout + i * h.D, C, v + i * h.D, next, 1);
    LAUNCH(b, scores_slope, blocks_of_rows(N * heads * T), THREADS, ds, prob, N * heads * T, T, 1 / sqrtf((float)h.D));
    for (int i = 0; i < heads; i++) {
        const size_t square = (size_t)i * (size_t)T * (size_t)T;
        through(b, &h, dq + i * h.D, next, ds + square, false, k + i * h.D, next, 1);
        through(b, &h, dk + i * h.D, next, ds + square, true, q + i * h.D, next, 1);
        through(b, &h, dv + i * h.D, next, prob + square, true, dout + i * h.D, C, 1);
    }
}

void cuda_add_attention(struct backend *b)
{
    b->tokens_forward = cuda_tokens_forward;
    b->tokens_backward = cuda_tokens_backward;
    b->tokenmean_forward = cuda_tokenmean_forward;
    b->tokenmean_backward = cuda_tokenmean_backward;
    b->attention_forward = cuda_attention_forward;
    b->attention_backward = cuda_attention_backward;
}
