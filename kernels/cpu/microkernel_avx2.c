/* SPDX-License-Identifier: Apache-2.0 */
/* microkernel_avx2 -- tiles of 6 rows x 16 channels in 12 of 16 registers.   kernels/cpu */
#ifdef __x86_64__
#pragma GCC target("avx2,fma")
#endif
#define VEC_BYTES     32
#define ROWS          6
#define BLOCKS        1
#define ROWS_TOGETHER 48
#include "kernels/cpu/inner_loops.h"

const struct microkernels microkernels_avx2 = MICROKERNELS_TABLE("AVX2");
