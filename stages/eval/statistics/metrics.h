/* SPDX-License-Identifier: Apache-2.0 */
/* metrics -- what a binary classifier is worth, with confidence intervals.   score -> [metrics] -> report
 *
 * Positive is tumour. Sensitivity TP/(TP+FN), specificity TN/(TN+FP), precision TP/(TP+FP), F1 2TP/(2TP+FP+FN), balanced
 * accuracy (sensitivity + specificity)/2; a ratio of nothing to nothing is NAN. AUC is the trapezoid under the ROC, ties
 * counting half. */
#ifndef PETREL_EVAL_METRICS_H
#define PETREL_EVAL_METRICS_H
#include "common/base.h"

struct confusion {
    size_t tp, fp, tn, fn;
};
enum metric {
    METRIC_SENSITIVITY,
    METRIC_SPECIFICITY,
    METRIC_PRECISION,
    METRIC_F1,
    METRIC_BALANCED,
    METRIC_AUC,
    METRICS
};
extern const char *const metric_name[METRICS];  /* "sensitivity", ... */
extern const char *const metric_title[METRICS]; /* "Sensitivity", ... */

struct confusion confusion_at(const float *probability, const int32_t *label, size_t n, double threshold);
/* value[METRIC_AUC] is left alone. */
void confusion_metrics(const struct confusion *c, double value[METRICS]);
double auc_trapezoid(const float *probability, const int32_t *label, size_t n);
void metrics_at(const float *probability, const int32_t *label, size_t n, double threshold, double value[METRICS]);

/* One corner of the ROC for each distinct probability, from (0,0) to (1,1). Free the points. */
struct roc_point {
    double false_positive, true_positive, threshold;
};
size_t roc_curve(const float *probability, const int32_t *label, size_t n, struct roc_point **points) MUST_USE;

/* Percentile bootstrap, 95 %, resampling patients with their regions (regions of one patient are not independent).
 * Resamples that lack a class are drawn again. band[g]: the ROC's true-positive rate at false-positive rate g/(bands-1). */
enum { BANDS = 101, RESAMPLES = 2000 };
struct interval {
    double low, high;
};
struct bootstrap {
    struct interval value[METRICS], band[BANDS];
    size_t resamples;
};
void bootstrap_run(const float *probability, const int32_t *label, const int32_t *patient, size_t n, double threshold,
                   uint64_t seed, struct bootstrap *out);
#endif
