/* SPDX-License-Identifier: Apache-2.0 */
/* conv -- convolution by live taps: forward, and back to the data.   kernels/cpu
 *
 * Forward is, for each output position, one product over its list of live taps. The data's gradient is the same product
 * over the lists of input positions, with each 16 x 16 block of weights turned first.
 *
 * GFLOP/s of live work on one core, 256 boxes (tests/bench/conv, AMD EPYC Zen 4 shared with other work, GCC 12, AVX-512):
 *     layer      forward   data   weights
 *     stem            94      -        98     one channel: 7 taps of a kernel row are the inner loop
 *     layer1         112    110       105
 *     layer2         112    109       110
 *     layer3, 4      116    110       112     the products alone; about what the core can do
 * Cutting the weights' gradient by rows or planes of taps instead of single taps changes nothing: 104-105 in layer1. */
#include "kernels/cpu/conv_internal.h"

/* One pass over an image: for every position a list of steps, each a product for all boxes and blocks. */
struct pass {
    float *out;
    const float *in, *weight;
    const struct step *step;
    const int *first;
    int positions, N, blocks;
    struct brgemm shape; /* strides, inner, add */
};

enum { GROUP = 4 }; /* blocks of output channels in a piece of work */

static void pass_run(const struct backend *b, const struct pass *pass)
{
    const struct cpu *own = cpu_of(b);
    void (*const brgemm)(const struct brgemm *) = own->bf16 ? own->bf16->brgemm : own->microkernels->brgemm;
    const int rows = own->microkernels->rows_together, cuts = (pass->N + rows - 1) / rows,
              groups = (pass->blocks + GROUP - 1) / GROUP;
#pragma omp parallel for collapse(3) schedule(dynamic, 1) num_threads(own->threads)
    for (int cut = 0; cut < cuts; cut++)
        for (int position = 0; position < pass->positions; position++)
            for (int group = 0; group < groups; group++) {
                struct brgemm p = pass->shape;
                int row = cut * rows, block = group * GROUP;
                p.rows = pass->N - row < rows ? pass->N - row : rows;
                p.blocks = pass->blocks - block < GROUP ? pass->blocks - block : GROUP;
                p.out = pass->out + (size_t)(position * pass->blocks + block) * p.out_block + (size_t)row * p.out_row;
                p.in = pass->in + (size_t)row * p.in_row;
                p.weight = pass->weight + (size_t)block * p.weight_block;
                p.step = pass->step + pass->first[position];
                p.steps = pass->first[position + 1] - pass->first[position];
                if (p.steps || !p.add)
                    brgemm(&p);
            }
}

static void cpu_conv_forward(struct backend *b, float *out, const float *in, const float *weight, struct conv *c)
{
    size_t N = (size_t)c->s.N, per = (size_t)c->per, taps = (size_t)c->T * (size_t)cpu_padded(c->s.C);
    float *wide =
        cpu_scratch(b, (conv_wide_out(c) + conv_pack_in_floats(c) + conv_pack_weight_floats(c)) * sizeof(float));
    float *image = wide + conv_wide_out(c), *kernel = image + conv_pack_in_floats(c);
    if (c->thin_in) {
        in = conv_pack_thin(b, image, in, (size_t)(c->Q * c->s.C), c);
        weight = conv_pack_taps(b, kernel, weight, c);
    } else {
        in = conv_pack_lanes(b, image, in, (size_t)(c->Q * c->in_blocks) * N, c);
        weight = conv_pack_rows(b, kernel, weight, (size_t)c->out_blocks * taps, c);
    }
    struct pass pass = {
        .out = c->thin_out ? wide : out,
        .in = in,
        .weight = weight,
        .step = c->forward,
        .first = c->first_forward,
        .positions = c->P,
        .N = c->s.N,
        .blocks = c->out_blocks,
        .shape = {.out_block = N * LANES,
                  .out_row = LANES,
                  .weight_block = taps * LANES / per,
                  .in_inner = N * LANES / per,
                  .in_row = LANES / per,
                  .in_k = 1,
                  .inner = c->in_blocks},
    };
    if (c->thin_in) {
        pass.shape.in_row = 1;
        pass.shape.in_k = N * per;
        pass.shape.inner = 1;
        pass.shape.weight_block = (c->bf16 ? conv_tap_words(c) : taps) * LANES;
    }
    pass_run(b, &pass);
    if (c->thin_out)
        conv_narrow(b, out, pass.out, c->P, c->s.O, c->s.N, false);
}

