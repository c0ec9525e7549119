/* SPDX-License-Identifier: Apache-2.0 */
/* mcnemar -- do two models err on the same regions?   score -> [mcnemar] -> report, compare
 *
 * Of the regions one model gets right and the other wrong, b and c of either kind: under the null each is a toss. p_exact is two-sided
 * binomial; p_mid takes half of the observed count's own probability (Fagerland, Lydersen and Laake 2013). Regions are taken as independent. */
#ifndef PETREL_EVAL_MCNEMAR_H
#define PETREL_EVAL_MCNEMAR_H
#include "common/base.h"

struct mcnemar {
    size_t only_a, only_b; /* right by a alone, by b alone */
    double p_exact, p_mid;
};
struct mcnemar mcnemar_test(size_t only_a, size_t only_b);
struct mcnemar mcnemar_at(const float *a, double threshold_a, const float *b, double threshold_b, const int32_t *label,
                          size_t n);
#endif
