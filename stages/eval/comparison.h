/* SPDX-License-Identifier: Apache-2.0 */
/* comparison -- two models on the same regions, by every test we have.   evaluation -> [comparison] -> report, compare */
#ifndef PETREL_EVAL_COMPARISON_H
#define PETREL_EVAL_COMPARISON_H
#include "stages/eval/score.h"
#include "stages/eval/statistics/delong.h"
#include "stages/eval/statistics/mcnemar.h"
#include "stages/eval/statistics/permutation.h"
#include "stages/eval/statistics/wilcoxon.h"

struct comparison {
    struct delong plain, clustered; /* regions independent; by patient */
    struct permutation permutation; /* by patient */
    struct wilcoxon wilcoxon;       /* |probability - truth| a region */
    struct mcnemar mcnemar;         /* decisions at each model's threshold */
    double p_auc, p_error;          /* Holm over all models compared: clustered DeLong; Wilcoxon */
};
void comparison_make(struct comparison *c, const struct scores *a, double threshold_a, const struct scores *b,
                     double threshold_b, uint64_t seed);
/* Fills p_auc and p_error of `count` comparisons. */
void comparisons_adjust(struct comparison *c, size_t count);
#endif
