/* SPDX-License-Identifier: Apache-2.0 */
/* conv_form -- the ways a convolution can be done here, and what each makes of a shape. No GPU in this file.   kernels/cuda
 *
 *     form       image it reads          by         for
 *     direct     as it is                cuDNN      most layers
 *     runs       as it is                GEMMs      images of one or two positions, where most taps of a kernel are dead
 *     unfold-w   taps of W as channels   cuDNN      the stem
 *     unfold-hw  taps of H, W likewise   cuDNN      the stem
 *     columns    all taps as channels    a GEMM     whatever cuDNN has no plan for
 *
 * Runs. In NDHWC, inputs q, q+1, ... of a box lie side by side, and so do taps l, l+1, ... of an output's weights ([O][L][C]). An
 * output position whose live pairs (input, tap) are such a run is one product with K = many * C, straight from where the
 * numbers lie: out(:,p) = in(:, q..q+many) W(:, l..l+many)^T. The gradients are products over the same run. Nothing is
 * gathered and no dead tap is multiplied. ResNet18 on 16^3: layer 3 has two runs a convolution (images 2x1x1), layer 4 one.
 *
 * The stem has one channel, of which a tensor core's row wants eight. Bytes that 256 boxes of 16^3 move in bfloat16, stride
 * 1 2 2, beside the 34 MB of its output: as it is, padded to eight channels, 17 MB but eight times the work (92 GFLOP); taps of
 * W as channels (7 and a zero) 8 MB and 8/7 of the work; of H, W (49 and 7 zeros) 29 MB and 8/7; all (343 and a zero)
 * 180 MB. So W is the usual one. H, W gives longer runs of channels to read and 7 taps instead of 49 to step over: it may win
 * where bandwidth is plenty, and is tried where forms are timed. */
#ifndef PETREL_KERNELS_CUDA_CONV_FORM_H
#define PETREL_KERNELS_CUDA_CONV_FORM_H
#include "kernels/backend.h"
#ifdef __cplusplus
extern "C" {
#endif

struct conv_form {
    const char *name;
    bool unfold[3]; /* D H W: taps along it become channels */
    bool gemm;      /* by matrix products; else by cuDNN */
};
enum { FORM_DIRECT, FORM_RUNS, FORM_UNFOLD_W, FORM_UNFOLD_HW, FORM_COLUMNS, CONV_FORMS };
extern const struct conv_form conv_forms[CONV_FORMS];

const struct conv_form *conv_form_find(const char *name); /* NULL: there is none of that name */
/* The one to use where nothing was measured. */
const struct conv_form *conv_form_usual(const struct conv_shape *s);
/* Whether it is worth timing for this shape; columns always can, and seldom is. */
bool conv_form_worth(const struct conv_form *f, const struct conv_shape *s);

/* The shape that is left to convolve: unfolded axes have a kernel of 1 and channels are (taps of the unfolded axes) * C, padded
 * with zeros to a multiple of 8. A kernel of 1 that visits every position is one position of N * P boxes. */
struct conv_shape conv_form_inner(const struct conv_form *f, const struct conv_shape *s);
/* Where the weights of one output channel of the inner shape come from: indices into [L][C], -1 for zero. malloc'd; NULL: every
 * one from the same index. *count: of the inner shape's, an output channel. */
int *conv_form_weight_index(const struct conv_form *f, const struct conv_shape *s, size_t *count);

struct conv_run {
    int p, q, l, many;
}; /* output position; first input position, rank of the first live tap; pairs */
/* By output position; malloc'd. A position that no tap meets has none. */
struct conv_run *conv_runs(const struct conv_shape *s, int *count);

#ifdef __cplusplus
}
#endif
#endif
