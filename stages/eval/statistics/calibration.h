/* SPDX-License-Identifier: Apache-2.0 */
/* calibration -- is a probability of 0.8 right eight times in ten?   score -> [calibration] -> report, page
 *
 * Brier: mean (p - y)^2. ECE: over BINS equal bins of [0,1], the mean |share of tumours - mean probability| weighted by
 * the bins' regions. Slope and intercept: logistic regression of y on logit p (Cox 1958); 1 and 0 are perfect, a slope under 1 means too sure.
 * Temperature T: the one number that, dividing every logit, makes the log loss least (Guo et al. 2017); fitted on validation, applied to
 * test. Probabilities nearer than 1e-7 to 0 or 1 count as 1e-7 from them in logits. */
#ifndef PETREL_EVAL_CALIBRATION_H
#define PETREL_EVAL_CALIBRATION_H
#include "common/base.h"

enum { BINS = 10 };
struct calibration_bin {
    size_t count;
    double predicted, observed; /* means; NAN where the bin is empty */
};
struct calibration {
    double brier, ece, log_loss;
    double slope, intercept; /* NAN: one class, or the classes are wholly apart */
    double in_the_large;     /* intercept with the slope held at 1 */
    struct calibration_bin bin[BINS];
};
void calibration_measure(const float *probability, const int32_t *label, size_t n, struct calibration *out);
/* NAN where no T is best (one class, classes apart). */
double temperature_fit(const float *probability, const int32_t *label, size_t n);
float temperature_apply(float probability, double temperature);
double logit_of(double probability);
#endif
