/* SPDX-License-Identifier: Apache-2.0 */
/* lerp -- an average that follows: to += rate (from - to).   kernels/cuda      tests: ops_methods */
#include "kernels/cuda/device.cuh"

__global__ void lerp(float *to, const float *from, size_t count, const float *rate)
{
    const double by = (double)*rate;
    for (size_t i = first(); i < count; i += stride())
        to[i] = (float)((double)to[i] * (1 - by) + (double)from[i] * by);
}

static void cuda_lerp(struct backend *b, float *to, const float *from, size_t count, const float *rate)
{
    LAUNCH(b, lerp, blocks_for(b, count), THREADS, to, from, count, rate);
}

void cuda_add_lerp(struct backend *b)
{
    b->lerp = cuda_lerp;
}
