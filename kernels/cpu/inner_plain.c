/* SPDX-License-Identifier: Apache-2.0 */
/* inner_plain -- vectors of 16 bytes, which every 64-bit processor has; tiles of 2 rows x 16 channels.   kernels/cpu */
#define VEC_BYTES     16
#define ROWS          2
#define BLOCKS        1
#define ROWS_TOGETHER 48
#include "kernels/cpu/inner_body.h"

const struct inner inner_plain = INNER_TABLE("plain C");
