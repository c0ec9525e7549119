/* SPDX-License-Identifier: Apache-2.0 */
/* regroup -- a block a row finds its group, a block a group follows its rows, in order.   kernels/cuda      tests: ops_methods */
#include "kernels/cuda/device.cuh"

__global__ void regroup_rows(float *onehot, const float *scores, int K)
{
    const float *x = scores + (size_t)blockIdx.x * (size_t)K;
    float top = -3e38f, where = -3e38f; /* where: minus the number of the first that is largest */
    for (int k = (int)threadIdx.x; k < K; k += (int)blockDim.x)
        top = fmaxf(top, x[k]);
    top = block_max(top);
    for (int k = (int)threadIdx.x; k < K; k += (int)blockDim.x)
        where = x[k] == top ? fmaxf(where, -(float)k) : where;
    where = block_max(where);
    for (int k = (int)threadIdx.x; k < K; k += (int)blockDim.x)
        onehot[(size_t)blockIdx.x * (size_t)K + (size_t)k] = -(float)k == where ? 1.0f : 0.0f;
}

__global__ void regroup_groups(float *to, float *share, const float *onehot, const float *rows, const float *from,
                               int N, int K, int C, float rate)
{
    const size_t k = blockIdx.x, groups = (size_t)K, width = (size_t)C;
    double count = 0;
    for (int n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        count += (double)onehot[(size_t)n * groups + k];
    count = block_sum(count);
    const float each = count > 0 ? rate / (float)count : 0, keep = count > 0 ? 1 - rate : 1;
    for (int n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        share[(size_t)n * groups + k] = each * onehot[(size_t)n * groups + k];
    for (int c = (int)threadIdx.x; c < C; c += (int)blockDim.x) {
        float x = keep * from[k * width + (size_t)c];
        for (int n = 0; n < N; n++)
            if (onehot[(size_t)n * groups + k] > 0)
                x += each * rows[(size_t)n * width + (size_t)c];
        to[k * width + (size_t)c] = x;
    }
}

static void cuda_regroup(struct backend *b, float *to, float *share, float *onehot, const float *scores,
                         const float *rows, const float *from, int N, int K, int C, float rate)
{
    LAUNCH(b, regroup_rows, (unsigned)N, THREADS, onehot, scores, K);
    if (to)
        LAUNCH(b, regroup_groups, (unsigned)K, THREADS, to, share, onehot, rows, from, N, K, C, rate);
}

void cuda_add_regroup(struct backend *b)
{
    b->regroup = cuda_regroup;
}
