/* SPDX-License-Identifier: Apache-2.0 */
/* source -- training batches in the order they are wanted, whoever makes them.   tasks ─▶ pairs ─▶ [source] */
#include "stages/train/source.h"

int source_take(struct source *s, struct pair_batch_message *b, struct error *e)
{
    double begun = now_s();
    int got = s->kind->take(s, b, e);
    s->waited_s += now_s() - begun;
    return got;
}

double source_waited_s(const struct source *s)
{
    return s->waited_s;
}

void source_close(struct source **s, bool end)
{
    if (*s)
        (*s)->kind->close(*s, end);
    *s = NULL;
}
