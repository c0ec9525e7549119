/* SPDX-License-Identifier: Apache-2.0 */
/* embedding_cache -- embeddings of the frozen encoder, computed once for each draw of a batch.   [train] */
#ifndef PETREL_STAGES_TRAIN_BATCHES_EMBEDDING_CACHE_H
#define PETREL_STAGES_TRAIN_BATCHES_EMBEDDING_CACHE_H
#include "common/base.h"

/* [count][E], [count][9], [count]; embedding NULL: not there yet */
struct embedded {
    float *embedding, *position;
    int32_t *label;
    int count;
};
/* Batches by (draw, step), room for `batch` items each; memory comes with the first of each. */
struct embedding_cache {
    struct embedded *at;
    int64_t draws, steps;
    int batch, embedding;
};
void embedding_cache_open(struct embedding_cache *m, int64_t draws, int64_t steps, int batch, int embedding);
void embedding_cache_close(struct embedding_cache *m);
struct embedded *embedding_cache_at(struct embedding_cache *m, int64_t draw, int64_t step);
/* Room for count items, kept where there is some already. */
void embedding_cache_reserve(struct embedding_cache *m, struct embedded *x, int count);
#endif
