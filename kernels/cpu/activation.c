/* SPDX-License-Identifier: Apache-2.0 */
/* activation -- ReLU, SiLU, GELU (exact), softmax.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void cpu_relu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)layout;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] < 0 ? 0 : in[i];
}

static void cpu_relu_backward(struct backend *b, float *din, const float *dout, const float *out, size_t count,
                              enum layout layout)
{
    (void)layout;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++) {
        float g = dout[i]; /* read whether it counts or not: so the loop is one of vectors */
        din[i] += out[i] > 0 ? g : 0;
    }
}

/* loops(out, in, count), and loops(din, dout, in, count), in pieces */
static void pieces_forward(struct backend *b, void (*loops)(float *out, const float *in, size_t count), float *out,
                           const float *in, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > PIECE)
    for (size_t piece = 0; piece < cpu_pieces(count); piece++)
        loops(out + piece * PIECE, in + piece * PIECE, cpu_piece(piece, count));
}
static void pieces_backward(struct backend *b,
                            void (*loops)(float *din, const float *dout, const float *in, size_t count), float *din,
                            const float *dout, const float *in, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > PIECE)
    for (size_t piece = 0; piece < cpu_pieces(count); piece++)
        loops(din + piece * PIECE, dout + piece * PIECE, in + piece * PIECE, cpu_piece(piece, count));
}

static void cpu_gelu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)layout;
    pieces_forward(b, cpu_of(b)->microkernels->gelu_forward, out, in, count);
}

static void cpu_gelu_backward(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                              enum layout layout)
{
    (void)layout;
    pieces_backward(b, cpu_of(b)->microkernels->gelu_backward, din, dout, in, count);
}

static void cpu_silu_forward(struct backend *b, float *out, const float *in, size_t count, enum layout layout)
{
    (void)layout;
    pieces_forward(b, cpu_of(b)->microkernels->silu_forward, out, in, count);
}

static void cpu_silu_backward(struct backend *b, float *din, const float *dout, const float *in, size_t count,
                              enum layout layout)
{
    (void)layout;
    pieces_backward(b, cpu_of(b)->microkernels->silu_backward, din, dout, in, count);
}

static void cpu_softmax(struct backend *b, float *out, const float *in, int N, int C)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *x = in + n * (size_t)C;
        float *y = out + n * (size_t)C, top = x[0], sum = 0;
        for (int c = 1; c < C; c++)
            top = x[c] > top ? x[c] : top;
        for (int c = 0; c < C; c++)
            sum += y[c] = expf(x[c] - top);
        for (int c = 0; c < C; c++)
            y[c] /= sum;
    }
}

void cpu_add_activation(struct backend *b)
{
    b->relu_forward = cpu_relu_forward;
    b->relu_backward = cpu_relu_backward;
    b->gelu_forward = cpu_gelu_forward;
    b->gelu_backward = cpu_gelu_backward;
    b->silu_forward = cpu_silu_forward;
    b->silu_backward = cpu_silu_backward;
    b->softmax = cpu_softmax;
}
