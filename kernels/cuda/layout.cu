/* SPDX-License-Identifier: Apache-2.0 */
/* layout -- [N][C][D][H][W] outside, [N][D][H][W][C] here; weights [O][C][taps] outside, [O][taps][C] here.   kernels/cuda
 * tests: ops_image */
#include "kernels/cuda/device.cuh"

#include <stdlib.h>

static size_t cuda_image_size(struct backend *b, int N, int C, const int dim[3])
{
    size_t count = (size_t)N * (size_t)C * volume(dim);
    return is_narrow(b, IMAGE) ? (count + 1) / 2 : count;
}

void cuda_end_image(struct backend *b, float *image, size_t count)
{
    if (is_narrow(b, IMAGE) && count % 2)
        CUDA(cudaMemsetAsync((bf16 *)image + count, 0, sizeof(bf16), cuda_of(b)->stream));
}

/* image(N,P,C) = host(N,C,P), both on the device; `count` = N C P */
template <class T> __global__ void image_from(T *image, const float *host, size_t count, int C, size_t P)
{
    for (size_t i = first(); i < count; i += stride()) {
        size_t c = i % (size_t)C, p = i / (size_t)C % P, n = i / (size_t)C / P;
        keep(&image[i], host[(n * (size_t)C + c) * P + p]);
    }
}

template <class T> __global__ void image_to(float *host, const T *image, size_t count, int C, size_t P)
{
    for (size_t i = first(); i < count; i += stride()) {
        size_t p = i % P, c = i / P % (size_t)C, n = i / P / (size_t)C;
        host[i] = number(image[(n * P + p) * (size_t)C + c]);
    }
}

void cuda_image_from(struct backend *b, float *image, const float *plain, int N, int C, const int dim[3])
{
    size_t P = volume(dim), count = (size_t)N * (size_t)C * P;
    BY_PRECISION(b, image_from, blocks_for(b, count), THREADS, (T *)image, plain, count, C, P);
    cuda_end_image(b, image, count);
}

/* One channel in float32 lies as outside; the rest passes through scratch memory. */
static void cuda_image_put(struct backend *b, float *image, const float *host, int N, int C, const int dim[3])
{
    size_t P = volume(dim), count = (size_t)N * (size_t)C * P;
    if (!is_narrow(b, IMAGE) && (C == 1 || P == 1)) {
        b->put(b, image, host, count * sizeof *host);
        return;
    }
    float *plain = (float *)cuda_scratch(b, count * sizeof *plain);
    b->put(b, plain, host, count * sizeof *host);
    cuda_image_from(b, image, plain, N, C, dim);
}

static void cuda_image_get(struct backend *b, float *host, const float *image, int N, int C, const int dim[3])
{
    size_t P = volume(dim), count = (size_t)N * (size_t)C * P;
    float *plain = (float *)cuda_scratch(b, count * sizeof *plain);
    BY_PRECISION(b, image_to, blocks_for(b, count), THREADS, plain, (const T *)image, count, C, P);
    b->get(b, host, plain, count * sizeof *host);
}

/* Weights pass seldom: they are turned on the host. */
static size_t cuda_weight_size(struct backend *b, int O, int C, int taps)
{
    (void)b;
    return (size_t)O * (size_t)C * (size_t)taps;
}

static void cuda_weight_put(struct backend *b, float *weight, const float *host, int O, int C, int taps)
{
    size_t T = (size_t)taps, inner = (size_t)C, count = (size_t)O * inner * T;
    float *turned = (float *)xalloc(count, sizeof *turned);
    for (size_t o = 0; o < (size_t)O; o++)
        for (size_t c = 0; c < inner; c++)
            for (size_t t = 0; t < T; t++)
                turned[(o * T + t) * inner + c] = host[(o * inner + c) * T + t];
    b->put(b, weight, turned, count * sizeof *turned);
    free(turned);
}

static void cuda_weight_get(struct backend *b, float *host, const float *weight, int O, int C, int taps)
{
    size_t T = (size_t)taps, inner = (size_t)C, count = (size_t)O * inner * T;
    float *turned = (float *)xalloc(count, sizeof *turned);
    b->get(b, turned, weight, count * sizeof *turned);
    for (size_t o = 0; o < (size_t)O; o++)
        for (size_t c = 0; c < inner; c++)
            for (size_t t = 0; t < T; t++)
                host[(o * inner + c) * T + t] = turned[(o * T + t) * inner + c];
    free(turned);
}

void cuda_add_layout(struct backend *b)
{
    b->image_size = cuda_image_size;
    b->image_put = cuda_image_put;
    b->image_get = cuda_image_get;
    b->weight_size = cuda_weight_size;
    b->weight_put = cuda_weight_put;
    b->weight_get = cuda_weight_get;
}
