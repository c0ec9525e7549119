/* SPDX-License-Identifier: Apache-2.0 */
/* model_publish -- the end of a phase: model files and the note that it is over.   [train] ═▶ RUN */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_MODEL_PUBLISH_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_MODEL_PUBLISH_H
#include "stages/train/checkpoint/checkpoint.h"

/* The phase is over: publish the last model as RUN/PHASE-last.safetensors and the best as --out, note RUN/PHASE.done, and
 * take the checkpoints away. The parameters are the best model's then. */
int model_publish_final(struct checkpointer *k, const struct cursor *at, struct error *e) MUST_USE;
/* Publish the parameters as they are as --out, the phase not being over. */
int model_publish_current(struct checkpointer *k, const struct cursor *at, struct error *e) MUST_USE;
/* 1: the phase is over already, with these settings; 0: not; -1: with others. */
int model_published(const struct train *t, struct error *e) MUST_USE;
#endif
