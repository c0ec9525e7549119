/* SPDX-License-Identifier: Apache-2.0 */
/* evaluation -- everything a report says of one model.   score, metrics -> [evaluation] -> report, metrics.json */
#ifndef PETREL_EVAL_EVALUATION_H
#define PETREL_EVAL_EVALUATION_H
#include "stages/eval/losses.h"
#include "stages/eval/score.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/delong.h"
#include "stages/eval/statistics/metrics.h"
#include "stages/eval/statistics/roc.h"
#include "stages/eval/statistics/wilcoxon.h"

enum { MODELS_MOST = 4, CURVES_MOST = 8 };
struct evaluation {
    const char *path;
    char title[64]; /* "with position", "without position", ... */
    struct model model;
    struct scores scores;
    double threshold, value[METRICS];
    struct confusion confusion;
    struct bootstrap bootstrap;
};
struct report {
    const struct cache *cache;
    enum split split;
    uint64_t seed;
    struct evaluation model[MODELS_MOST];
    size_t models;
    struct delong delong;     /* of the first two */
    struct wilcoxon wilcoxon; /* of the first two: |probability - truth| a region */
    struct losses curve[CURVES_MOST];
    size_t curves;
    char cohort[64]; /* "simulated cohort", ... or "" */
};
/* Opens the models, scores the split, computes everything but the curves. -1: a model without classifier, no labelled regions, ... */
int report_make(struct report *r, const struct cache *c, const struct opt_strings *models, enum split split,
                const struct backend_wish *w, uint64_t seed, struct error *e) MUST_USE;
/* losses.csv and classifier-losses.csv of a run directory; which are not there are not drawn. */
int report_curves(struct report *r, const char *run_dir, struct error *e) MUST_USE;
void report_free(struct report *r);

int report_html(const struct report *r, const char *path, struct error *e) MUST_USE;
int report_json(const struct report *r, const char *path, struct error *e) MUST_USE;
/* The table people see at the end of a run. */
void report_print(const struct report *r, FILE *to);
#endif
