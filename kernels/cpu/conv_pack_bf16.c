/* SPDX-License-Identifier: Apache-2.0 */
/* conv_pack_bf16 -- numbers rounded to bfloat16, two a word, in the order products read them.   kernels/cpu */
#include "kernels/cpu/conv_internal.h"

enum { TOGETHER = 256 /* rows in a piece of work */ };

static size_t tap_rows(const struct conv *c)
{
    return (size_t)c->T * (size_t)cpu_padded(c->s.C);
}
static size_t half(size_t n)
{
    return (n + 1) / 2;
}
static size_t whole_rows(size_t words)
{
    return (words + LANES - 1) / LANES * LANES;
}

size_t conv_box_words(const struct conv *c)
{
    return c->bf16 ? half((size_t)c->s.N) : (size_t)c->s.N;
}
size_t conv_tap_words(const struct conv *c)
{
    return 2 * half(tap_rows(c)) + tap_rows(c);
}
size_t conv_tap_at(const struct conv *c, size_t row)
{
    return row / 2 + (row % 2 ? half(tap_rows(c)) : 0);
}
size_t conv_tap_alone(const struct conv *c, size_t row)
{
    return 2 * half(tap_rows(c)) + row;
}

/* the largest of what an image, or weights, become */
size_t conv_pack_in_floats(const struct conv *c)
{
    size_t rows = (size_t)c->Q * (size_t)cpu_padded(c->s.C);
    return !c->bf16 ? 0 : whole_rows(rows * (c->thin_in ? (size_t)c->s.N : conv_box_words(c)));
}

size_t conv_pack_out_floats(const struct conv *c)
{
    return !c->bf16 ? 0 : (size_t)c->P * (size_t)c->out_blocks * LANES * conv_box_words(c);
}

size_t conv_pack_weight_floats(const struct conv *c)
{
    if (!c->bf16)
        return 0;
    size_t forward = c->thin_in ? conv_tap_words(c) : half(tap_rows(c)), turned = half(conv_turned(c));
    forward *= (size_t)c->out_blocks * LANES;
    return forward > turned ? forward : whole_rows(turned);
}

const float *conv_pack_lanes(const struct backend *b, float *words, const float *from, size_t rows, const struct conv *c)
{
    if (!c->bf16)
        return from;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t row = 0; row < rows; row += TOGETHER)
        c->bf16->halve(words + row * LANES / 2, from + row * LANES,
                       (rows - row < TOGETHER ? rows - row : TOGETHER) * LANES);
    return words;
}

/* pairs of rows from..; the last with nought where they are odd */
static void pair_rows(const struct conv *c, float *words, const float *from, size_t rows)
{
    for (size_t row = 0; row < rows; row += 2)
        c->bf16->pair(words + row / 2 * LANES, from + row * LANES, row + 1 < rows ? from + (row + 1) * LANES : NULL,
                      LANES);
}

const float *conv_pack_rows(const struct backend *b, float *words, const float *from, size_t rows, const struct conv *c)
{
    if (!c->bf16)
        return from;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t row = 0; row < rows; row += TOGETHER)
        pair_rows(c, words + row / 2 * LANES, from + row * LANES, rows - row < TOGETHER ? rows - row : TOGETHER);
    return words;
}

const float *conv_pack_boxes(const struct backend *b, float *words, const float *from, size_t runs, int lanes,
                             const struct conv *c)
{
    if (!c->bf16)
        return from;
    size_t N = (size_t)c->s.N, each = conv_box_words(c);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t run = 0; run < runs; run++)
        if (lanes == LANES)
            pair_rows(c, words + run * each * LANES, from + run * N * LANES, N);
        else
            c->bf16->halve(words + run * each, from + run * N, N);
    return words;
}

const float *conv_pack_thin(const struct backend *b, float *words, const float *from, size_t rows, const struct conv *c)
{
    if (!c->bf16)
        return from;
    size_t N = (size_t)c->s.N;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (size_t row = 0; row < rows; row++)
        c->bf16->pair(words + row * N, from + row * N, row + 1 < rows ? from + (row + 1) * N : NULL, N);
    return words;
}

const float *conv_pack_taps(const struct backend *b, float *words, const float *weight, const struct conv *c)
{
    if (!c->bf16)
        return weight;
    size_t rows = tap_rows(c);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (int block = 0; block < c->out_blocks; block++) {
        const float *from = weight + (size_t)block * rows * LANES;
        float *to = words + (size_t)block * conv_tap_words(c) * LANES;
        pair_rows(c, to, from, rows);
        pair_rows(c, to + conv_tap_at(c, 1) * LANES, from + LANES, rows - 1);
        for (size_t row = 0; row < rows; row++)
            c->bf16->pair(to + conv_tap_alone(c, row) * LANES, from + row * LANES, NULL, LANES);
    }
    return words;
}
