/* SPDX-License-Identifier: Apache-2.0 */
/* channels -- some channels of one array become some of another; an image as one row; one row for all boxes.   kernels/cuda
 * tests: ops_shape */
#include "kernels/cuda/device.cuh"

/* rows of `count` channels */
template <class T, bool add>
__global__ void put(T *to, size_t to_C, size_t to_at, const T *from, size_t from_C, size_t from_at, size_t each,
                    size_t count)
{
    for (size_t i = first(); i < count; i += stride()) {
        T *x = &to[i / each * to_C + to_at + i % each];
        float y = number(from[i / each * from_C + from_at + i % each]);
        keep(x, add ? number(*x) + y : y);
    }
}

template <class T>
static void put_of(struct backend *b, float *to, int to_C, int to_at, const float *from, int from_C, int from_at,
                   int each, size_t rows, bool add)
{
    const size_t count = rows * (size_t)each;
    if (add)
        LAUNCH(b, (put<T, true>), blocks_for(b, count), THREADS, (T *)to, (size_t)to_C, (size_t)to_at, (const T *)from,
               (size_t)from_C, (size_t)from_at, (size_t)each, count);
    else
        LAUNCH(b, (put<T, false>), blocks_for(b, count), THREADS, (T *)to, (size_t)to_C, (size_t)to_at, (const T *)from,
               (size_t)from_C, (size_t)from_at, (size_t)each, count);
}

static void cuda_channels_put(struct backend *b, float *to, int to_C, int to_at, const float *from, int from_C,
                              int from_at, int count, int N, const int dim[3], enum layout layout, bool add)
{
    const size_t rows = (size_t)N * (layout == IMAGE ? volume(dim) : 1);
    if (is_narrow(b, layout))
        put_of<bf16>(b, to, to_C, to_at, from, from_C, from_at, count, rows, add);
    else
        put_of<float>(b, to, to_C, to_at, from, from_C, from_at, count, rows, add);
    if (layout == IMAGE && !add)
        cuda_end_image(b, to, rows * (size_t)to_C);
}

/* out(n,c,p) = in(n,p,c) */
template <class T> __global__ void flatten(float *out, const T *in, size_t count, size_t C, size_t P)
{
    for (size_t i = first(); i < count; i += stride())
        out[i] = number(in[(i / (C * P) * P + i % P) * C + i / P % C]);
}

template <class T> __global__ void flatten_slope(T *din, const float *dout, size_t count, size_t C, size_t P)
{
    for (size_t i = first(); i < count; i += stride())
        keep(&din[i], number(din[i]) + dout[(i / (C * P) * C + i % C) * P + i / C % P]);
}

static void cuda_flatten_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    const size_t P = volume(dim), count = (size_t)N * (size_t)C * P;
    BY_PRECISION(b, flatten, blocks_for(b, count), THREADS, out, (const T *)in, count, (size_t)C, P);
}

static void cuda_flatten_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    const size_t P = volume(dim), count = (size_t)N * (size_t)C * P;
    BY_PRECISION(b, flatten_slope, blocks_for(b, count), THREADS, (T *)din, dout, count, (size_t)C, P);
}

__global__ void repeat(float *out, const float *in, size_t all, size_t count)
{
    for (size_t i = first(); i < all; i += stride())
        out[i] = in[i % count];
}

__global__ void repeat_slope(float *din, const float *dout, int N, size_t count)
{
    for (size_t i = first(); i < count; i += stride()) {
        float sum = 0;
        for (int n = 0; n < N; n++)
            sum += dout[(size_t)n * count + i];
        din[i] += sum;
    }
}

static void cuda_repeat_forward(struct backend *b, float *out, const float *in, int N, size_t count)
{
    LAUNCH(b, repeat, blocks_for(b, (size_t)N * count), THREADS, out, in, (size_t)N * count, count);
}

static void cuda_repeat_backward(struct backend *b, float *din, const float *dout, int N, size_t count)
{
    LAUNCH(b, repeat_slope, blocks_for(b, count), THREADS, din, dout, N, count);
}

void cuda_add_channels(struct backend *b)
{
    b->channels_put = cuda_channels_put;
    b->flatten_forward = cuda_flatten_forward;
    b->flatten_backward = cuda_flatten_backward;
    b->repeat_forward = cuda_repeat_forward;
    b->repeat_backward = cuda_repeat_backward;
}
