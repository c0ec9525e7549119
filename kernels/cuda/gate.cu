/* SPDX-License-Identifier: Apache-2.0 */
/* gate -- each channel of an image times its own number, as squeeze-and-excitation does.   kernels/cuda      tests: ops_more */
#include "kernels/cuda/device.cuh"

/* out(n,p,c) = in(n,p,c) scale(n,c) */
template <class T> __global__ void gate(T *out, const T *in, const float *scale, size_t count, size_t P, size_t C)
{
    for (size_t i = first(); i < count; i += stride())
        keep(&out[i], number(in[i]) * scale[i / (P * C) * C + i % C]);
}

/* A block is one box's 32 channels, by 8 positions that stride over it. */
template <class T>
__global__ void gate_slope(T *din, float *dscale, const T *dout, const T *in, const float *scale, size_t P, int C)
{
    int c = (int)(blockIdx.x * WARP + threadIdx.x);
    size_t n = blockIdx.y;
    float sum = 0;
    for (size_t p = threadIdx.y; c < C && p < P; p += blockDim.y) {
        size_t i = (n * P + p) * (size_t)C + (size_t)c;
        float g = number(dout[i]);
        sum += g * number(in[i]);
        if (din)
            keep(&din[i], number(din[i]) + g * scale[n * (size_t)C + (size_t)c]);
    }
    sum = column_sum(sum);
    if (dscale && threadIdx.y == 0 && c < C)
        dscale[n * (size_t)C + (size_t)c] += sum;
}

static void cuda_gate_forward(struct backend *b, float *out, const float *in, const float *scale, int N, int C,
                              const int dim[3])
{
    size_t P = volume(dim), count = (size_t)N * P * (size_t)C;
    BY_PRECISION(b, gate, blocks_for(b, count), THREADS, (T *)out, (const T *)in, scale, count, P, (size_t)C);
    cuda_end_image(b, out, count);
}

static void cuda_gate_backward(struct backend *b, float *din, float *dscale, const float *dout, const float *in,
                               const float *scale, int N, int C, const int dim[3])
{
    dim3 blocks(blocks_of_columns(C), (unsigned)N);
    if (din || dscale)
        BY_PRECISION(b, gate_slope, blocks, COLUMN_THREADS, (T *)din, dscale, (const T *)dout, (const T *)in, scale,
                     volume(dim), C);
}

void cuda_add_gate(struct backend *b)
{
    b->gate_forward = cuda_gate_forward;
    b->gate_backward = cuda_gate_backward;
}
