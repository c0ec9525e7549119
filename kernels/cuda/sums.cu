/* SPDX-License-Identifier: Apache-2.0 */
/* sums -- the length of tensors, and the factor that bounds it.   kernels/cuda
 *
 * Each block adds up its share in double; one block adds the blocks' sums in order. tests: ops_losses */
#include "kernels/cuda/device.cuh"

enum { MOST_BLOCKS = 256 };

__global__ void squares(double *part, const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = first(); i < count; i += stride())
        sum += (double)x[i] * (double)x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        part[blockIdx.x] = sum;
}

__global__ void squares_end(double *sum, const double *part, unsigned parts)
{
    double all = block_sum(threadIdx.x < parts ? part[threadIdx.x] : 0.0);
    if (threadIdx.x == 0)
        *sum += all;
}

__global__ void clip(float *scale, const double *sum, float most)
{
    double factor = (double)most / (sqrt(*sum) + 1e-6);
    *scale = factor < 1 ? (float)factor : 1;
}

static void cuda_sum_of_squares(struct backend *b, double *sum, const float *x, size_t count)
{
    unsigned parts = (unsigned)((count + 4 * THREADS - 1) / (4 * THREADS));
    parts = parts < 1             ? 1
            : parts > MOST_BLOCKS ? (unsigned)MOST_BLOCKS
                                  : parts; /* by the count alone: the same bytes on every GPU */
    double *part = (double *)cuda_scratch(b, MOST_BLOCKS * sizeof *part);
    LAUNCH(b, squares, parts, THREADS, part, x, count);
    LAUNCH(b, squares_end, 1, MOST_BLOCKS, sum, part, parts);
}

static void cuda_clip(struct backend *b, float *scale, const double *sum, float most)
{
    LAUNCH(b, clip, 1, 1, scale, sum, most);
}

void cuda_add_sums(struct backend *b)
{
    b->sum_of_squares = cuda_sum_of_squares;
    b->clip = cuda_clip;
}
