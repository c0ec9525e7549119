/* SPDX-License-Identifier: Apache-2.0 */
/* paper -- one of the paper's tables: our figures beside those it printed.   rows, evaluation -> [paper] ═▶ I.txt I.csv I.tex I.html I.md
 *
 * A row's figures are the means over its models (seeds), in brackets their spread (n - 1). Marks, of the first model of each row:
 *     *   Wilcoxon's signed-rank test on |probability - truth| of regions, p < 0.05: the paper's own test. It stands at the best of a column, tested
 *         against the second (what the paper does), or, where a row names the one it is tested against, at that row's AUC. Only where the errors of the
 *         row that has it are the smaller: the test is the same for every column, so of two rows that are each the best of some, one alone can have it.
 *     dagger   at AUC, the same two rows, the row's AUC the higher: DeLong's test clustered by patient, p < 0.05 after Holm over the table's tests of
 *              AUC, and the permutation by patient, p < 0.05 (with few patients the first alone is too bold)
 * The first takes regions for independent and corrects for nothing, as the paper's; the second does both. Baselines that know only SUV, volume and
 * place stand below, with the sentence that says which rows exceed the best of them. */
#ifndef PETREL_EVAL_PAPER_H
#define PETREL_EVAL_PAPER_H
#include "stages/eval/evaluation.h"
#include "stages/eval/rows.h"

struct paper_row {
    double threshold, mean[METRICS_OF_PAPER], sd[METRICS_OF_PAPER]; /* NAN for none */
    size_t place[METRICS_OF_PAPER];                                 /* 0 best, 1 second, more; SIZE_MAX: no figure */
    bool star[METRICS_OF_PAPER], dagger;                            /* dagger: at AUC */
    bool above,
        beats; /* the best baseline: AUC, mean of seeds; its first model by both tests that know of patients, Holm over the rows */
};
struct paper_test {
    size_t a, b; /* rows: a has the mark */
    int metric;
    bool smaller;                                                     /* by Wilcoxon's ranks a's errors are */
    double auc_a, auc_b, p_wilcoxon, p_delong, p_holm, p_permutation; /* the last three: of AUC alone, else NAN */
};
struct paper {
    const struct rows *rows;
    const struct cache *cache;
    const struct report *r; /* NULL: no row has a model */
    char cohort[64];        /* "simulated cohort", ... or "" */
    size_t holm_tests;      /* tests of AUC */
    size_t *of_row;         /* [count]: the report's index of a row's first model; SIZE_MAX: none */
    struct paper_row *row;
    struct paper_test *test;
    size_t tests;
};
/* The order in which the rows' models are to stand in a report: the last row's first (the paper's proposed one: baselines are of its recipe), then
 * the others. models, names: for report_wish; names are the caller's to free. */
int paper_wish(const struct rows *rows, struct opt_strings *models, struct opt_strings *names, struct error *e) MUST_USE;
/* r: of paper_wish's models, or NULL. */
void paper_make(struct paper *p, const struct rows *rows, const struct cache *c, const struct report *r);
void paper_free(struct paper *p);
/* format: TABLE_FORMATS or markdown. */
void paper_print(const struct paper *p, const char *format, FILE *to);
#endif
