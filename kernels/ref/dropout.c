/* SPDX-License-Identifier: Apache-2.0 */
/* dropout -- some numbers become 0, the others grow so that the mean stays.   kernels/ref */
#include "common/rng.h"
#include "kernels/ref/ref.h"

static struct rng row_draws(const struct dropout_draw *draw, uint32_t index, size_t n)
{
    return rng_make(draw->seed, RNG_DROPOUT, draw->step << 32 | (index + n));
}

static void ref_dropout_forward(struct backend *b, float *out, const float *in, int N, int C, float rate,
                                const struct dropout_draw *draw, uint32_t index)
{
    (void)b;
    const float grown = 1 / (1 - rate);
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = row_draws(draw, index, n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            out[c] = rng_uniform(&r) < rate ? 0 : in[c] * grown;
    }
}

static void ref_dropout_backward(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                                 const struct dropout_draw *draw, uint32_t index)
{
    (void)b;
    const float grown = 1 / (1 - rate);
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = row_draws(draw, index, n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            if (rng_uniform(&r) >= rate)
                din[c] += dout[c] * grown;
    }
}

/* of a whole box: its row's first number */
static float box_factor(const struct dropout_draw *draw, uint32_t index, size_t n, float rate)
{
    struct rng r = row_draws(draw, index, n);
    return rng_uniform(&r) < rate ? 0 : 1 / (1 - rate);
}

static void ref_droppath_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3],
                                 enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index)
{
    (void)b;
    (void)layout;
    const size_t each = (size_t)C * (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t i = n * each; i < (n + 1) * each; i++)
            out[i] = in[i] * box_factor(draw, index, n, rate);
}

static void ref_droppath_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3],
                                  enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index)
{
    (void)b;
    (void)layout;
    const size_t each = (size_t)C * (size_t)dim[0] * (size_t)dim[1] * (size_t)dim[2];
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t i = n * each; i < (n + 1) * each; i++)
            din[i] += dout[i] * box_factor(draw, index, n, rate);
}

void ref_add_dropout(struct backend *b)
{
    b->dropout_forward = ref_dropout_forward;
    b->dropout_backward = ref_dropout_backward;
    b->droppath_forward = ref_droppath_forward;
    b->droppath_backward = ref_droppath_backward;
}
