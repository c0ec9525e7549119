/* SPDX-License-Identifier: Apache-2.0 */
/* facts -- what a cache knows of each region and scan, beside boxes and labels.   cache ═▶ [facts] -> baselines, strata, patients, page */
#include "stages/eval/facts.h"
#include <stdlib.h>
#include <string.h>

int facts_read(struct facts *f, const struct cache *c, struct error *e)
{
    *f = (struct facts){xalloc(c->regions + 1, sizeof *f->region), xalloc(c->shard_count + 1, sizeof *f->scan),
                        xalloc(c->shard_count + 1, sizeof *f->grid), xalloc(c->shard_count + 1, sizeof *f->lesions),
                        c->shard_count};
    for (size_t i = 0; i < c->shard_count; i++) {
        struct regions_message m;
        if (cache_read_shard(c, i, false, &m, e) < 0) {
            facts_free(f);
            return -1;
        }
        memcpy(f->region + c->shard[i].first_row, m.region, m.count * sizeof *m.region);
        f->scan[i] = m.facts;
        f->grid[i] = m.grid;
        f->lesions[i] = m.lesions;
        m.lesions = (struct lesions){0};
        regions_message_free(&m);
    }
    return 0;
}

void facts_free(struct facts *f)
{
    for (size_t i = 0; i < f->shards; i++)
        lesions_free(&f->lesions[i]);
    free(f->lesions);
    free(f->region);
    free(f->scan);
    free(f->grid);
    memset(f, 0, sizeof *f);
}

double facts_height(const struct facts *f, size_t row, int32_t shard)
{
    int64_t slices = f->grid[shard].dim[0]; /* z grows to the head */
    return slices > 1 ? f->region[row].centroid[0] / (double)(slices - 1) : 0.5;
}
