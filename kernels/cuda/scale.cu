/* SPDX-License-Identifier: Apache-2.0 */
/* scale -- out(N,C) = in(N,C) * scale(C).   kernels/cuda      tests: ops_rows */
#include "kernels/cuda/device.cuh"

__global__ void scale_rows(float *out, const float *in, const float *scale, size_t count, int C)
{
    for (size_t i = first(); i < count; i += stride())
        out[i] = in[i] * scale[i % (size_t)C];
}

/* A block is 32 columns by 8 rows that stride down them. */
__global__ void scale_slope(float *din, float *dscale, const float *dout, const float *in, const float *scale, int N,
                            int C)
{
    int c = (int)(blockIdx.x * WARP + threadIdx.x);
    float sum = 0;
    for (int n = (int)threadIdx.y; c < C && n < N; n += (int)blockDim.y) {
        size_t i = (size_t)n * (size_t)C + (size_t)c;
        sum += dout[i] * in[i];
        if (din)
            din[i] += dout[i] * scale[c];
    }
    sum = column_sum(sum);
    if (dscale && threadIdx.y == 0 && c < C)
        dscale[c] += sum;
}

static void cuda_scale_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C)
{
    size_t count = (size_t)N * (size_t)C;
    LAUNCH(b, scale_rows, blocks_for(b, count), THREADS, out, in, scale, count, C);
}

static void cuda_scale_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                                const float *scale, int N, int C)
{
    LAUNCH(b, scale_slope, blocks_of_columns(C), COLUMN_THREADS, din, dscale, dout, in, scale, N, C);
}

void cuda_add_scale(struct backend *b)
{
    b->scale_forward = cuda_scale_forward;
    b->scale_backward = cuda_scale_backward;
}
