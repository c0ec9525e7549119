/* SPDX-License-Identifier: Apache-2.0 */
/* facts -- what a cache knows of each region and scan, beside boxes and labels.   cache ═▶ [facts] -> baselines, strata, patients, page */
#ifndef PETREL_EVAL_FACTS_H
#define PETREL_EVAL_FACTS_H
#include "proto/cache.h"

struct facts {
    struct region *region; /* by row of the cache */
    struct scan_facts *scan;
    struct grid *grid;
    struct lesions *lesions; /* these three by shard */
    char (*site)[64];        /* by shard, "" where not said; NULL: nobody said */
    size_t shards;
};
int facts_read(struct facts *f, const struct cache *c, struct error *e) MUST_USE;
/* Whose scans are of which site: a table of two columns with a head, patient and site, tab-separated; a cache itself knows no site. -1 and a
 * sentence: a line of another form, or a patient the cache lacks. */
int facts_sites(struct facts *f, const struct cache *c, const char *path, struct error *e) MUST_USE;
void facts_free(struct facts *f);
/* Where a region stands between the scan's lowest and highest slice: 0 to 1, the head's end. */
double facts_height(const struct facts *f, size_t row, int32_t shard);
#endif
