/* SPDX-License-Identifier: Apache-2.0 */
/* model_patients -- which patients a model has seen, as a list of digests.   train ═▶ [model] ═▶ eval, classify
 *
 * "1f0c...e2 77ab...09": 16 hexadecimal digits of the SHA-256 of what the cache calls a patient (which is a salted hash itself, unless
 * identifiers were kept), in ascending order, a blank between two. So a model can be asked about a patient and says nothing of others.
 * One patient has one name wherever the same salt named it. */
#ifndef PETREL_STAGES_MODEL_PATIENTS_H
#define PETREL_STAGES_MODEL_PATIENTS_H
#include "proto/cache.h"

/* The patients of these shards of a cache (by shard; NULL: none), and those of a list that was there before (NULL: none). The caller's. */
char *model_patients_list(const struct cache *c, const bool *shard, const char *before) MUST_USE;
/* Is one that the cache calls so in the list? NULL: no list, so no. */
bool model_patients_has(const char *list, const char *patient);
#endif
