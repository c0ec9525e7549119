/* SPDX-License-Identifier: Apache-2.0 */
/* optimiser -- one table for all of them: open, rate before a step, step, and the state by name.   kernels/optim
 *
 * A new optimiser is a file with its functions and a row in optimiser.c; its settings are those of struct optimiser_settings. */
#ifndef PETREL_KERNELS_OPTIM_OPTIMISER_H
#define PETREL_KERNELS_OPTIM_OPTIMISER_H
#include "kernels/optim/adamw.h"
#include "kernels/optim/lars.h"
#include "kernels/optim/sgd.h"

struct optimiser_settings {
    double momentum, weight_decay, trust; /* momentum: lars, sgd; trust: lars */
    double clip_norm;                     /* lars, sgd, adamw; 0: not */
    bool coupled;                         /* adamw: L2 in the gradient */
};
enum { OPTIMISER_STATES = 2 };
struct optimiser_state {
    const char *name; /* "momentum"; in checkpoints "momentum.NAME" */
    float *block;     /* laid out as params->grads */
};

struct optimiser;
struct optimiser_kind {
    const char *name;
    void (*open)(struct optimiser *o, struct params *p, const struct optimiser_settings *s);
    void (*close)(struct optimiser *o);
    void (*rate)(struct optimiser *o, double lr); /* of the next step: outside what is recorded */
    void (*step)(struct optimiser *o);            /* with the gradients there are, clipped first */
    size_t (*state)(const struct optimiser *o, struct optimiser_state state[OPTIMISER_STATES]); /* how many */
};
struct optimiser {
    const struct optimiser_kind *kind;
    double clip_norm;
    union {
        struct lars lars;
        struct sgd sgd;
        struct adamw adamw;
    } of;
};

/* "lars", "sgd", "adamw", whose operations b must have: NULL and a sentence otherwise. */
const struct optimiser_kind *optimiser_find(const char *name, const struct backend *b, struct error *e) MUST_USE;
/* Parameters must be sealed. Its state is zero. */
void optimiser_open(struct optimiser *o, const struct optimiser_kind *kind, struct params *p,
                    const struct optimiser_settings *s);
void optimiser_close(struct optimiser *o);
/* How many steps it has taken, where its rate depends on that (Adam's corrections); a resumed run says so. */
void optimiser_resume(struct optimiser *o, int64_t steps);
int64_t optimiser_steps(const struct optimiser *o);
#endif
