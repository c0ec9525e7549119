/* SPDX-License-Identifier: Apache-2.0 */
/* adamw -- Adam over all trained parameters, with decoupled weight decay or (coupled) L2.   kernels/optim */
#ifndef PETREL_KERNELS_OPTIM_ADAMW_H
#define PETREL_KERNELS_OPTIM_ADAMW_H
#include "kernels/tape.h"

struct adamw {
    struct params *params;
    float *m, *v, *rates; /* device */
    double *squares;      /* device: of all gradients, where they are clipped */
    float decay;
    bool coupled;
    int64_t step; /* steps taken */
};
/* Parameters must be sealed. m and v: blocks laid out as params->grads, zero. beta 0.9, 0.999, eps 1e-8. */
void adamw_open(struct adamw *o, struct params *p, double weight_decay, bool coupled);
void adamw_close(struct adamw *o);
/* The next step's number and rate: before each adamw_step, outside what is recorded. */
void adamw_rate(struct adamw *o, double lr);
void adamw_step(struct adamw *o);
/* Before a step: its gradients are brought under clip_norm in all (0: left alone). */
void adamw_clip(const struct adamw *o, double clip_norm);
/* Dead taps of q after so many steps at this rate, all with gradient 0: a step neither knows nor needs them, so this is asked
 * when they are wanted whole. Decoupled decay is linear: *q->dead_state gets the scale. Coupled it is not: q->dead_weights (which must be
 * there) is taken through the steps by b->adamw itself, number by number what a dense tensor would have become. */
void adamw_age(const struct adamw *o, struct param *q, double lr, int64_t steps);
#endif
