/* SPDX-License-Identifier: Apache-2.0 */
/* conv_internal -- a planned convolution, shared by conv_plan.c, conv.c and conv_weight.c.   kernels/cpu
 *
 * Which tap of which output position meets which input position depends on the shape alone. Taps that fall on padding are
 * in no list and cost nothing: of ResNet18's work on 16^3 boxes that is more than half. */
#ifndef PETREL_KERNELS_CPU_CONV_INTERNAL_H
#define PETREL_KERNELS_CPU_CONV_INTERNAL_H
#include "kernels/cpu/cpu.h"

/* Output position p meets input position q through the t-th of the live taps. */
struct pair {
    int p, t, q;
};

struct conv {
    struct conv_shape s;
    int P, Q, T; /* positions out, positions in, live taps */
    int pairs;
    struct pair *by_out, *by_tap;     /* by p then t; by t then p */
    int *first_of_out, *first_of_tap; /* those of p are by_out[first_of_out[p]] .. [first_of_out[p+1]] */
    struct step *forward,
        *backward; /* an output position's pairs, as places in in and weight; an input position's, in dout and
                                        the turned weights */
    int *first_forward, *first_backward;
    int in_blocks, out_blocks;     /* of 16 channels */
    bool thin_in, thin_out;        /* 1 lane a block: widened and narrowed through scratch where 16 are needed */
    const struct bf16_loops *bf16; /* NULL: float32 */
    int per;                       /* numbers a word holds along k: 2 of bfloat16, 1 of float32; steps count words */
};

/* Floats of scratch: a whole image of 16 lanes for a thin one, the turned weights, the partial gradients of a thin image's weights. */
size_t conv_wide_in(const struct conv *c);
size_t conv_wide_out(const struct conv *c);
size_t conv_turned(const struct conv *c);
enum { PARTS = 32 };
size_t conv_partials(const struct conv *c);

/* wide [positions][N][16] from thin [positions][C][N], and back (adding, or writing). */
void conv_widen(const struct backend *b, float *wide, const float *thin, int positions, int C, int N);
void conv_narrow(const struct backend *b, float *thin, const float *wide, int positions, int C, int N, bool add);

/* What products read, as words in scratch memory (conv_pack_bf16.c); the argument itself in float32.
 *   lanes  an image [rows][16]: channels in pairs, [rows][8]
 *   rows   weights [rows][16]: rows in pairs, [rows/2][16]
 *   boxes  an image [runs][N][lanes] (thin: 1 lane): boxes in pairs, [runs][conv_box_words(N)][lanes]
 *   thin   an image [rows][N]: each row with the next, so that a run of taps may begin at any of them
 *   taps   weights of a thin image, a block at a time: rows in pairs from the first on, then from the second on, then each alone */
const float *conv_pack_lanes(const struct backend *b, float *words, const float *from, size_t rows,
                             const struct conv *c);
const float *conv_pack_rows(const struct backend *b, float *words, const float *from, size_t rows, const struct conv *c);
const float *conv_pack_boxes(const struct backend *b, float *words, const float *from, size_t runs, int lanes,
                             const struct conv *c);
const float *conv_pack_thin(const struct backend *b, float *words, const float *from, size_t rows, const struct conv *c);
const float *conv_pack_taps(const struct backend *b, float *words, const float *weight, const struct conv *c);
size_t conv_box_words(const struct conv *c); /* words a channel's boxes take: N, or half of it rounded up */
size_t conv_tap_words(const struct conv *c); /* rows of a block of `taps`; where those of a run of taps from row r on begin: */
size_t conv_tap_at(const struct conv *c, size_t row);
size_t conv_tap_alone(const struct conv *c, size_t row);
/* Floats of scratch for these. */
size_t conv_pack_in_floats(const struct conv *c);
size_t conv_pack_out_floats(const struct conv *c);
size_t conv_pack_weight_floats(const struct conv *c);

/* The input position that tap t of output position p meets, or -1 on padding. */
int conv_meets(const struct conv_shape *s, int p, int t);

/* How many pairs from by_out[i] on take the next tap to the next input position: in a thin image they lie side by side. */
int conv_pairs_in_a_row(const struct conv *c, int i);

struct conv *cpu_conv_open(struct backend *b, const struct conv_shape *s);
void cpu_conv_close(struct backend *b, struct conv *c);
void cpu_conv_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in, struct conv *c);

#endif
