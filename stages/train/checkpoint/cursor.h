/* SPDX-License-Identifier: Apache-2.0 */
/* cursor -- where a training run stands; metadata of its checkpoint.   [train] ═▶ checkpoints */
#ifndef PETREL_STAGES_TRAIN_CHECKPOINT_CURSOR_H
#define PETREL_STAGES_TRAIN_CHECKPOINT_CURSOR_H
#include "common/safetensors.h"
#include "stages/train/early_stopping.h"

/* The next step to take, and the sums that stand over from steps taken. step may equal the steps of
 * an epoch: then its validation comes next. */
struct cursor {
    int64_t epoch, step, steps; /* steps in all */
    double sum[4], count;       /* this epoch's: loss and terms times items, items */
    double seconds;             /* of training so far, without the time it lay still */
    struct early_stopping stopping;
    int64_t history_bytes; /* rows of the history up to here */
    int64_t events_bytes;  /* and of the event file; 0: there is none */
    int64_t optimiser_steps;
};

void cursor_write(struct safetensors *s, const struct cursor *at);
/* -1 and a sentence: a number is missing, or is none. */
int cursor_read(const struct safetensors *s, struct cursor *at, struct error *e) MUST_USE;
#endif
