/* SPDX-License-Identifier: Apache-2.0 */
/* activation -- ReLU, GELU (exact), softmax.   kernels/cuda
 *
 * A row of a softmax is a warp's: 32 lanes stride over it, and shuffles join what they have. tests: ops_rows, ops_more */
#include "kernels/cuda/elementwise.cuh"

struct relu {
    __device__ static float of(float x)
    {
        return x < 0 ? 0 : x;
    } /* NaN stays */
    __device__ static float back(float dout, float out)
    {
        return out > 0 ? dout : 0;
    }
};

/* x Phi(x) */
struct gelu {
    __device__ static float cdf(float x)
    {
        return 0.5f * erfcf(-x * 0.70710678f);
    }
    __device__ static float of(float x)
    {
        return x * cdf(x);
    }
    __device__ static float back(float dout, float in)
    {
        return dout * (cdf(in) + in * 0.39894228f * expf(-0.5f * in * in));
    }
};

__global__ void softmax(float *out, const float *in, int N, int C)
{
    int n = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (n >= N)
        return;
    const float *x = in + (size_t)n * (size_t)C;
    float *y = out + (size_t)n * (size_t)C;
    float top = x[0], sum = 0; /* every lane begins with a number of the row: a lane without any changes nothing */
    for (int c = lane; c < C; c += WARP)
        top = fmaxf(top, x[c]);
    top = warp_max(top);
    for (int c = lane; c < C; c += WARP)
        sum += expf(x[c] - top);
    sum = warp_sum(sum);
    for (int c = lane; c < C; c += WARP)
        y[c] = expf(x[c] - top) / sum; /* out may be in */
}

/* din += out (dout - sum(dout out)) */
__global__ void softmax_slope(float *din, const float *dout, const float *out, int N, int C)
{
    int n = (int)(first() / WARP), lane = (int)threadIdx.x % WARP;
    if (n >= N)
        return;
    size_t row = (size_t)n * (size_t)C;
    float sum = 0;
    for (int c = lane; c < C; c += WARP)
        sum += dout[row + c] * out[row + c];
    sum = warp_sum(sum);
    for (int c = lane; c < C; c += WARP)
        din[row + c] += out[row + c] * (dout[row + c] - sum);
}

static void cuda_softmax(struct backend *b, float *out, const float *in, int N, int C)
{
    LAUNCH(b, softmax, blocks_of_rows(N), THREADS, out, in, N, C);
}

static void cuda_softmax_backward(struct backend *b, float *din, const float *dout, const float *out, int N, int C)
{
    LAUNCH(b, softmax_slope, blocks_of_rows(N), THREADS, din, dout, out, N, C);
}

void cuda_add_activation(struct backend *b)
{
    b->relu_forward = run_one<relu>;
    b->relu_backward = run_back<relu>;
    b->gelu_forward = run_one<gelu>;
    b->gelu_backward = run_back<gelu>;
    b->softmax = cuda_softmax;
    b->softmax_backward = cuda_softmax_backward;
}
