/* SPDX-License-Identifier: Apache-2.0 */
/* lars -- layer-wise adaptive rate scaling over all trained parameters.   kernels/optim
 *
 * Tensors of more than one dimension: g += decay p; g *= trust |p| / |g| (1 if either is 0). Then for all: m = momentum
 * m + g;
 * p -= lr m. Taps that live nowhere are in two numbers a tensor (struct dead_state), exactly. */
#ifndef PETREL_KERNELS_OPTIM_LARS_H
#define PETREL_KERNELS_OPTIM_LARS_H
#include "kernels/tape.h"

struct lars {
    struct params *params;
    float *momentum, *rates; /* device */
    double *squares;         /* device: of all gradients, where they are clipped */
    float factor, decay, trust;
};
/* Parameters must be sealed. momentum: a block laid out as params->grads, zero. */
void lars_open(struct lars *o, struct params *p, double momentum, double weight_decay, double trust);
void lars_close(struct lars *o);
/* The rate of the steps to come: before a step, outside what is recorded. */
void lars_rate(struct lars *o, double lr);
/* One step with the gradients there are, clipped first where clip_norm > 0. */
void lars_step(struct lars *o, double clip_norm);
#endif