/* turned(in block, live tap, o, 16 of C) from weight(out block, tap, c, 16 of O) */
static void turn_weights(const struct backend *b, float *turned, const float *weight, const struct conv *c)
{
    const int blocks = c->in_blocks, taps = c->T, channels = cpu_padded(c->s.C);
#pragma omp parallel for collapse(2) schedule(static) num_threads(cpu_of(b)->threads)
    for (int block = 0; block < blocks; block++)
        for (int t = 0; t < taps; t++)
            for (int o = 0; o < c->out_blocks; o++) {
                float *to = turned + (size_t)((block * taps + t) * c->out_blocks + o) * LANES * LANES;
                const float *from =
                    weight + ((size_t)(o * taps + t) * (size_t)channels + (size_t)(block * LANES)) * LANES;
                int have = channels - block * LANES < LANES ? channels - block * LANES : LANES;
                for (int row = 0; row < LANES; row++)
                    for (int lane = 0; lane < LANES; lane++)
                        to[row * LANES + lane] = lane < have ? from[lane * LANES + row] : 0;
            }
}

static void cpu_conv_backward_data(struct backend *b, float *din, const float *dout, const float *weight, struct conv *c)
{
    size_t N = (size_t)c->s.N, turned_size = conv_turned(c);
    size_t per = (size_t)c->per, image_size = conv_pack_out_floats(c), kernel_size = conv_pack_weight_floats(c);
    float *turned =
        cpu_scratch(b, (turned_size + conv_wide_out(c) + image_size + kernel_size + conv_wide_in(c)) * sizeof(float));
    float *wide_out = turned + turned_size, *image = wide_out + conv_wide_out(c), *kernel = image + image_size;
    float *wide_in = kernel + kernel_size;
    turn_weights(b, turned, weight, c);
    if (c->thin_out)
        conv_widen(b, wide_out, dout, c->P, c->s.O, c->s.N);
    struct pass pass = {
        .out = c->thin_in ? wide_in : din,
        .in = conv_pack_lanes(b, image, c->thin_out ? wide_out : dout, (size_t)(c->P * c->out_blocks) * N, c),
        .weight = conv_pack_rows(b, kernel, turned, turned_size / LANES, c),
        .step = c->backward,
        .first = c->first_backward,
        .positions = c->Q,
        .N = c->s.N,
        .blocks = c->in_blocks,
        .shape = {.out_block = N * LANES,
                  .out_row = LANES,
                  .weight_block = turned_size / (size_t)c->in_blocks / per,
                  .in_inner = N * LANES / per,
                  .in_row = LANES / per,
                  .in_k = 1,
                  .inner = c->out_blocks,
                  .add = !c->thin_in},
    };
    pass_run(b, &pass);
    if (c->thin_in)
        conv_narrow(b, din, wide_in, c->Q, c->s.C, c->s.N, true);
}

void conv_widen(const struct backend *b, float *wide, const float *thin, int positions, int C, int N)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (int p = 0; p < positions; p++) {
        const float *from = thin + (size_t)p * (size_t)C * (size_t)N;
        float *to = wide + (size_t)p * (size_t)N * LANES;
        for (size_t n = 0; n < (size_t)N; n++)
            for (size_t c = 0; c < LANES; c++)
                to[n * LANES + c] = c < (size_t)C ? from[c * (size_t)N + n] : 0;
    }
}

void conv_narrow(const struct backend *b, float *thin, const float *wide, int positions, int C, int N, bool add)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads)
    for (int p = 0; p < positions; p++) {
        float *to = thin + (size_t)p * (size_t)C * (size_t)N;
        const float *from = wide + (size_t)p * (size_t)N * LANES;
        for (size_t c = 0; c < (size_t)C; c++)
            for (size_t n = 0; n < (size_t)N; n++)
                to[c * (size_t)N + n] = from[n * LANES + c] + (add ? to[c * (size_t)N + n] : 0);
    }
}

void cpu_add_conv(struct backend *b)
{
    b->conv_open = cpu_conv_open;
    b->conv_close = cpu_conv_close;
    b->conv_forward = cpu_conv_forward;
    b->conv_backward_data = cpu_conv_backward_data;
    b->conv_backward_weight = cpu_conv_backward_weight;
}
