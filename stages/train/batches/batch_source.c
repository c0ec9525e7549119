/* SPDX-License-Identifier: Apache-2.0 */
/* batch_source -- training batches in the order they are wanted, whoever makes them.   tasks ─▶ pairs ─▶ [batch_source] */
#include "stages/train/batches/batch_source.h"

int batch_source_take(struct batch_source *s, struct pair_batch_message *b, struct error *e)
{
    double begun = now_s();
    int got = s->kind->take(s, b, e);
    s->waited_s += now_s() - begun;
    return got;
}

double batch_source_waited_s(const struct batch_source *s)
{
    return s->waited_s;
}

void batch_source_close(struct batch_source **s, bool end)
{
    if (*s)
        (*s)->kind->close(*s, end);
    *s = NULL;
}
