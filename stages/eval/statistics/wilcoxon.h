/* SPDX-License-Identifier: Apache-2.0 */
/* wilcoxon -- the signed-rank test of paired differences.   [wilcoxon] -> report, compare
 *
 * Two-sided; zeros are dropped, ties share their mean rank. statistic: the smaller rank sum. p_exact: over all 2^m sign
 * patterns, when m <= 50 (where the counts are exact in a double) and no ranks are shared, otherwise NAN. p_normal: normal
 * approximation with the tie correction, without continuity correction. */
#ifndef PETREL_EVAL_WILCOXON_H
#define PETREL_EVAL_WILCOXON_H
#include "common/base.h"

struct wilcoxon {
    size_t used;
    double statistic, p_exact, p_normal;
};
struct wilcoxon wilcoxon_test(const double *difference, size_t n);
/* Probability of |Z| >= |z| for a standard normal. */
double normal_two_sided(double z);
#endif
