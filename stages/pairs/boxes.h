/* SPDX-License-Identifier: Apache-2.0 */
/* boxes -- the cache's boxes, standardised once and kept in memory where they fit.   task -> [pairs] -> train */
#ifndef PETREL_STAGES_PAIRS_BOXES_H
#define PETREL_STAGES_PAIRS_BOXES_H
#include "proto/cache.h"
#include "proto/recipe.h"

struct boxes {
    const struct recipe *recipe;
    const struct cache *cache;
    const struct cache_row *rows;
    int channels;
    float *kept;               /* NULL: read from the cache each time */
    uint32_t *slot;            /* [regions]: place in kept */
    struct box_reader *reader; /* opened at the first read, so that a forked worker has its own */
};

/* Preloads every box training may ask for (patients of the training and validation splits) if they take at most
 * memory_bytes; otherwise boxes_get reads. recipe, cache and rows are borrowed for as long as b is open. */
int boxes_open(struct boxes *b, const struct recipe *r, const struct cache *c, const struct cache_row *rows,
               uint64_t memory_bytes, struct error *e) MUST_USE;
/* One row's box, [channels][16][16][16], standardised as the recipe says. */
int boxes_get(struct boxes *b, uint32_t row, float *box, struct error *e) MUST_USE;
size_t boxes_size(const struct boxes *b); /* floats of one box, all channels */
void boxes_close(struct boxes *b);
#endif
