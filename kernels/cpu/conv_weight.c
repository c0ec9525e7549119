/* SPDX-License-Identifier: Apache-2.0 */
/* conv_weight -- the weights' gradient.   kernels/cpu
 *
 *     dweight(o,c,t) += sum over pairs (p,q) of tap t and boxes n of dout(n,o,p) in(n,c,q)
 *
 * With the boxes next to each other a pair is one product whose k runs over the boxes. A tap and a group of output blocks
 * belong to one thread, so nothing is summed twice over. A thin image has too few channels for that: there the taps of a
 * kernel row are the product's rows, the positions are cut into PARTS, and the parts' sums are joined in order. */
#include "kernels/cpu/conv_internal.h"

#include <string.h>

enum {
    BOXES = 128,
    BOXES_THIN = 64 /* at a time: GROUP blocks of dout and one of in stay in the first cache */,
    GROUP = 4
};

static void of_tap(const struct cpu *own, float *dweight, const float *dout, const float *in, const struct conv *c,
                   int t, int block)
{
    const int words = (int)conv_box_words(c), most = BOXES / c->per;
    void (*const brgemm)(const struct brgemm *) = own->bf16 ? own->bf16->brgemm : own->microkernels->brgemm;
    size_t N = (size_t)words, padded = (size_t)cpu_padded(c->s.C);
    struct step boxes = {0};
    struct brgemm p = {.out_block = (size_t)c->T * padded * LANES,
                       .out_row = LANES,
                       .in_row = 1,
                       .in_k = LANES,
                       .weight_block = N * LANES,
                       .step = &boxes,
                       .steps = 1,
                       .inner = 1,
                       .rows = LANES,
                       .add = true};
    p.blocks = c->out_blocks - block < GROUP ? c->out_blocks - block : GROUP;
    for (int i = c->first_of_tap[t]; i < c->first_of_tap[t + 1]; i++)
        for (int n = 0; n < words; n += most) {
            struct pair at = c->by_tap[i];
            boxes.K = words - n < most ? words - n : most;
            p.weight = dout + ((size_t)(at.p * c->out_blocks + block) * N + (size_t)n) * LANES;
            for (int k = 0; k < c->in_blocks; k++) {
                p.out = dweight + ((size_t)(block * c->T + t) * padded + (size_t)(k * LANES)) * LANES;
                p.in = in + ((size_t)(at.q * c->in_blocks + k) * N + (size_t)n) * LANES;
                brgemm(&p);
            }
        }
}

/* Output positions from..to of a thin image. Taps and input positions that follow each other are rows of one product. */
static void of_positions(const struct cpu *own, float *dweight, const float *dout, const float *in,
                         const struct conv *c, int from, int to, int block)
{
    const int words = (int)conv_box_words(c), most = BOXES_THIN / c->per;
    void (*const brgemm)(const struct brgemm *) = own->bf16 ? own->bf16->brgemm : own->microkernels->brgemm;
    size_t N = (size_t)words, C = (size_t)c->s.C;
    struct step boxes = {0};
    struct brgemm p = {.out_block = (size_t)c->T * C * LANES,
                       .out_row = C * LANES,
                       .in_row = C * N,
                       .in_k = 1,
                       .weight_block = N * LANES,
                       .step = &boxes,
                       .steps = 1,
                       .inner = 1,
                       .add = true};
    p.blocks = c->out_blocks - block < GROUP ? c->out_blocks - block : GROUP;
    for (int n = 0; n < words; n += most) {
        boxes.K = words - n < most ? words - n : most;
        for (int i = c->first_of_out[from]; i < c->first_of_out[to]; i += p.rows) {
            struct pair at = c->by_out[i];
            p.rows = conv_pairs_in_a_row(c, i);
            p.weight = dout + ((size_t)(at.p * c->out_blocks + block) * N + (size_t)n) * LANES;
            for (size_t k = 0; k < C; k++) {
                p.out = dweight + ((size_t)(block * c->T + at.t) * C + k) * LANES;
                p.in = in + ((size_t)at.q * C + k) * N + (size_t)n;
                brgemm(&p);
            }
        }
    }
}

static void thin_gradient(struct backend *b, float *dweight, float *partial, const float *dout, const float *in,
                          const struct conv *c)
{
    const struct cpu *own = cpu_of(b);
    const size_t size = conv_partials(c) / PARTS, group_size = (size_t)(GROUP * c->T * c->s.C) * LANES;
    const int groups = (c->out_blocks + GROUP - 1) / GROUP;
#pragma omp parallel for collapse(2) schedule(dynamic, 1) num_threads(own->threads)
    for (int part = 0; part < PARTS; part++)
        for (int group = 0; group < groups; group++) {
            float *sum = partial + (size_t)part * size;
            size_t first = (size_t)group * group_size, past = first + group_size < size ? first + group_size : size;
            memset(sum + first, 0, (past - first) * sizeof *sum);
            of_positions(own, sum, dout, in, c, part * c->P / PARTS, (part + 1) * c->P / PARTS, group * GROUP);
        }
#pragma omp parallel for schedule(static) num_threads(own->threads)
    for (size_t i = 0; i < size; i++) {
        float sum = 0;
        for (size_t part = 0; part < PARTS; part++)
            sum += partial[part * size + i];
        dweight[i] += sum;
    }
}

void cpu_conv_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in, struct conv *c)
{
    const struct cpu *own = cpu_of(b);
    float *partial = cpu_scratch(
        b, (conv_partials(c) + conv_wide_out(c) + conv_pack_out_floats(c) + conv_pack_in_floats(c)) * sizeof(float));
    float *wide = partial + conv_partials(c), *dout_words = wide + conv_wide_out(c),
          *in_words = dout_words + conv_pack_out_floats(c);
    if (c->thin_out) {
        conv_widen(b, wide, dout, c->P, c->s.O, c->s.N);
        dout = wide;
    }
    dout = conv_pack_boxes(b, dout_words, dout, (size_t)(c->P * c->out_blocks), LANES, c);
    in = conv_pack_boxes(b, in_words, in, (size_t)(c->Q * (c->thin_in ? c->s.C : c->in_blocks)), c->thin_in ? 1 : LANES,
                         c);
    if (c->thin_in) {
        thin_gradient(b, dweight, partial, dout, in, c);
        return;
    }
    const int groups = (c->out_blocks + GROUP - 1) / GROUP;
#pragma omp parallel for collapse(2) schedule(dynamic, 1) num_threads(own->threads)
    for (int t = 0; t < c->T; t++)
        for (int group = 0; group < groups; group++)
            of_tap(own, dweight, dout, in, c, t, group * GROUP);
}
