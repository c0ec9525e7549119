/* SPDX-License-Identifier: Apache-2.0 */
/* concat -- two row vectors side by side.   kernels/cuda      tests: ops_rows */
#include "kernels/cuda/device.cuh"

__global__ void concat(float *out, const float *in_a, const float *in_b, size_t count, int A, int B)
{
    for (size_t i = first(); i < count; i += stride()) {
        size_t n = i / (size_t)(A + B), c = i % (size_t)(A + B);
        out[i] = c < (size_t)A ? in_a[n * (size_t)A + c] : in_b[n * (size_t)B + c - (size_t)A];
    }
}

__global__ void concat_slope(float *din_a, float *din_b, const float *dout, size_t count, int A, int B)
{
    for (size_t i = first(); i < count; i += stride()) {
        size_t n = i / (size_t)(A + B), c = i % (size_t)(A + B);
        float *to = c < (size_t)A ? din_a : din_b;
        if (to)
            to[c < (size_t)A ? n * (size_t)A + c : n * (size_t)B + c - (size_t)A] += dout[i];
    }
}

static void cuda_concat_forward(struct backend *b, float *out, const float *in_a, const float *in_b, int N, int A, int B)
{
    size_t count = (size_t)N * (size_t)(A + B);
    LAUNCH(b, concat, blocks_for(b, count), THREADS, out, in_a, in_b, count, A, B);
}

static void cuda_concat_backward(struct backend *b, float *din_a, float *din_b, const float *dout, int N, int A, int B)
{
    size_t count = (size_t)N * (size_t)(A + B);
    LAUNCH(b, concat_slope, blocks_for(b, count), THREADS, din_a, din_b, dout, count, A, B);
}

void cuda_add_concat(struct backend *b)
{
    b->concat_forward = cuda_concat_forward;
    b->concat_backward = cuda_concat_backward;
}
