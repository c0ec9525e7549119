/* SPDX-License-Identifier: Apache-2.0 */
/* crossed -- assignments of the first two views are what all other views are held to: SwAV, DINO.   kernels/methods */
#ifndef PETREL_KERNELS_METHODS_CROSSED_H
#define PETREL_KERNELS_METHODS_CROSSED_H
#include "kernels/methods/learner.h"

/* target(V*N,K) of q(2*N,K): view v has q of the first view, of the second, or their sum: of those that are not v. Times V / (2 (V - 1)),
 * so that cross_entropy's mean over V*N rows is the mean over 2 (V - 1) crossings and N boxes. share: K floats on the device, which
 * crossed_share filled for this K and number of views. */
void crossed_targets(struct learner *l, float *target, const float *q, const float *share, int K);
/* For a method's begin. */
void crossed_share(struct learner *l, float *share, int K);
#endif
