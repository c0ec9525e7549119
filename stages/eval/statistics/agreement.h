/* SPDX-License-Identifier: Apache-2.0 */
/* agreement -- do two ways of measuring a patient agree?   patients -> [agreement] -> report, page
 *
 * Bland and Altman (Lancet 1986): the mean of the differences and mean +- 1.96 sd of them; Lin's concordance (Biometrics 1989)
 * 2 s_xy / (s_x^2 + s_y^2 + (mean x - mean y)^2), moments over n. */
#ifndef PETREL_EVAL_AGREEMENT_H
#define PETREL_EVAL_AGREEMENT_H
#include "common/base.h"

struct agreement {
    size_t n;
    double bias, sd, low, high, concordance; /* of measured - truth; NAN where n is too small */
};
struct agreement agreement_of(const double *measured, const double *truth, size_t n);
#endif
