/* SPDX-License-Identifier: Apache-2.0 */
/* roc -- sensitivity against false positives, over all thresholds.   score -> [roc] -> metrics, page
 *
 * AUC is the trapezoid under the curve, equal probabilities counting half: 1/2 + U/mn of Mann and Whitney. NAN where a class is missing. */
#ifndef PETREL_EVAL_ROC_H
#define PETREL_EVAL_ROC_H
#include "common/base.h"

/* One corner for each distinct probability, from (0,0) to (1,1). Free the points. */
struct roc_point {
    double false_positive, true_positive, threshold;
};
size_t roc_curve(const float *probability, const int32_t *label, size_t n, struct roc_point **points) MUST_USE;
double auc_trapezoid(const float *probability, const int32_t *label, size_t n);
/* The curve's height at a false-positive rate, straight between its corners; at a vertical step, the top. */
double roc_height(const struct roc_point *p, size_t count, double at);
#endif
