/* SPDX-License-Identifier: Apache-2.0 */
/* microkernel_avx512 -- tiles of 12 rows x 32 channels in 24 of 32 registers.   kernels/cpu */
#ifdef __x86_64__
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,prefer-vector-width=512")
#endif
#define VEC_BYTES     64
#define ROWS          12
#define BLOCKS        2
#define ROWS_TOGETHER 60
#include "kernels/cpu/inner_loops.h"

const struct microkernels microkernels_avx512 = MICROKERNELS_TABLE("AVX-512");
