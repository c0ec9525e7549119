/* SPDX-License-Identifier: Apache-2.0 */
/* slice -- some channels that lie side by side, of rows or of an image.   kernels/cuda      tests: ops_more */
#include "kernels/cuda/device.cuh"

/* out(r,k) = in(r,first+k); r: rows, or positions of boxes, for channels lie innermost in both */
template <class T> __global__ void slice(T *out, const T *in, size_t numbers, size_t C, size_t from, size_t kept)
{
    for (size_t i = first(); i < numbers; i += stride())
        out[i] = in[i / kept * C + from + i % kept];
}

template <class T>
__global__ void slice_slope(T *din, const T *dout, size_t numbers, size_t C, size_t from, size_t kept)
{
    for (size_t i = first(); i < numbers; i += stride()) {
        T *to = &din[i / kept * C + from + i % kept];
        keep(to, number(*to) + number(dout[i]));
    }
}

static void cuda_slice_forward(struct backend *b, float *out, const float *in, int N, int C, int first, int count,
                               const int dim[3], enum layout layout)
{
    size_t numbers = (size_t)N * (size_t)count * (layout == IMAGE ? volume(dim) : 1);
    size_t channels = (size_t)C, from = (size_t)first, kept = (size_t)count;
    if (is_narrow(b, layout))
        LAUNCH(b, slice<bf16>, blocks_for(b, numbers), THREADS, (bf16 *)out, (const bf16 *)in, numbers, channels, from,
               kept);
    else
        LAUNCH(b, slice<float>, blocks_for(b, numbers), THREADS, out, in, numbers, channels, from, kept);
    if (layout == IMAGE)
        cuda_end_image(b, out, numbers);
}

static void cuda_slice_backward(struct backend *b, float *din, const float *dout, int N, int C, int first, int count,
                                const int dim[3], enum layout layout)
{
    size_t numbers = (size_t)N * (size_t)count * (layout == IMAGE ? volume(dim) : 1);
    size_t channels = (size_t)C, from = (size_t)first, kept = (size_t)count;
    if (is_narrow(b, layout))
        LAUNCH(b, slice_slope<bf16>, blocks_for(b, numbers), THREADS, (bf16 *)din, (const bf16 *)dout, numbers,
               channels, from, kept);
    else
        LAUNCH(b, slice_slope<float>, blocks_for(b, numbers), THREADS, din, dout, numbers, channels, from, kept);
}

void cuda_add_slice(struct backend *b)
{
    b->slice_forward = cuda_slice_forward;
    b->slice_backward = cuda_slice_backward;
}
