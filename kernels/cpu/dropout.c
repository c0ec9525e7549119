/* SPDX-License-Identifier: Apache-2.0 */
/* dropout -- some numbers become 0, the others grow so that the mean stays. A row draws for itself.   kernels/cpu */
#include "common/rng.h"
#include "kernels/cpu/cpu.h"

static void cpu_dropout_forward(struct backend *b, float *out, const float *in, int N, int C, float rate, uint64_t seed,
                                uint64_t index)
{
    const float grown = 1 / (1 - rate);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > PIECE)
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = rng_make(seed, RNG_DROPOUT, index + n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            out[c] = rng_uniform(&r) < rate ? 0 : in[c] * grown;
    }
}

static void cpu_dropout_backward(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                                 uint64_t seed, uint64_t index)
{
    const float grown = 1 / (1 - rate);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > PIECE)
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = rng_make(seed, RNG_DROPOUT, index + n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            din[c] += rng_uniform(&r) < rate ? 0 : dout[c] * grown;
    }
}

void cpu_add_dropout(struct backend *b)
{
    b->dropout_forward = cpu_dropout_forward;
    b->dropout_backward = cpu_dropout_backward;
}
