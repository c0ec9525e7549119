/* SPDX-License-Identifier: Apache-2.0 */
/* brgemm_loops -- the convolution's micro-kernel (batch-reduce GEMM), for VEC_BYTES, ROWS, BLOCKS, ROW and MULTIPLY_ADD(sum, number, vector); included by
 * inner_loops.h and microkernel_bf16.c.
 *
 * A tile of ROWS x BLOCKS*16 sums stays in registers while the steps stream by. One number of a row of `in` is broadcast, one
 * group of 16 weights is loaded, and every pair costs one multiply-add: no im2col, no packing. ROW: numbers from one box of
 * an image to the next. */
#include "kernels/cpu/microkernel.h"

enum { VECS = 64 / VEC_BYTES, WIDTH = VEC_BYTES / 4 };
typedef float vec __attribute__((vector_size(VEC_BYTES)));
typedef float loose __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias)); /* at any address */
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS vec load(const float *from)
{
    return *(const loose *)from;
}

ALWAYS void store(float *to, vec v)
{
    *(loose *)to = v;
}

ALWAYS void tile(const struct brgemm *p, int row, int block, const int R, const int B, const size_t in_row,
                 const size_t in_k)
{
    vec sum[ROWS][BLOCKS][VECS];
    float *out = p->out + (size_t)row * p->out_row + (size_t)block * p->out_block;
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int b = 0; b < B; b++)
#pragma GCC unroll 4
            for (int v = 0; v < VECS; v++)
                sum[r][b][v] =
                    p->add ? load(out + (size_t)r * p->out_row + (size_t)b * p->out_block + v * WIDTH) : (vec){0};

    const struct step *end = p->step + p->steps;
    for (const struct step *s = p->step; s < end; s++) {
        const float *in = p->in + s->in + (size_t)row * in_row,
                    *weight = p->weight + s->weight + (size_t)block * p->weight_block;
        for (int i = 0; i < p->inner; i++, in += p->in_inner) {
            const float *x = in;
            for (int k = s->K; k > 0; k--, x += in_k, weight += LANES) {
                vec w[BLOCKS][VECS];
#pragma GCC unroll 2
                for (int b = 0; b < B; b++)
#pragma GCC unroll 4
                    for (int v = 0; v < VECS; v++)
                        w[b][v] = load(weight + (size_t)b * p->weight_block + v * WIDTH);
#pragma GCC unroll 16
                for (int r = 0; r < R; r++)
#pragma GCC unroll 2
                    for (int b = 0; b < B; b++)
#pragma GCC unroll 4
                        for (int v = 0; v < VECS; v++)
                            MULTIPLY_ADD(sum[r][b][v], x[(size_t)r * in_row], w[b][v]);
            }
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int b = 0; b < B; b++)
#pragma GCC unroll 4
            for (int v = 0; v < VECS; v++)
                store(out + (size_t)r * p->out_row + (size_t)b * p->out_block + v * WIDTH, sum[r][b][v]);
}

/* The last rows need tiles of every lower height. */
ALWAYS void column(const struct brgemm *p, int block, const int B, const size_t in_row, const size_t in_k)
{
    int row = 0;
    for (; row + ROWS <= p->rows; row += ROWS)
        tile(p, row, block, ROWS, B, in_row, in_k);
    switch (p->rows - row) {
#define LAST(R)                                                                                                        \
    case R:                                                                                                            \
        if ((R) < ROWS)                                                                                                \
            tile(p, row, block, (R) < ROWS ? (R) : 1, B, in_row, in_k);                                                \
        break;
        /* clang-format off */
        LAST(1) LAST(2) LAST(3) LAST(4) LAST(5) LAST(6) LAST(7)
        LAST(8) LAST(9) LAST(10) LAST(11) LAST(12) LAST(13)
        /* clang-format on */
#undef LAST
            default : break;
    }
}

ALWAYS void all_columns(const struct brgemm *p, const size_t in_row, const size_t in_k)
{
    int block = 0;
    for (; block + BLOCKS <= p->blocks; block += BLOCKS)
        column(p, block, BLOCKS, in_row, in_k);
    for (; block < p->blocks; block++)
        column(p, block, 1, in_row, in_k);
}

/* Known strides become part of the instructions' addresses. */
static void brgemm_lanes_inner(const struct brgemm *p)
{
    all_columns(p, ROW, 1);
}
static void brgemm_lanes_rows(const struct brgemm *p)
{
    all_columns(p, 1, LANES);
}
static void brgemm_thin_rows(const struct brgemm *p)
{
    all_columns(p, 1, p->in_k);
}
static void brgemm_thin_inner(const struct brgemm *p)
{
    all_columns(p, p->in_row, 1);
}

static void brgemm(const struct brgemm *p)
{
    if (p->in_row == ROW && p->in_k == 1)
        brgemm_lanes_inner(p);
    else if (p->in_row == 1 && p->in_k == LANES)
        brgemm_lanes_rows(p);
    else if (p->in_row == 1)
        brgemm_thin_rows(p);
    else
        brgemm_thin_inner(p);
}
