/* SPDX-License-Identifier: Apache-2.0 */
/* dropout -- some numbers become 0, the others grow so that the mean stays. A row draws for itself.   kernels/cpu */
#include "common/rng.h"
#include "kernels/cpu/cpu.h"

static struct rng row_draws(const struct dropout_draw *draw, uint32_t index, size_t n)
{
    return rng_make(draw->seed, RNG_DROPOUT, draw->step << 32 | (index + n));
}

static void cpu_dropout_forward(struct backend *b, float *out, const float *in, int N, int C, float rate,
                                const struct dropout_draw *draw, uint32_t index)
{
    const float grown = 1 / (1 - rate);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > PIECE)
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = row_draws(draw, index, n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            out[c] = rng_uniform(&r) < rate ? 0 : in[c] * grown;
    }
}

static void cpu_dropout_backward(struct backend *b, float *din, const float *dout, int N, int C, float rate,
                                 const struct dropout_draw *draw, uint32_t index)
{
    const float grown = 1 / (1 - rate);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > PIECE)
    for (size_t n = 0; n < (size_t)N; n++) {
        struct rng r = row_draws(draw, index, n);
        for (size_t c = n * (size_t)C; c < (n + 1) * (size_t)C; c++)
            din[c] += rng_uniform(&r) < rate ? 0 : dout[c] * grown;
    }
}

/* of a whole box: its row's first number */
static float box_factor(const struct dropout_draw *draw, uint32_t index, size_t n, float rate)
{
    struct rng r = row_draws(draw, index, n);
    return rng_uniform(&r) < rate ? 0 : 1 / (1 - rate);
}

/* Runs of numbers of one box: its row, or one block of channels at one position. */
static void runs(struct backend *b, float *to, const float *from, int N, int C, const int dim[3], enum layout layout,
                 float rate, const struct dropout_draw *draw, uint32_t index, bool add)
{
    const size_t P = cpu_volume(dim), each = layout == ROWS ? (size_t)C * P : (size_t)cpu_lanes(C),
                 count = layout == ROWS ? 1 : P * (size_t)cpu_blocks(C);
    float *factor = cpu_scratch(b, (size_t)N * sizeof *factor);
    for (size_t n = 0; n < (size_t)N; n++)
        factor[n] = box_factor(draw, index, n, rate);
#pragma omp parallel for collapse(2) schedule(static)                                                                  \
    num_threads(cpu_of(b)->threads) if (count * (size_t)N * each > WORTH)
    for (size_t run = 0; run < count; run++)
        for (size_t n = 0; n < (size_t)N; n++) {
            const float f = factor[n], *x = from + (run * (size_t)N + n) * each;
            float *y = to + (run * (size_t)N + n) * each;
            if (add)
                for (size_t i = 0; i < each; i++)
                    y[i] += x[i] * f;
            else
                for (size_t i = 0; i < each; i++)
                    y[i] = x[i] * f;
        }
}

static void cpu_droppath_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3],
                                 enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index)
{
    runs(b, out, in, N, C, dim, layout, rate, draw, index, false);
}

static void cpu_droppath_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3],
                                  enum layout layout, float rate, const struct dropout_draw *draw, uint32_t index)
{
    runs(b, din, dout, N, C, dim, layout, rate, draw, index, true);
}

void cpu_add_dropout(struct backend *b)
{
    b->dropout_forward = cpu_dropout_forward;
    b->dropout_backward = cpu_dropout_backward;
    b->droppath_forward = cpu_droppath_forward;
    b->droppath_backward = cpu_droppath_backward;
}
