/* SPDX-License-Identifier: Apache-2.0 */
/* memo -- embeddings of the frozen encoder, computed once for each draw of a batch.   [train] */
#ifndef PETREL_STAGES_TRAIN_MEMO_H
#define PETREL_STAGES_TRAIN_MEMO_H
#include "common/base.h"

/* [count][E], [count]; embedding NULL: not there yet */
struct embedded {
    float *embedding;
    int32_t *label;
    int count;
};
/* Batches by (draw, step), room for `batch` items each; memory comes with the first of each. */
struct memo {
    struct embedded *at;
    int64_t draws, steps;
    int batch, embedding;
};
void memo_open(struct memo *m, int64_t draws, int64_t steps, int batch, int embedding);
void memo_close(struct memo *m);
struct embedded *memo_at(struct memo *m, int64_t draw, int64_t step);
/* Room for count items, kept where there is some already. */
void memo_room(struct memo *m, struct embedded *x, int count);
#endif
