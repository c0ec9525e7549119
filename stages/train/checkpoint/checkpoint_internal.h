/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_own -- what the files of a checkpoint share and nobody else sees.   [train] */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_CHECKPOINT_INTERNAL_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_CHECKPOINT_INTERNAL_H
#include "stages/train/checkpoint/checkpoint.h"

/* checkpoint_files.c: RUN/checkpoint-PHASE-000000123.safetensors, RUN/PHASE-best-000000123.safetensors; the caller's */
char *checkpoint_path(const struct train *t, int64_t steps) MUST_USE;
char *best_path(const struct train *t, int64_t steps) MUST_USE;
/* Steps of a file called "PREFIXn.safetensors", or -1. */
int64_t checkpoint_steps(const char *name, const char *prefix);
/* Every file HEAD PHASE TAIL n .safetensors but those of a and b goes. */
int checkpoint_sweep(const struct train *t, const char *head, const char *tail, int64_t a, int64_t b,
                     struct error *e) MUST_USE;
/* -1 and a sentence with the first line in which the settings there differ from this run's. */
int checkpoint_fail_other(const struct train *t, const char *there, struct error *e);

/* checkpoint.c: the best model becomes the parameters */
int checkpointer_take_best(struct checkpointer *k, const struct cursor *at, struct error *e) MUST_USE;
#endif
