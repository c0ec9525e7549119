/* SPDX-License-Identifier: Apache-2.0 */
/* ref -- the yardstick: every operation slow and plain, on one thread, sums in double.   kernels/ref
 *
 * IMAGE is [N][C][D][H][W] and weights are [O][C][kD][kH][kW], as outside. One file an operation; each puts its own
 * functions into the table. What they must do is said in backend.h and nowhere else. */
#ifndef PETREL_KERNELS_REF_H
#define PETREL_KERNELS_REF_H
#include "kernels/backend.h"

struct backend *ref_open(int threads, enum precision precision, struct error *e) MUST_USE;

void ref_add_memory(struct backend *b);
void ref_add_layout(struct backend *b);
void ref_add_conv(struct backend *b);
void ref_add_norm(struct backend *b);
void ref_add_pool(struct backend *b);
void ref_add_linear(struct backend *b);
void ref_add_layernorm(struct backend *b);
void ref_add_scale(struct backend *b);
void ref_add_concat(struct backend *b);
void ref_add_activation(struct backend *b);
void ref_add_sigmoid(struct backend *b);
void ref_add_dropout(struct backend *b);
void ref_add_gate(struct backend *b);
void ref_add_affine(struct backend *b);
void ref_add_channels(struct backend *b);
void ref_add_meanpool(struct backend *b);
void ref_add_group(struct backend *b);
void ref_add_attention(struct backend *b);
void ref_add_vicreg(struct backend *b);
void ref_add_focal(struct backend *b);
void ref_add_sums(struct backend *b);
void ref_add_lars(struct backend *b);
void ref_add_adamw(struct backend *b);
void ref_add_sgd(struct backend *b);
void ref_add_cross_entropy(struct backend *b);
void ref_add_squares(struct backend *b);
void ref_add_sinkhorn(struct backend *b);
void ref_add_lerp(struct backend *b);
void ref_add_enqueue(struct backend *b);
void ref_add_regroup(struct backend *b);
void ref_add_overlap(struct backend *b);

#endif
