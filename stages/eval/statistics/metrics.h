/* SPDX-License-Identifier: Apache-2.0 */
/* metrics -- what a binary classifier is worth at a threshold, and over all of them.   score -> [metrics] -> report
 *
 * Positive is tumour. Sensitivity TP/(TP+FN), specificity TN/(TN+FP), precision TP/(TP+FP), F1 2TP/(2TP+FP+FN), balanced
 * accuracy (sensitivity + specificity)/2; AUC (roc.h); average precision (precision.h); Matthews' correlation
 * (TP TN - FP FN)/sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)). A ratio of nothing to nothing is NAN. */
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
    METRIC_AP,
    METRIC_MCC,
    METRICS
};
enum { METRICS_OF_PAPER = METRIC_AUC + 1 };     /* the first six are the paper's */
extern const char *const metric_name[METRICS];  /* "sensitivity", ... */
extern const char *const metric_title[METRICS]; /* "Sensitivity", ... */

struct confusion confusion_at(const float *probability, const int32_t *label, size_t n, double threshold);
/* Those of the threshold; value[METRIC_AUC] and value[METRIC_AP] are left alone. */
void confusion_metrics(const struct confusion *c, double value[METRICS]);
void metrics_at(const float *probability, const int32_t *label, size_t n, double threshold, double value[METRICS]);
#endif
