/* SPDX-License-Identifier: Apache-2.0 */
/* vicreg -- METHOD's three terms and their gradient, through the smaller of two matrices.   kernels/cpu
 *
 * Zc is one view, centred, N x K. The covariance K x K and the Gram matrix N x N, G = Zc Zc', have the same squares:
 *     cov = (|G|^2 / (N-1)^2 - sum_j v_j^2) / K      dz = 4/K (G Zc / (N-1)^2 - Zc diag(v) / (N-1))
 * so with fewer rows than columns (128 x 2048) G does it with 16 times fewer operations. Otherwise C = Zc' Zc / (N-1), its
 * diagonal put to zero, gives cov = |C|^2 / K and dz = 4/(K (N-1)) Zc C. */
#include "kernels/cpu/gemm.h"

#include <math.h>

/* Zc and v, column strips apart. */
static void centre(const struct backend *b, float *centred, double *v, const float *z, size_t N, size_t K)
{
    enum { STRIP = 16 };
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
    for (size_t j = 0; j < K; j += STRIP) {
        size_t wide = K - j < STRIP ? K - j : STRIP;
        double mean[STRIP] = {0}, squares[STRIP] = {0};
        for (size_t i = 0; i < N; i++)
            for (size_t l = 0; l < wide; l++)
                mean[l] += (double)z[i * K + j + l] / (double)N;
        for (size_t i = 0; i < N; i++)
            for (size_t l = 0; l < wide; l++) {
                double d = (double)z[i * K + j + l] - mean[l];
                centred[i * K + j + l] = (float)d;
                squares[l] += d * d;
            }
        for (size_t l = 0; l < wide; l++)
            v[j + l] = squares[l] / ((double)N - 1);
    }
}

/* through(N,K) = G Zc / (N-1)^2 - Zc diag(v) / (N-1), or Zc offdiag(C) / (N-1): the same. Returns |offdiag C|^2. */
static double covariance(struct backend *b, float *through, float *square, const float *centred, const double *v, int N,
                         int K)
{
    const float share = (float)(1 / ((double)N - 1));
    if (N < K) {
        cpu_gemm(b, square, centred, false, centred, true, N, N, K, share, 0);
        cpu_gemm(b, through, square, false, centred, false, N, K, N, share, 0);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
        for (size_t i = 0; i < (size_t)N; i++)
            for (size_t j = 0; j < (size_t)K; j++)
                through[i * (size_t)K + j] -= centred[i * (size_t)K + j] * (float)v[j] * share;
    } else {
        cpu_gemm(b, square, centred, true, centred, false, K, K, N, share, 0);
        for (size_t j = 0; j < (size_t)K; j++)
            square[j * (size_t)K + j] = 0;
        cpu_gemm(b, through, centred, false, square, false, N, K, K, share, 0);
    }
    size_t side = (size_t)(N < K ? N : K);
    double sum = 0;
    for (size_t i = 0; i < side * side; i++)
        sum += (double)square[i] * (double)square[i];
    for (size_t j = 0; N < K && j < (size_t)K; j++)
        sum -= v[j] * v[j];
    return sum > 0 ? sum : 0;
}

static void cpu_vicreg(struct backend *b, float *dz, float terms[3], const float *z, int rows, int width,
                       const float weight[3], bool literal)
{
    const size_t N = (size_t)rows, K = (size_t)width, side = N < K ? N : K;
    double *v = cpu_scratch(b, (K + N) * sizeof *v + (2 * N * K + side * side) * sizeof(float)), *row = v + K;
    float *centred = (float *)(void *)(row + N), *through = centred + N * K, *square = through + N * K;
    const double mean_over = literal ? (double)N : (double)N * (double)K, share = literal ? 1 : 0.5, dof = (double)N - 1;
    double sum[3] = {0};

    const float pull = (float)(2 * (double)weight[0] / mean_over), w_cov = (float)(4 * (double)weight[2] / (double)K);
    for (size_t view = 0; view < 2; view++) {
        const float *mine = z + view * N * K, *other = z + (1 - view) * N * K;
        float *out = dz + view * N * K;
        centre(b, centred, v, mine, N, K);
        sum[2] += covariance(b, through, square, centred, v, rows, width) / (double)K;
        for (size_t j = 0; j < K; j++) { /* v becomes the variance's slope */
            double S = sqrt(v[j] + 1e-4);
            sum[1] += fmax(0, 1 - S) / (double)K;
            v[j] = S < 1 ? (double)weight[1] * share / ((double)K * dof * S) : 0;
        }
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
        for (size_t i = 0; i < N; i++) {
            row[i] = 0;
            for (size_t j = 0; j < K; j++) {
                size_t at = i * K + j;
                double d = (double)mine[at] - (double)other[at];
                row[i] += d * d;
                out[at] = pull * (float)d - (float)v[j] * centred[at] + w_cov * through[at];
            }
        }
        for (size_t i = 0; view == 0 && i < N; i++)
            sum[0] += row[i] / mean_over;
    }
    terms[0] = (float)sum[0];
    terms[1] = (float)(share * sum[1]);
    terms[2] = (float)sum[2];
}

void cpu_add_vicreg(struct backend *b)
{
    b->vicreg = cpu_vicreg;
}
