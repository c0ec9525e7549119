/* SPDX-License-Identifier: Apache-2.0 */
/* sinkhorn -- columns' and rows' sums in turn, as factors: the matrix itself is written once, at the end.   kernels/cpu
 *
 * p(n,k) = row(n) e(n,k) column(k), e = exp((scores - top) / eps), kept in double: with eps 0.05 it spans 17 powers of ten. */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void columns_find(double *column, const double *row, const double *e, size_t N, size_t K)
{
    for (size_t k = 0; k < K; k++)
        column[k] = 0;
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < K; k++)
            column[k] += row[n] * e[n * K + k];
    for (size_t k = 0; k < K; k++)
        column[k] = column[k] > 0 ? 1 / (column[k] * (double)K) : 0;
}

static void rows_find(double *row, const double *column, const double *e, size_t N, size_t K, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads) if (N * K > WORTH)
    for (size_t n = 0; n < N; n++) {
        double sum = 0;
        for (size_t k = 0; k < K; k++)
            sum += e[n * K + k] * column[k];
        row[n] = sum > 0 ? 1 / (sum * (double)N) : 0;
    }
}

static void cpu_sinkhorn(struct backend *b, float *q, const float *scores, int rows, int width, float eps, int rounds)
{
    size_t N = (size_t)rows, K = (size_t)width;
    double *e = cpu_scratch(b, (N * K + N + K) * sizeof *e), *row = e + N * K, *column = row + N;
    float top = scores[0];
    for (size_t i = 1; i < N * K; i++)
        top = fmaxf(top, scores[i]);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
    for (size_t i = 0; i < N * K; i++)
        e[i] = exp(((double)scores[i] - (double)top) / (double)eps);
    for (size_t n = 0; n < N; n++)
        row[n] = 1;
    for (size_t k = 0; k < K; k++)
        column[k] = 1;
    for (int round = 0; round < rounds; round++) {
        columns_find(column, row, e, N, K);
        rows_find(row, column, e, N, K, cpu_of(b)->threads);
    }
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < K; k++)
            q[n * K + k] = (float)(row[n] * e[n * K + k] * column[k] * (double)N);
}

void cpu_add_sinkhorn(struct backend *b)
{
    b->sinkhorn = cpu_sinkhorn;
}
