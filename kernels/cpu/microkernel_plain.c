/* SPDX-License-Identifier: Apache-2.0 */
/* microkernel_plain -- vectors of 16 bytes, which every 64-bit processor has; tiles of 2 rows x 16 channels.   kernels/cpu */
#define VEC_BYTES     16
#define ROWS          2
#define BLOCKS        1
#define ROWS_TOGETHER 48
#include "kernels/cpu/inner_loops.h"

const struct microkernels microkernels_plain = MICROKERNELS_TABLE("plain C");
