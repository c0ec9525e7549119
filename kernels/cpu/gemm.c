/* SPDX-License-Identifier: Apache-2.0 */
/* gemm -- a matrix product cut into tiles of a fixed size, each one call of OpenBLAS on one of our threads.   kernels/cpu */
#include "kernels/cpu/gemm.h"

#include <cblas.h>

enum { TALL = 256, WIDE = 128 };

void cpu_gemm(const struct backend *b, float *out, const float *left, bool left_turned, const float *right,
              bool right_turned, int rows, int columns, int inner, float alpha, float beta)
{
#pragma omp parallel for collapse(2) schedule(dynamic, 1)                                                              \
    num_threads(cpu_of(b)->threads) if ((double)rows * columns * inner > 1e6)
    for (int row = 0; row < rows; row += TALL)
        for (int column = 0; column < columns; column += WIDE) {
            const float *l = left_turned ? left + row : left + (size_t)row * (size_t)inner;
            const float *r = right_turned ? right + (size_t)column * (size_t)inner : right + column;
            cblas_sgemm(CblasRowMajor, left_turned ? CblasTrans : CblasNoTrans,
                        right_turned ? CblasTrans : CblasNoTrans, rows - row < TALL ? rows - row : TALL,
                        columns - column < WIDE ? columns - column : WIDE, inner, alpha, l, left_turned ? rows : inner,
                        r, right_turned ? inner : columns, beta, out + (size_t)row * (size_t)columns + column, columns);
        }
}
