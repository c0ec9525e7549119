/* SPDX-License-Identifier: Apache-2.0 */
/* dropout -- some numbers become 0, the others grow so that the mean stays.   kernels/ref */
#include "common/rng.h"
#include "kernels/ref/ref.h"

static void ref_dropout_forward(struct backend *b, float *out, const float *in, int N, int C, float rate, uint64_t seed,
                                uint64_t index)
{
    (void)b;
    const float grown = 1 / (1 - rate);
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = rng_make(seed, RNG_DROPOUT, index + n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            out[c] = rng_uniform(&r) < rate ? 0 : in[c] * grown;
    }
}

static void ref_dropout_backward(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                                 uint64_t seed, uint64_t index)
{
    (void)b;
    const float grown = 1 / (1 - rate);
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = rng_make(seed, RNG_DROPOUT, index + n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            if (rng_uniform(&r) >= rate)
                din[c] += dout[c] * grown;
    }
}

void ref_add_dropout(struct backend *b)
{
    b->dropout_forward = ref_dropout_forward;
    b->dropout_backward = ref_dropout_backward;
}
