/* SPDX-License-Identifier: Apache-2.0 */
/* enqueue -- rows into a ring, round its end.   kernels/cuda      tests: ops_methods */
#include "kernels/cuda/device.cuh"

__global__ void enqueue(float *ring, const float *at, const float *rows, size_t count, int C, int capacity)
{
    const size_t width = (size_t)C, begin = (size_t)*at;
    for (size_t i = first(); i < count; i += stride())
        ring[(begin + i / width) % (size_t)capacity * width + i % width] = rows[i];
}

__global__ void enqueue_end(float *at, int N, int capacity)
{
    *at = (float)(((size_t)*at + (size_t)N) % (size_t)capacity);
}

static void cuda_enqueue(struct backend *b, float *ring, float *at, const float *rows, int N, int C, int capacity)
{
    size_t count = (size_t)N * (size_t)C;
    LAUNCH(b, enqueue, blocks_for(b, count), THREADS, ring, at, rows, count, C, capacity);
    LAUNCH(b, enqueue_end, 1, 1, at, N, capacity);
}

void cuda_add_enqueue(struct backend *b)
{
    b->enqueue = cuda_enqueue;
}
