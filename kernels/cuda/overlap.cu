/* SPDX-License-Identifier: Apache-2.0 */
/* overlap -- cosines held to shares of overlap, or to nothing: a block a row, then one block adds rows' sums.   kernels/cuda
 * tests: ops_methods */
#include "kernels/cuda/device.cuh"

__global__ void overlap_rows(float *dcosine, double *each, const float *cosine, const float *target, int C, float held,
                             float apart)
{
    const size_t n = blockIdx.x;
    double sum[2] = {0, 0};
    for (int c = (int)threadIdx.x; c < C; c += (int)blockDim.x) {
        const size_t i = n * (size_t)C + (size_t)c;
        const float x = cosine[i], t = target[i], s = x > 0 ? x : 0;
        float g = 0;
        if (t >= 0) {
            double left = 1 - fabs((double)t - (double)s) + 1e-6;
            sum[0] -= log(left);
            if (x > 0 && s != t)
                g = (float)((double)(s > t ? held : -held) / left);
        } else if (t < -1) {
            sum[1] += fabs((double)x) / 2;
            g = x > 0 ? apart : x < 0 ? -apart : 0;
        }
        dcosine[i] = g;
    }
    for (int k = 0; k < 2; k++) {
        double all = block_sum(sum[k]);
        if (threadIdx.x == 0)
            each[2 * n + (size_t)k] = all;
    }
}

__global__ void overlap_end(float *terms, const double *each, int N, float held, float apart)
{
    for (int k = 0; k < 2; k++) {
        double sum = 0;
        for (int n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
            sum += each[2 * (size_t)n + (size_t)k];
        sum = block_sum(sum);
        if (threadIdx.x == 0)
            terms[k] = (float)((double)(k ? apart : held) * sum);
    }
}

static void cuda_overlap(struct backend *b, float *dcosine, float terms[2], const float *cosine, const float *target,
                         int N, int C, const float scale[2])
{
    double *each = (double *)cuda_scratch(b, 2 * (size_t)N * sizeof *each);
    LAUNCH(b, overlap_rows, (unsigned)N, THREADS, dcosine, each, cosine, target, C, scale[0], scale[1]);
    LAUNCH(b, overlap_end, 1, THREADS, terms, each, N, scale[0], scale[1]);
}

void cuda_add_overlap(struct backend *b)
{
    b->overlap = cuda_overlap;
}
