/* SPDX-License-Identifier: Apache-2.0 */
/* sinkhorn -- columns' and rows' sums in turn, as factors (kernels/cpu/sinkhorn.c).   kernels/cuda      tests: ops_methods */
#include "kernels/cuda/device.cuh"

__global__ void sinkhorn_begin(double *e, double *row, const float *scores, int N, int K, double eps)
{
    size_t count = (size_t)N * (size_t)K;
    float top = -3e38f;
    for (size_t i = threadIdx.x; i < count; i += blockDim.x)
        top = fmaxf(top, scores[i]);
    top = block_max(top);
    for (size_t i = threadIdx.x; i < count; i += blockDim.x)
        e[i] = exp(((double)scores[i] - (double)top) / eps);
    for (int n = (int)threadIdx.x; n < N; n += (int)blockDim.x)
        row[n] = 1;
}

__global__ void sinkhorn_columns(double *column, const double *row, const double *e, int N, int K)
{
    for (size_t k = first(); k < (size_t)K; k += stride()) {
        double sum = 0;
        for (int n = 0; n < N; n++)
            sum += row[n] * e[(size_t)n * (size_t)K + k];
        column[k] = sum > 0 ? 1 / (sum * (double)K) : 0;
    }
}

__global__ void sinkhorn_rows(double *row, const double *column, const double *e, int N, int K)
{
    const double *mine = e + (size_t)blockIdx.x * (size_t)K;
    double sum = 0;
    for (int k = (int)threadIdx.x; k < K; k += (int)blockDim.x)
        sum += mine[k] * column[k];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        row[blockIdx.x] = sum > 0 ? 1 / (sum * (double)N) : 0;
}

__global__ void sinkhorn_end(float *q, const double *row, const double *column, const double *e, int N, int K)
{
    size_t count = (size_t)N * (size_t)K, width = (size_t)K;
    for (size_t i = first(); i < count; i += stride())
        q[i] = (float)(row[i / width] * e[i] * column[i % width] * (double)N);
}

static void cuda_sinkhorn(struct backend *b, float *q, const float *scores, int N, int K, float eps, int rounds)
{
    size_t count = (size_t)N * (size_t)K;
    double *e = (double *)cuda_scratch(b, (count + (size_t)N + (size_t)K) * sizeof *e), *row = e + count,
           *column = row + N;
    LAUNCH(b, sinkhorn_begin, 1, THREADS, e, row, scores, N, K, (double)eps);
    for (int round = 0; round < rounds; round++) {
        LAUNCH(b, sinkhorn_columns, blocks_for(b, (size_t)K), THREADS, column, row, e, N, K);
        LAUNCH(b, sinkhorn_rows, (unsigned)N, THREADS, row, column, e, N, K);
    }
    LAUNCH(b, sinkhorn_end, blocks_for(b, count), THREADS, q, row, column, e, N, K);
}

void cuda_add_sinkhorn(struct backend *b)
{
    b->sinkhorn = cuda_sinkhorn;
}
