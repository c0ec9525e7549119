/* SPDX-License-Identifier: Apache-2.0 */
/* device -- what kernels share: numbers of an image, 16 bytes at a time, sums over a block.   kernels/cuda */
#ifndef PETREL_KERNELS_CUDA_DEVICE_CUH
#define PETREL_KERNELS_CUDA_DEVICE_CUH
#include "kernels/cuda/cuda.h"

#include <cuda_bf16.h>

typedef __nv_bfloat16 bf16;

enum { THREADS = 256, WARP = 32 };

/* T is how an image is kept: float or bf16. Arithmetic is float. */
__device__ static inline float number(float x)
{
    return x;
}
__device__ static inline float number(bf16 x)
{
    return __bfloat162float(x);
}
__device__ static inline void keep(float *to, float x)
{
    *to = x;
}
__device__ static inline void keep(bf16 *to, float x)
{
    *to = __float2bfloat16(x);
}

/* 16 bytes of an image at once: 4 float or 8 bf16. */
template <class T> struct alignas(16) pack {
    static const int size = 16 / (int)sizeof(T);
    T at[size];
};

/* Is this layout kept in bfloat16? */
static inline bool is_narrow(struct backend *b, enum layout layout)
{
    return layout == IMAGE && cuda_of(b)->precision == BFLOAT16;
}

/* Numbers in `floats` floats of an image, and how many floats numbers take. */
static inline size_t numbers_in(struct backend *b, enum layout layout, size_t floats)
{
    return is_narrow(b, layout) ? 2 * floats : floats;
}

/* LAUNCH of kernel<T>, T being how this back end keeps images; arguments may say T. */
#define BY_PRECISION(b, kernel, blocks, threads, ...)                                                                  \
    do {                                                                                                               \
        if (is_narrow((b), IMAGE)) {                                                                                   \
            typedef bf16 T;                                                                                            \
            LAUNCH(b, kernel<T>, blocks, threads, __VA_ARGS__);                                                        \
        } else {                                                                                                       \
            typedef float T;                                                                                           \
            LAUNCH(b, kernel<T>, blocks, threads, __VA_ARGS__);                                                        \
        }                                                                                                              \
    } while (0)

static inline size_t volume(const int dim[3])
{
    return (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
}

/* Blocks that cover `count` with THREADS threads each: enough to fill the GPU; kernels stride over the rest. */
static inline unsigned blocks_for(struct backend *b, size_t count)
{
    size_t blocks = (count + THREADS - 1) / THREADS, most = (size_t)cuda_of(b)->processors * 16;
    return (unsigned)(blocks < 1 ? 1 : blocks < most ? blocks : most);
}
/* for (size_t i = first(); i < count; i += stride()) */
__device__ static inline size_t first()
{
    return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}
__device__ static inline size_t stride()
{
    return (size_t)gridDim.x * blockDim.x;
}

/* Over a warp, all of whose lanes must call; each gets it. */
__device__ static inline float warp_sum(float x)
{
    for (int step = WARP / 2; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    return x;
}
__device__ static inline float warp_max(float x)
{
    for (int step = WARP / 2; step > 0; step /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, step));
    return x;
}
/* Blocks for kernels whose warps each take a row. */
static inline unsigned blocks_of_rows(int rows)
{
    return (unsigned)((rows + THREADS / WARP - 1) / (THREADS / WARP));
}

/* Kernels that sum columns: a block is 32 columns (x) by 8 threads (y) that stride down each. */
#define COLUMN_THREADS dim3(WARP, THREADS / WARP)
static inline unsigned blocks_of_columns(int columns)
{
    return (unsigned)((columns + WARP - 1) / WARP);
}
/* Sum over a column's 8 threads, in order; row 0 gets it. Every thread of the block must call it, once. */
__device__ static inline float column_sum(float x)
{
    __shared__ float part[THREADS / WARP][WARP];
    part[threadIdx.y][threadIdx.x] = x;
    __syncthreads();
    float sum = 0;
    for (unsigned y = 0; y < THREADS / WARP; y++)
        sum += part[y][threadIdx.x];
    return sum;
}

/* Sum over a block of at most 1024 threads, a multiple of 32, in a fixed order; every thread gets it. V: float or double.
 * Begins and ends with a barrier: every thread of the block must call it. */
template <class V> __device__ static V block_sum(V x)
{
    __shared__ V part[WARP];
    for (int step = WARP / 2; step > 0; step /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, step);
    __syncthreads(); /* the last call's readers are done */
    if (threadIdx.x % WARP == 0)
        part[threadIdx.x / WARP] = x;
    __syncthreads();
    V sum = 0;
    for (unsigned w = 0; w < blockDim.x / WARP; w++)
        sum += part[w];
    return sum;
}

/* Likewise the largest. */
__device__ static inline float block_max(float x)
{
    __shared__ float part[WARP];
    x = warp_max(x);
    __syncthreads();
    if (threadIdx.x % WARP == 0)
        part[threadIdx.x / WARP] = x;
    __syncthreads();
    float top = part[0];
    for (unsigned w = 1; w < blockDim.x / WARP; w++)
        top = fmaxf(top, part[w]);
    return top;
}

#endif
