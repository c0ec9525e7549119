/* SPDX-License-Identifier: Apache-2.0 */
/* rows -- which models a table of the paper has in which row, and what the paper printed there.   pipelines/tables ═▶ [rows] -> paper
 *
 * Two tab-separated files. The rows, a line a row and seed (pipelines/tables/lib.sh writes them):
 *     # table<TAB>I          # title<TAB>...
 *     name against like seed model note
 * against: the row it is tested against, "-": see paper.h; like: the row whose precision and specificity its threshold is chosen for, "-": the
 * model's own threshold; model: a file, or "-", and then note says why there is none. The paper's figures:
 *     name threshold sensitivity specificity precision f1 balanced_accuracy auc
 * as printed, with their stars; "-" where the paper has none. */
#ifndef PETREL_EVAL_ROWS_H
#define PETREL_EVAL_ROWS_H
#include "common/base.h"
#include "stages/eval/statistics/metrics.h"

enum { ROW_SEEDS = 32, ROW_NAME = 64, ROW_NOTE = 400, PRINTED = 12 };
struct row {
    char name[ROW_NAME], against[ROW_NAME], like[ROW_NAME], note[ROW_NOTE]; /* "" for "-" */
    size_t seeds, models;                                                   /* asked for; there */
    char *model[ROW_SEEDS];
    long long seed[ROW_SEEDS];                   /* of each model */
    char printed[1 + METRICS_OF_PAPER][PRINTED]; /* the paper's: threshold, then its metrics; "" for none */
};
struct rows {
    char table[16], title[160];
    struct row *row;
    size_t count;
};
/* -1 and a sentence naming file and line. paper: NULL for none. */
int rows_read(struct rows *r, const char *path, const char *paper, struct error *e) MUST_USE;
void rows_free(struct rows *r);
/* Of that name, or SIZE_MAX. */
size_t rows_find(const struct rows *r, const char *name);
#endif
