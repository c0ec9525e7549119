/* SPDX-License-Identifier: Apache-2.0 */
/* provenance -- what a result was made by and of: version with its commit, split, cache, and each model's file, settings, recipe, seed and maker.
 * evaluation -> [provenance] -> every output of petrel-eval
 *
 * Digests are SHA-256: of a model's file; of its settings (the metadata's text, every setting); a cache's own (proto/cache.h). People see the
 * first 12 digits; metrics.json, CSV and HDF5 have them whole. */
#ifndef PETREL_EVAL_PROVENANCE_H
#define PETREL_EVAL_PROVENANCE_H
#include "stages/eval/dress.h"
#include "stages/eval/evaluation.h"

void settings_digest(const struct model *m, char hex[65]);
/* "petrel-eval 0.1.0+abc, test split, cache 012345678901". The caller's; so are all. */
char *provenance_of_cache(const char *cache_digest, const char *split) MUST_USE;
/* "NAME: file 0123456789ab, settings 0123456789ab, recipe demo, seed 1, by petrel 0.1.0+abc of cache 0123456789ab" */
char *provenance_of_model(const char *name, const char *file_digest, const struct model *m) MUST_USE;
/* All of a report's, a note a line. */
void provenance_notes(const struct report *r, const struct dress *d, FILE *to);
/* In CSV: the columns' names, and a model's cells for them. */
#define PROVENANCE_COLUMNS "split,program,cache,model_sha256,settings_sha256,recipe,trained_by,trained_on"
void provenance_cells(const struct report *r, const struct evaluation *v, FILE *to);
#endif
