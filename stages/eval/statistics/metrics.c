/* SPDX-License-Identifier: Apache-2.0 */
/* metrics -- what a binary classifier is worth.   score -> [metrics] -> report */
#include "stages/eval/statistics/metrics.h"
#include "stages/eval/statistics/precision.h"
#include "stages/eval/statistics/roc.h"
#include <math.h>

const char *const metric_name[METRICS] = {"sensitivity",       "specificity", "precision",         "f1",
                                          "balanced_accuracy", "auc",         "average_precision", "mcc"};
const char *const metric_title[METRICS] = {"Sensitivity",       "Specificity", "Precision",         "F1",
                                           "Balanced accuracy", "AUC",         "Average precision", "MCC"};

struct confusion confusion_at(const float *probability, const int32_t *label, size_t n, double threshold)
{
    struct confusion c = {0};
    for (size_t i = 0; i < n; i++) {
        bool said = (double)probability[i] >= threshold, is = label[i] == 1;
        c.tp += said && is;
        c.fp += said && !is;
        c.tn += !said && !is;
        c.fn += !said && is;
    }
    return c;
}

static double ratio(double part, double whole)
{
    return whole > 0.0 ? part / whole : NAN;
}

void confusion_metrics(const struct confusion *c, double value[METRICS])
{
    double tp = (double)c->tp, fp = (double)c->fp, tn = (double)c->tn, fn = (double)c->fn;
    value[METRIC_SENSITIVITY] = ratio(tp, tp + fn);
    value[METRIC_SPECIFICITY] = ratio(tn, tn + fp);
    value[METRIC_PRECISION] = ratio(tp, tp + fp);
    value[METRIC_F1] = ratio(2.0 * tp, 2.0 * tp + fp + fn);
    value[METRIC_BALANCED] = 0.5 * (value[METRIC_SENSITIVITY] + value[METRIC_SPECIFICITY]);
    value[METRIC_MCC] = ratio(tp * tn - fp * fn, sqrt(tp + fp) * sqrt(tp + fn) * sqrt(tn + fp) * sqrt(tn + fn));
}

void metrics_at(const float *probability, const int32_t *label, size_t n, double threshold, double value[METRICS])
{
    struct confusion c = confusion_at(probability, label, n, threshold);
    confusion_metrics(&c, value);
    value[METRIC_AUC] = auc_trapezoid(probability, label, n);
    value[METRIC_AP] = average_precision(probability, label, n);
}
