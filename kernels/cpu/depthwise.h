/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise -- the grouped convolution of one channel a group, which has loops of its own.   kernels/cpu
 * Results as kernels/backend.h has them of group_forward, group_backward_data and group_backward_weight. */
#ifndef PETREL_KERNELS_CPU_DEPTHWISE_H
#define PETREL_KERNELS_CPU_DEPTHWISE_H
#include "kernels/cpu/conv_internal.h"

/* Are these groups single channels, of an image whose channels lie in sixteens? */
bool depthwise_is(const struct conv_shape *s, int groups);
void depthwise_forward(struct backend *b, float *out, const float *in, const float *weight, const struct conv_shape *s);
void depthwise_backward_data(struct backend *b, float *din, const float *dout, const float *weight,
                             const struct conv_shape *s);
void depthwise_backward_weight(struct backend *b, float *dweight, const float *dout, const float *in,
                               const struct conv_shape *s);
/* The output position whose tap t meets input position q, or -1. */
int depthwise_met_by(const struct conv_shape *s, int q, int t);

#endif
