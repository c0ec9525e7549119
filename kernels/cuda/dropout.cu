/* SPDX-License-Identifier: Apache-2.0 */
/* dropout -- some numbers become 0, the others grow so that the mean stays; the numbers every back end drops.   kernels/cuda
 *
 * A thread makes one block of Philox, four numbers of a row: common/rng.h's (seed, RNG_DROPOUT, index + row). Which are dropped
 * changes with the step and is an argument, so a step with dropout is not recorded. tests: ops_more */
#include "common/rng.h"
#include "kernels/cuda/device.cuh"

#include <Random123/philox.h>

/* forward: out = kept in / (1 - rate); else: out += kept in / (1 - rate) */
template <bool forward>
__global__ void drop(float *out, const float *in, size_t rows, size_t C, float rate, uint64_t seed, uint64_t index)
{
    const size_t fours = (C + 3) / 4;
    const float grown = 1 / (1 - rate);
    for (size_t i = first(); i < rows * fours; i += stride()) {
        size_t n = i / fours, from = i % fours * 4;
        philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
        philox4x32_ctr_t counter = {
            {(uint32_t)(from / 4), RNG_DROPOUT, (uint32_t)(index + n), (uint32_t)((index + n) >> 32)}};
        philox4x32_ctr_t word = philox4x32_R(10, counter, key);
        for (size_t k = 0; k < 4 && from + k < C; k++) {
            bool dropped = (float)(word.v[k] >> 8) * 0x1p-24f < rate;
            size_t at = n * C + from + k;
            if (forward)
                out[at] = dropped ? 0 : in[at] * grown;
            else if (!dropped)
                out[at] += in[at] * grown;
        }
    }
}

static void cuda_dropout_forward(struct backend *b, float *out, const float *in, int N, int C, float rate,
                                 uint64_t seed, uint64_t index)
{
    size_t rows = (size_t)N, width = (size_t)C;
    cuda_of(b)->unrecordable = true;
    LAUNCH(b, drop<true>, blocks_for(b, rows * ((width + 3) / 4)), THREADS, out, in, rows, width, rate, seed, index);
}

static void cuda_dropout_backward(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                                  uint64_t seed, uint64_t index)
{
    size_t rows = (size_t)N, width = (size_t)C;
    cuda_of(b)->unrecordable = true;
    LAUNCH(b, drop<false>, blocks_for(b, rows * ((width + 3) / 4)), THREADS, din, dout, rows, width, rate, seed, index);
}

void cuda_add_dropout(struct backend *b)
{
    b->dropout_forward = cuda_dropout_forward;
    b->dropout_backward = cuda_dropout_backward;
}
