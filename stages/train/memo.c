/* SPDX-License-Identifier: Apache-2.0 */
/* memo -- embeddings of the frozen encoder, computed once for each draw of a batch.   [train] */
#include "stages/train/memo.h"
#include <stdlib.h>

void memo_open(struct memo *m, int64_t draws, int64_t steps, int batch, int embedding)
{
    *m = (struct memo){.draws = draws, .steps = steps, .batch = batch, .embedding = embedding};
    m->at = xalloc((size_t)(draws * steps) + 1, sizeof *m->at);
}

void memo_close(struct memo *m)
{
    for (int64_t i = 0; i < m->draws * m->steps; i++) {
        free(m->at[i].embedding);
        free(m->at[i].label);
    }
    free(m->at);
    *m = (struct memo){0};
}

struct embedded *memo_at(struct memo *m, int64_t draw, int64_t step)
{
    return &m->at[draw * m->steps + step];
}

void memo_room(struct memo *m, struct embedded *x, int count)
{
    x->count = count;
    if (x->embedding)
        return;
    x->embedding = xalloc((size_t)m->batch * (size_t)m->embedding, sizeof *x->embedding);
    x->label = xalloc((size_t)m->batch, sizeof *x->label);
}
