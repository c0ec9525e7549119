/* SPDX-License-Identifier: Apache-2.0 */
/* layernorm -- each row to mean 0 and variance 1, or to length 1; a row is a warp's.   kernels/cuda      tests: ops_rows */
#include "kernels/cuda/device.cuh"

__global__ void layernorm(float *out, float *rstd, const float *in, int N, int C)
{
    int n = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (n >= N)
        return;
    const float *x = in + (size_t)n * (size_t)C;
    float sum = 0, squares = 0;
    for (int c = lane; c < C; c += WARP)
        sum += x[c];
    float mean = warp_sum(sum) / (float)C;
    for (int c = lane; c < C; c += WARP)
        squares += (x[c] - mean) * (x[c] - mean);
    float r = 1 / sqrtf(warp_sum(squares) / (float)C + 1e-5f);
    if (lane == 0)
        rstd[n] = r;
    for (int c = lane; c < C; c += WARP)
        out[(size_t)n * (size_t)C + c] = (x[c] - mean) * r;
}

/* din += rstd (dout - mean(dout) - out mean(dout out)) */
__global__ void layernorm_slope(float *din, const float *dout, const float *out, const float *rstd, int N, int C)
{
    int n = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (n >= N)
        return;
    size_t row = (size_t)n * (size_t)C;
    float sum = 0, sum_y = 0;
    for (int c = lane; c < C; c += WARP) {
        sum += dout[row + c];
        sum_y += dout[row + c] * out[row + c];
    }
    sum = warp_sum(sum) / (float)C;
    sum_y = warp_sum(sum_y) / (float)C;
    for (int c = lane; c < C; c += WARP)
        din[row + c] += rstd[n] * (dout[row + c] - sum - out[row + c] * sum_y);
}

#define SHORTEST 1e-12f

__global__ void l2norm(float *out, float *rnorm, const float *in, int N, int C)
{
    int n = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (n >= N)
        return;
    const float *x = in + (size_t)n * (size_t)C;
    float top = 0, squares = 0; /* of x / 2^k, so that neither large nor small rows leave the range of a float */
    for (int c = lane; c < C; c += WARP)
        top = fmaxf(top, fabsf(x[c]));
    int k = 0;
    frexpf(warp_max(top), &k);
    for (int c = lane; c < C; c += WARP) {
        float part = ldexpf(x[c], -k);
        squares += part * part;
    }
    float length = ldexpf(sqrtf(warp_sum(squares)), k), r = 1 / (length < SHORTEST ? SHORTEST : length);
    if (lane == 0)
        rnorm[n] = r;
    for (int c = lane; c < C; c += WARP)
        out[(size_t)n * (size_t)C + c] = x[c] * r;
}

/* din += rnorm (dout - out (dout . out)); a row shorter than the shortest was only multiplied by a constant */
__global__ void l2norm_slope(float *din, const float *dout, const float *out, const float *rnorm, int N, int C)
{
    int n = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (n >= N)
        return;
    size_t row = (size_t)n * (size_t)C;
    float r = rnorm[n], dot = 0;
    for (int c = lane; c < C; c += WARP)
        dot += dout[row + c] * out[row + c];
    dot = warp_sum(dot);
    if (!(r < 1 / SHORTEST))
        dot = 0;
    for (int c = lane; c < C; c += WARP)
        din[row + c] += r * (dout[row + c] - out[row + c] * dot);
}

static void cuda_layernorm_forward(struct backend *b, float *out, float *rstd, const float *in, int N, int C)
{
    LAUNCH(b, layernorm, blocks_of_rows(N), THREADS, out, rstd, in, N, C);
}

static void cuda_layernorm_backward(struct backend *b, float *din, const float *dout, const float *out,
                                    const float *rstd, int N, int C)
{
    LAUNCH(b, layernorm_slope, blocks_of_rows(N), THREADS, din, dout, out, rstd, N, C);
}

static void cuda_l2norm_forward(struct backend *b, float *out, float *rnorm, const float *in, int N, int C)
{
    LAUNCH(b, l2norm, blocks_of_rows(N), THREADS, out, rnorm, in, N, C);
}

static void cuda_l2norm_backward(struct backend *b, float *din, const float *dout, const float *out, const float *rnorm,
                                 int N, int C)
{
    LAUNCH(b, l2norm_slope, blocks_of_rows(N), THREADS, din, dout, out, rnorm, N, C);
}

void cuda_add_layernorm(struct backend *b)
{
    b->layernorm_forward = cuda_layernorm_forward;
    b->layernorm_backward = cuda_layernorm_backward;
    b->l2norm_forward = cuda_l2norm_forward;
    b->l2norm_backward = cuda_l2norm_backward;
}
