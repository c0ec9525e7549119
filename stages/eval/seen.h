/* SPDX-License-Identifier: Apache-2.0 */
/* seen -- has the model seen the patients it is asked about?   model, cache -> [seen] -> report, page, table */
#ifndef PETREL_EVAL_SEEN_H
#define PETREL_EVAL_SEEN_H
#include "proto/cache.h"
#include "stages/eval/facts.h"
#include "stages/model.h"

struct seen {
    bool known; /* false: the model does not say whom it learned from */
    /* with regions or truth in the split; of them, those it or what it began from learned from; those that it was only chosen by */
    size_t patients, learned, chosen;
    size_t twins; /* seen_twins */
};
/* looked_at: by shard of the cache */
void seen_make(struct seen *s, const struct cache *c, const bool *looked_at, const struct model *m);
/* Scans looked at whose source files are, byte for byte, those of a scan of the cache's training or validation patients: one scan under two names. */
size_t seen_twins(const struct cache *c, const struct facts *f, const bool *looked_at);
/* What has to be said before any figure of the model; "" where there is nothing. The caller's. */
char *seen_sentence(const struct seen *s, const char *name, const char *split) MUST_USE;
#endif
