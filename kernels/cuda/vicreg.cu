/* SPDX-License-Identifier: Apache-2.0 */
/* vicreg -- METHOD's three terms and their gradient, through the smaller of two matrices.   kernels/cuda
 *
 * Zc is one view, centred, N x K. The covariance K x K and the Gram matrix N x N, G = Zc Zc', have the same squares:
 *     cov = (|G|^2 / (N-1)^2 - sum_j v_j^2) / K      dz = 4/K (G Zc / (N-1)^2 - Zc diag(v) / (N-1))
 * so with fewer rows than columns (128 x 2048) G does it with 16 times fewer operations. Otherwise C = Zc' Zc / (N-1), its
 * diagonal put to zero, gives cov = |C|^2 / K and dz = 4/(K (N-1)) Zc C. Both views at once, in float32 in either precision;
 * sums in double. tests: ops_losses */
#include "kernels/cuda/device.cuh"

/* Zc and v of 32 columns of a view; Zc[view][N][K], v[view][K] */
__global__ void centre(float *centred, float *v, const float *z, int N, int K)
{
    const int j = (int)(blockIdx.x * WARP + threadIdx.x);
    const size_t view = (size_t)blockIdx.y * (size_t)N * (size_t)K;
    float sum = 0, squares = 0,
          about = j < K ? z[view + (size_t)j] : 0; /* about one of them: a mean far from 0 costs nothing */
    for (int i = (int)threadIdx.y; j < K && i < N; i += (int)blockDim.y)
        sum += z[view + (size_t)i * (size_t)K + (size_t)j] - about;
    const float mean = about + column_sum(sum) / (float)N;
    __syncthreads(); /* the column's memory is used again */
    for (int i = (int)threadIdx.y; j < K && i < N; i += (int)blockDim.y) {
        size_t at = view + (size_t)i * (size_t)K + (size_t)j;
        float d = z[at] - mean;
        centred[at] = d;
        squares += d * d;
    }
    squares = column_sum(squares);
    if (threadIdx.y == 0 && j < K)
        v[blockIdx.y * (unsigned)K + (unsigned)j] = squares / (float)(N - 1);
}

__global__ void no_diagonal(float *square, int side)
{
    for (size_t i = first(); i < 2 * (size_t)side; i += stride())
        square[i / (size_t)side * (size_t)side * (size_t)side + i % (size_t)side * (size_t)(side + 1)] = 0;
}

struct weights {
    float pull, spread, cov, own;
}; /* what multiplies za - zb; Zc/S; the covariance's slope; Zc v in it */

/* A block is a row of both views. dz comes as G Zc or Zc C, and is finished; row: the sum of (za - zb)^2 */
__global__ void vicreg_slope(float *dz, double *row, const float *z, const float *centred, const float *v, int N, int K,
                             struct weights w)
{
    const size_t side = (size_t)N * (size_t)K, i = (size_t)blockIdx.x % (size_t)N, view = (size_t)blockIdx.x / (size_t)N;
    double pulled = 0;
    for (size_t j = threadIdx.x; j < (size_t)K; j += blockDim.x) {
        const size_t at = view * side + i * (size_t)K + j, other = (1 - view) * side + i * (size_t)K + j;
        const float d = z[at] - z[other], variance = v[view * (size_t)K + j], S = sqrtf(variance + 1e-4f);
        pulled += (double)d * (double)d;
        dz[at] =
            w.pull * d - (S < 1 ? w.spread * centred[at] / S : 0) + w.cov * (dz[at] - w.own * centred[at] * variance);
    }
    pulled = block_sum(pulled);
    if (threadIdx.x == 0)
        row[blockIdx.x] = pulled;
}

