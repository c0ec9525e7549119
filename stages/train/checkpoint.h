/* checkpoint -- the state of a phase on disk: atomic, checked, the last two kept.   [train] ═▶ checkpoints
 *
 * RUN/checkpoint-PHASE-STEPS.safetensors holds every parameter that is not frozen (PyTorch's names and shapes), the
 * optimiser's moments as "momentum.NAME", the place, and the settings of its run. Best models lie beside it as PHASE-best-STEPS.safetensors,
 * those named by the two checkpoints kept. */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_H
#include "stages/train/train.h"

struct moment { const char *name; float *block; }; /* laid out as params->grads */
struct keeper {
    const struct train *train;
    struct params *params;
    struct moment moment[2];
    size_t moments;
    float *host;              /* staging for a checkpoint or a model file */
    float *best_host;         /* the best model, until the next checkpoint writes it */
    struct safetensors best;
    /* checkpoints on disk, the newer first, and the best models they name; -1 none */
    struct { int64_t steps, best; } kept[2];
    double saved_s;           /* when the last checkpoint was */
};
void keeper_open(struct keeper *k, const struct train *t, struct params *p, const struct moment *moment,
                 size_t moments);
void keeper_close(struct keeper *k);

/* 1: *at and the tensors are as the newest sound checkpoint has them; 0: there is none; -1: there is one of other
 * settings, or none that can be read. */
int checkpoint_load(struct keeper *k, struct place *at, struct error *e) MUST_USE;
int checkpoint_save(struct keeper *k, const struct place *at, struct error *e) MUST_USE;
static inline bool checkpoint_due(const struct keeper *k) { return now_s() - k->saved_s >= k->train->checkpoint_s; }
/* Remember the parameters as they are for the best model. */
void keeper_note_best(struct keeper *k, const struct place *at);

/* The phase is over: publish the best model as --out and the last as RUN/PHASE-last.safetensors, note RUN/PHASE.done,
 * and take the checkpoints away. */
int keeper_finish(struct keeper *k, const struct place *at, struct error *e) MUST_USE;
/* Publish the parameters as they are as --out, the phase not being over. */
int keeper_write_out(struct keeper *k, const struct place *at, struct error *e) MUST_USE;
/* 1: the phase is over already, with these settings; 0: not; -1: with others. */
int checkpoint_finished(const struct train *t, struct error *e) MUST_USE;
/* Takes away whatever an earlier run of this phase left (--restart), or only what a killed one left half-written. */
int checkpoint_clear(const struct train *t, bool everything, struct error *e) MUST_USE;
#endif
