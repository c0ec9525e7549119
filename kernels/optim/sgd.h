/* SPDX-License-Identifier: Apache-2.0 */
/* sgd -- stochastic gradient descent with momentum over all trained parameters.   kernels/optim
 *
 * g += decay p; m = momentum m + g; p -= lr m, of every tensor alike (torch.optim.SGD without dampening). Taps that live
 * nowhere are in two numbers a tensor (struct dead_state), exactly. */
#ifndef PETREL_KERNELS_OPTIM_SGD_H
#define PETREL_KERNELS_OPTIM_SGD_H
#include "kernels/tape.h"

struct sgd {
    struct params *params;
    float *momentum, *rates; /* device */
    double *squares;         /* device: of all gradients, where they are clipped */
    float factor, decay;
};
/* Parameters must be sealed. momentum: a block laid out as params->grads, zero. */
void sgd_open(struct sgd *o, struct params *p, double momentum, double weight_decay);
void sgd_close(struct sgd *o);
/* The rate of the steps to come: before a step, outside what is recorded. */
void sgd_rate(struct sgd *o, double lr);
/* One step with the gradients there are, clipped first where clip_norm > 0. */
void sgd_step(struct sgd *o, double clip_norm);
#endif
