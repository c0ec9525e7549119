/* SPDX-License-Identifier: Apache-2.0 */
/* score -- a model's word on every region of a split.   cache, model -> [score] -> metrics, report */
#ifndef PETREL_EVAL_SCORE_H
#define PETREL_EVAL_SCORE_H
#include "proto/cache.h"
#include "stages/model.h"

/* Regions in the order of the cache's rows. Which ones: labelled rows of the split asked for. */
struct scores {
    size_t n, width;
    size_t *row; /* row in the cache */
    int32_t *label, *patient, *shard, *row_in_shard;
    float *probability; /* of tumour; NULL for a model without a classifier */
    float *embedding;   /* [n][width] */
};
/* which: SPLIT_TEST, ... or SPLIT_NONE for every row, labelled or not. border = drop leaves clipped boxes out. */
int scores_make(struct scores *s, const struct cache *c, struct model *m, enum split which, struct error *e) MUST_USE;
void scores_free(struct scores *s);
enum split split_of(const char *name);
extern const char *const split_name[]; /* by enum split; [SPLIT_NONE] is not there */
#endif
