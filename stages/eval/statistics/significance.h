/* SPDX-License-Identifier: Apache-2.0 */
/* significance -- are two models' results on the same regions different?   score -> [significance] -> report, compare */
#ifndef PETREL_EVAL_SIGNIFICANCE_H
#define PETREL_EVAL_SIGNIFICANCE_H
#include "common/base.h"

/* DeLong's test of two correlated AUCs (DeLong, DeLong and Clarke-Pearson, Biometrics 1988), two-sided. */
struct delong {
    double auc_a, auc_b, z, p;
};
struct delong delong_test(const float *a, const float *b, const int32_t *label, size_t n);

/* Wilcoxon's signed-rank test of n differences, two-sided; zeros are dropped, ties share their mean rank. statistic: the
 * smaller rank sum. p_exact: over all 2^m sign patterns, when m <= 25 and no ranks are shared, otherwise NAN.
 * p_normal: normal approximation with the tie correction, without continuity correction. */
struct wilcoxon {
    size_t used;
    double statistic, p_exact, p_normal;
};
struct wilcoxon wilcoxon_test(const double *difference, size_t n);
#endif
