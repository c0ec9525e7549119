/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint -- the state of a phase on disk: atomic, checked, the last two kept.   [train] ═▶ checkpoints
 *
 * RUN/checkpoint-PHASE-STEPS.safetensors holds every parameter that is not frozen (PyTorch's names; shapes too, but a
 * convolution's is (O,C,live taps)), the optimiser's state as "momentum.NAME", a teacher's parameters as "teacher.NAME", what else a
 * method keeps under its name ("queue"), what became of dead taps as "dead.NAME"
 * (scale, momentum, squares: struct dead_state), the cursor, and the settings of its run. PHASE-best-STEPS.safetensors beside it
 * is the best model in the same form without it, one for each of the two checkpoints kept. */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_CHECKPOINT_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_CHECKPOINT_H
#include "kernels/optim/optimiser.h"
#include "stages/train/checkpoint/cursor.h"
#include "stages/train/checkpoint/dead_weights.h"
#include "stages/train/train.h"

enum { CHECKPOINT_STATES = 8 };
struct checkpointer {
    const struct train *train;
    struct params *params;
    struct optimiser_state state[OPTIMISER_STATES];
    size_t states;
    struct params *teacher; /* NULL, or saved as "teacher.NAME" */
    struct named_state {    /* device memory saved by its name (checkpointer_add) */
        const char *name;
        float *data;
        int64_t dim[2];
    } named[CHECKPOINT_STATES];
    size_t names;
    struct dead_weights dead_weights;
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
int checkpointer_open(struct checkpointer *k, const struct train *t, struct params *p,
                      const struct optimiser_state *state, size_t states, struct error *e) MUST_USE;
/* Before anything is loaded: what else a checkpoint holds. */
void checkpointer_add(struct checkpointer *k, const char *name, float *data, int rows, int columns);
void checkpointer_close(struct checkpointer *k);

/* 1: *at and the tensors are as the newest sound checkpoint has them; 0: there is none; -1: there is one of other
 * settings, or none that can be read. */
int checkpoint_load(struct checkpointer *k, struct cursor *at, struct error *e) MUST_USE;
int checkpoint_save(struct checkpointer *k, const struct cursor *at, struct error *e) MUST_USE;
static inline bool checkpoint_due(const struct checkpointer *k)
{
    return now_s() - k->saved_s >= k->train->checkpoint_s;
}
/* Remember the parameters as they are for the best model. */
void checkpointer_note_best(struct checkpointer *k, const struct cursor *at);

/* Takes away whatever an earlier run of this phase left (--restart), or only what a killed one left half-written. */
int checkpoint_clear(const struct train *t, bool everything, struct error *e) MUST_USE;
#endif
