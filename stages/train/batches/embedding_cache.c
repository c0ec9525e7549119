/* SPDX-License-Identifier: Apache-2.0 */
/* embedding_cache -- embeddings of the frozen encoder, computed once for each draw of a batch.   [train] */
#include "stages/train/batches/embedding_cache.h"
#include "proto/message.h"
#include <stdlib.h>

void embedding_cache_open(struct embedding_cache *m, int64_t draws, int64_t steps, int batch, int embedding)
{
    *m = (struct embedding_cache){.draws = draws, .steps = steps, .batch = batch, .embedding = embedding};
    m->at = xalloc((size_t)(draws * steps) + 1, sizeof *m->at);
}

void embedding_cache_close(struct embedding_cache *m)
{
    for (int64_t i = 0; i < m->draws * m->steps; i++) {
        free(m->at[i].embedding);
        free(m->at[i].position);
        free(m->at[i].label);
    }
    free(m->at);
    *m = (struct embedding_cache){0};
}

struct embedded *embedding_cache_at(struct embedding_cache *m, int64_t draw, int64_t step)
{
    return &m->at[draw * m->steps + step];
}

void embedding_cache_reserve(struct embedding_cache *m, struct embedded *x, int count)
{
    x->count = count;
    if (x->embedding)
        return;
    x->embedding = xalloc((size_t)m->batch * (size_t)m->embedding, sizeof *x->embedding);
    x->position = xalloc((size_t)m->batch * POSITION_SIZE, sizeof *x->position);
    x->label = xalloc((size_t)m->batch, sizeof *x->label);
}
