/* SPDX-License-Identifier: Apache-2.0 */
/* missed -- lesions of the truth that lie in no region called tumour.   cache ═▶ [missed] -> report, page */
#include "stages/eval/missed.h"
#include <stdlib.h>

int missed_make(struct missed *m, const struct cache *c, const bool *which, struct error *e)
{
    *m = (struct missed){.known = true};
    for (size_t i = 0; i < c->shard_count; i++) {
        struct lesions l;
        if (!which[i])
            continue;
        if (cache_read_lesions(c, i, &l, e) < 0) {
            missed_free(m);
            return -1;
        }
        m->known &= l.known != 0;
        m->lesions += l.count;
        for (size_t k = 0; k < l.count; k++)
            if (!(l.lesion[k].in_tumours > 0.0)) {
                m->one = xresize(m->one, m->count + 1, sizeof *m->one);
                m->one[m->count++] = (struct missed_lesion){(int32_t)i, l.lesion[k]};
                m->ml += l.lesion[k].ml;
            }
        lesions_free(&l);
    }
    if (!m->known)
        missed_free(m);
    return 0;
}

void missed_free(struct missed *m)
{
    free(m->one);
    *m = (struct missed){.known = false};
}
