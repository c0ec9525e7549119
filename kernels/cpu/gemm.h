/* SPDX-License-Identifier: Apache-2.0 */
/* gemm -- the plain matrix product behind linear and vicreg.   kernels/cpu */
#ifndef PETREL_KERNELS_CPU_GEMM_H
#define PETREL_KERNELS_CPU_GEMM_H
#include "kernels/cpu/cpu.h"

/* out(rows,columns) = alpha left(rows,inner) right(inner,columns) + beta out; a turned matrix lies transposed. With beta 0
 * out is only written. */
void cpu_gemm(const struct backend *b, float *out, const float *left, bool left_turned, const float *right,
              bool right_turned, int rows, int columns, int inner, float alpha, float beta);

#endif
