/* SPDX-License-Identifier: Apache-2.0 */
/* wilcoxon -- the signed-rank test of paired differences.   [wilcoxon] -> report, compare
 *
 * Two-sided; zeros are dropped, ties share their mean rank. statistic: the smaller rank sum; above: that of positive
 * differences, R's V (under half of used (used + 1)/2: most and the largest are negative). p_exact: over all 2^m sign
 * patterns, when m <= 50 (where the counts are exact in a double) and no ranks are shared, otherwise NAN. p_normal: normal
 * approximation with the tie correction, without continuity correction. */
#ifndef PETREL_EVAL_WILCOXON_H
#define PETREL_EVAL_WILCOXON_H
#include "common/base.h"

struct wilcoxon {
    size_t used;
    double statistic, above, p_exact, p_normal;
};
struct wilcoxon wilcoxon_test(const double *difference, size_t n);
/* Are the differences on the whole negative: errors of the first of two models the smaller? */
bool wilcoxon_first_smaller(const struct wilcoxon *w);
/* Probability of |Z| >= |z| for a standard normal. */
double normal_two_sided(double z);
#endif
