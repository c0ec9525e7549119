/* SPDX-License-Identifier: Apache-2.0 */
/* squares -- scale times the sum of squared differences: blocks' sums, joined in order.   kernels/cuda      tests: ops_methods */
#include "kernels/cuda/device.cuh"

enum { MOST_BLOCKS = 256 };

__global__ void squares_apart(float *dx, double *part, const float *x, const float *y, size_t count, float scale)
{
    double sum = 0;
    for (size_t i = first(); i < count; i += stride()) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
        dx[i] = (float)(2 * (double)scale * d);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        part[blockIdx.x] = sum;
}

__global__ void squares_apart_end(float *loss, const double *part, unsigned parts, float scale)
{
    double all = block_sum(threadIdx.x < parts ? part[threadIdx.x] : 0.0);
    if (threadIdx.x == 0)
        *loss = (float)((double)scale * all);
}

static void cuda_squares(struct backend *b, float *dx, float *loss, const float *x, const float *y, size_t count,
                         float scale)
{
    size_t wanted = (count + 4 * THREADS - 1) / (4 * THREADS); /* by the count alone: the same bytes on every GPU */
    unsigned parts = wanted > MOST_BLOCKS ? (unsigned)MOST_BLOCKS : (unsigned)wanted;
    double *part = (double *)cuda_scratch(b, MOST_BLOCKS * sizeof *part);
    LAUNCH(b, squares_apart, parts, THREADS, dx, part, x, y, count, scale);
    LAUNCH(b, squares_apart_end, 1, MOST_BLOCKS, loss, part, parts, scale);
}

void cuda_add_squares(struct backend *b)
{
    b->squares = cuda_squares;
}
