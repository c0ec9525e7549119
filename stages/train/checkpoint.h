/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint -- the state of a phase on disk: atomic, checked, the last two kept.   [train] ═▶ checkpoints
 *
 * RUN/checkpoint-PHASE-STEPS.safetensors holds every parameter that is not frozen (PyTorch's names; shapes too, but a
 * convolution's is (O,C,live taps)), the optimiser's moments as "momentum.NAME", what became of dead taps as "dead.NAME"
 * (scale, momentum, squares: struct dead_state), the place, and the settings of its run. PHASE-best-STEPS.safetensors beside it
 * is the best model in the same form without moments, one for each of the two checkpoints kept. */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_H
#include "stages/train/first.h"
#include "stages/train/train.h"

struct moment {
    const char *name;
    float *block;
}; /* laid out as params->grads */
struct keeper {
    const struct train *train;
    struct params *params;
    struct moment moment[2];
    size_t moments;
    struct first first;
    /* NULL, or brings q->dead_weights or *q->dead_state to where they are after so many steps (adamw.h) */
    void (*age)(void *context, struct param *q, int64_t steps);
    void *age_context;
    int64_t writing; /* steps of the model file being written */
    void *best_host; /* the best model's tensors, until the next checkpoint writes them */
    struct safetensors best;
    /* checkpoints on disk, the newer first, and the best models they name; -1 none */
    struct {
        int64_t steps, best;
    } kept[2];
    double saved_s; /* when the last checkpoint was */
};
/* p has its values, and params_keep_dead_weights was asked: the keeper takes what that kept. */
int keeper_open(struct keeper *k, const struct train *t, struct params *p, const struct moment *moment, size_t moments,
                struct error *e) MUST_USE;
void keeper_close(struct keeper *k);

/* 1: *at and the tensors are as the newest sound checkpoint has them; 0: there is none; -1: there is one of other
 * settings, or none that can be read. */
int checkpoint_load(struct keeper *k, struct place *at, struct error *e) MUST_USE;
int checkpoint_save(struct keeper *k, const struct place *at, struct error *e) MUST_USE;
static inline bool checkpoint_due(const struct keeper *k)
{
    return now_s() - k->saved_s >= k->train->checkpoint_s;
}
/* Remember the parameters as they are for the best model. */
void keeper_note_best(struct keeper *k, const struct place *at);

/* The phase is over: publish the last model as RUN/PHASE-last.safetensors and the best as --out, note RUN/PHASE.done, and
 * take the checkpoints away. The parameters are the best model's then. */
int keeper_finish(struct keeper *k, const struct place *at, struct error *e) MUST_USE;
/* Publish the parameters as they are as --out, the phase not being over. */
int keeper_write_out(struct keeper *k, const struct place *at, struct error *e) MUST_USE;
/* 1: the phase is over already, with these settings; 0: not; -1: with others. */
int checkpoint_finished(const struct train *t, struct error *e) MUST_USE;
/* Takes away whatever an earlier run of this phase left (--restart), or only what a killed one left half-written. */
int checkpoint_clear(const struct train *t, bool everything, struct error *e) MUST_USE;
#endif
