/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise -- one number in, one out, of either layout, 16 bytes at a time.   kernels/cuda
 *
 * F is an operation: F::of(x) or F::of(a, b) forward; F::back(dout, kept), the term that din gets, kept being what forward read or
 * wrote. */
#ifndef PETREL_KERNELS_CUDA_ELEMENTWISE_CUH
#define PETREL_KERNELS_CUDA_ELEMENTWISE_CUH
#include "kernels/cuda/device.cuh"

/* out = F(in) */
template <class F, class T> __global__ void map_one(T *out, const T *in, size_t count)
{
    const int W = pack<T>::size;
    for (size_t i = first(); i < count / W; i += stride()) {
        pack<T> x = ((const pack<T> *)in)[i];
        for (int k = 0; k < W; k++)
            keep(&x.at[k], F::of(number(x.at[k])));
        ((pack<T> *)out)[i] = x;
    }
    for (size_t i = count / W * W + first(); i < count; i += stride())
        keep(&out[i], F::of(number(in[i])));
}

/* out = F(a, b) */
template <class F, class T> __global__ void map_two(T *out, const T *in_a, const T *in_b, size_t count)
{
    const int W = pack<T>::size;
    for (size_t i = first(); i < count / W; i += stride()) {
        pack<T> a = ((const pack<T> *)in_a)[i], b = ((const pack<T> *)in_b)[i];
        for (int k = 0; k < W; k++)
            keep(&a.at[k], F::of(number(a.at[k]), number(b.at[k])));
        ((pack<T> *)out)[i] = a;
    }
    for (size_t i = count / W * W + first(); i < count; i += stride())
        keep(&out[i], F::of(number(in_a[i]), number(in_b[i])));
}

/* din += F::back(dout, kept) */
template <class F, class T> __global__ void map_back(T *din, const T *dout, const T *kept, size_t count)
{
    const int W = pack<T>::size;
    for (size_t i = first(); i < count / W; i += stride()) {
        pack<T> d = ((const pack<T> *)din)[i], g = ((const pack<T> *)dout)[i], y = ((const pack<T> *)kept)[i];
        for (int k = 0; k < W; k++)
            keep(&d.at[k], number(d.at[k]) + F::back(number(g.at[k]), number(y.at[k])));
        ((pack<T> *)din)[i] = d;
    }
    for (size_t i = count / W * W + first(); i < count; i += stride())
        keep(&din[i], number(din[i]) + F::back(number(dout[i]), number(kept[i])));
}

/* `floats` floats of a layout, as the table is called */
template <class F>
static void run_one(struct backend *b, float *out, const float *in, size_t floats, enum layout layout)
{
    size_t count = numbers_in(b, layout, floats);
    if (is_narrow(b, layout))
        LAUNCH(b, (map_one<F, bf16>), blocks_for(b, count / 8), THREADS, (bf16 *)out, (const bf16 *)in, count);
    else
        LAUNCH(b, (map_one<F, float>), blocks_for(b, count / 4), THREADS, out, in, count);
}

template <class F>
static void run_two(struct backend *b, float *out, const float *in_a, const float *in_b, size_t floats,
                    enum layout layout)
{
    size_t count = numbers_in(b, layout, floats);
    if (is_narrow(b, layout))
        LAUNCH(b, (map_two<F, bf16>), blocks_for(b, count / 8), THREADS, (bf16 *)out, (const bf16 *)in_a,
               (const bf16 *)in_b, count);
    else
        LAUNCH(b, (map_two<F, float>), blocks_for(b, count / 4), THREADS, out, in_a, in_b, count);
}

template <class F>
static void run_back(struct backend *b, float *din, const float *dout, const float *kept, size_t floats,
                     enum layout layout)
{
    size_t count = numbers_in(b, layout, floats);
    if (is_narrow(b, layout))
        LAUNCH(b, (map_back<F, bf16>), blocks_for(b, count / 8), THREADS, (bf16 *)din, (const bf16 *)dout,
               (const bf16 *)kept, count);
    else
        LAUNCH(b, (map_back<F, float>), blocks_for(b, count / 4), THREADS, din, dout, kept, count);
}

#endif
