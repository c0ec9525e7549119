/* SPDX-License-Identifier: Apache-2.0 */
/* embed -- the representation of every region, for whoever looks further.   score, tsne -> [embed] ═▶ TSV, HDF5
 *
 * FILE.tsv   comment line, head, a row a region: row (of the cache), patient, label, probability, tsne_x, tsne_y, e0 ... ; with --neighbours K
 *            before e0 the column `nearest`: "row:distance" of its K nearest in the table, comma separated
 * FILE.h5    /row /label /probability [n], /tsne [n][2], /embedding [n][width], /patient [n][40] (bytes, NUL-filled), and with
 *            --neighbours /nearest_row, /nearest_distance [n][K]; attributes of "/": version, cohort, model, cache, seed */
#ifndef PETREL_EVAL_EMBED_H
#define PETREL_EVAL_EMBED_H
#include "stages/eval/score.h"

int embed_write(const struct scores *s, const struct cache *c, const struct model *m, const char *model_path,
                size_t neighbours, const char *path, struct error *e) MUST_USE;
#endif