/* A block is a row of one view's square. */
__global__ void row_squares(double *row, const float *square, int side)
{
    double sum = 0;
    for (size_t j = threadIdx.x; j < (size_t)side; j += blockDim.x) {
        double s = (double)square[(size_t)blockIdx.x * (size_t)side + j];
        sum += s * s;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        row[blockIdx.x] = sum;
}

/* One block. gram: v's squares are in the square, and leave it. */
__global__ void vicreg_terms(float *terms, const double *pulled, const double *squares, const float *v, int N, int K,
                             int side, bool gram, double mean_over, double share)
{
    double sum[3] = {0, 0, 0};
    for (int i = (int)threadIdx.x; i < N; i += (int)blockDim.x)
        sum[0] += pulled[i];
    for (int j = (int)threadIdx.x; j < 2 * K; j += (int)blockDim.x) {
        double S = sqrt((double)v[j] + 1e-4);
        sum[1] += S < 1 ? 1 - S : 0;
        sum[2] -= gram ? (double)v[j] * (double)v[j] : 0;
    }
    for (int i = (int)threadIdx.x; i < 2 * side; i += (int)blockDim.x)
        sum[2] += squares[i];
    for (int k = 0; k < 3; k++)
        sum[k] = block_sum(sum[k]);
    if (threadIdx.x == 0) {
        terms[0] = (float)(sum[0] / mean_over);
        terms[1] = (float)(share * sum[1] / K);
        terms[2] = (float)((sum[2] > 0 ? sum[2] : 0) / K);
    }
}

static void cuda_vicreg(struct backend *b, float *dz, float terms[3], const float *z, int N, int K,
                        const float weight[3], bool literal)
{
    const bool gram = N < K;
    const int side = gram ? N : K;
    const size_t NK = (size_t)N * (size_t)K, area = (size_t)side * (size_t)side;
    const double mean_over = literal ? (double)N : (double)N * (double)K, share = literal ? 1 : 0.5, dof = (double)N - 1;

    double *pulled = (double *)cuda_scratch(b, (size_t)(2 * N + 2 * side) * sizeof *pulled +
                                                   (2 * NK + 2 * area + 2 * (size_t)K) * sizeof(float));
    double *squares = pulled + 2 * N;
    float *centred = (float *)(squares + 2 * side), *square = centred + 2 * NK, *v = square + 2 * area;

    LAUNCH(b, centre, dim3(blocks_of_columns(K), 2), COLUMN_THREADS, centred, v, z, N, K);
    /* square = Zc Zc' / (N-1) or Zc' Zc / (N-1); dz = square Zc or Zc square: for now what the covariance pulls */
    if (gram) {
        cuda_gemm_many(b, square, N, area, centred, false, K, NK, centred, true, K, NK, N, N, K, 2, (float)(1 / dof), 0,
                       FLOAT32);
        cuda_gemm_many(b, dz, K, NK, square, false, N, area, centred, false, K, NK, N, K, N, 2, 1, 0, FLOAT32);
    } else {
        cuda_gemm_many(b, square, K, area, centred, true, K, NK, centred, false, K, NK, K, K, N, 2, (float)(1 / dof), 0,
                       FLOAT32);
        LAUNCH(b, no_diagonal, blocks_for(b, 2 * (size_t)side), THREADS, square, side);
        cuda_gemm_many(b, dz, K, NK, centred, false, K, NK, square, false, K, area, N, K, K, 2, 1, 0, FLOAT32);
    }
    const struct weights w = {(float)(2 * (double)weight[0] / mean_over),
                              (float)((double)weight[1] * share / ((double)K * dof)),
                              (float)(4 * (double)weight[2] / ((double)K * dof)), gram ? 1.0f : 0.0f};
    LAUNCH(b, vicreg_slope, (unsigned)(2 * N), THREADS, dz, pulled, z, centred, v, N, K, w);
    LAUNCH(b, row_squares, (unsigned)(2 * side), THREADS, squares, square, side);
    LAUNCH(b, vicreg_terms, 1, THREADS, terms, pulled, squares, v, N, K, side, gram, mean_over, share);
}

void cuda_add_vicreg(struct backend *b)
{
    b->vicreg = cuda_vicreg;
}
