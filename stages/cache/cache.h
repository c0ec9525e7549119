/* SPDX-License-Identifier: Apache-2.0 */
/* cache -- the seven things petrel-cache does with a directory.   roi -> [cache] -> pairs, train, eval
 * Each returns the exit code, or dies on what cannot be gone on from. */
#ifndef PETREL_STAGES_CACHE_H
#define PETREL_STAGES_CACHE_H
#include "proto/cache.h"
#include "proto/recipe.h"
#include "stages/stage.h"

struct cache_options {
    struct stage_options ends;
    double validation, test;
    bool force, keep, link;
    struct recipe recipe;
};

int cache_collect(const char *dir, const struct cache_options *o, const struct opts_common *common);
int cache_verify(const char *dir, const struct cache_options *o, const struct opts_common *common);
int cache_list(const char *dir, const struct cache_options *o, const struct opts_common *common);
/* into <- other caches, each named */
int cache_gather(char *const *dir, size_t count, const struct cache_options *o, const struct opts_common *common);
/* Of the truth's lesions, those that regions hold. EX_NOINPUT: no scan of the cache has a truth that was looked at. */
int cache_recall(const char *dir, const struct cache_options *o, const struct opts_common *common);
/* DIR/pictures/SCAN.png: what is not there yet. */
int cache_pictures(const char *dir, const struct cache_options *o, const struct opts_common *common);
int cache_divide(const char *dir, const struct cache_options *o, const struct opts_common *common);
/* The same as cache_list, as one JSON object with every fact of every scan. */
int cache_list_json(const struct cache *c);
/* "; simulated cohort" and the like; "" where it is of patients. */
const char *cohort_words(const struct cache *c);
#endif
