/* SPDX-License-Identifier: Apache-2.0 */
/* threshold -- where tumour begins.   score -> [threshold] -> report, compare */
#include "stages/eval/statistics/threshold.h"
#include "stages/eval/statistics/metrics.h"
#include "stages/eval/statistics/roc.h"
#include <math.h>
#include <stdlib.h>

double threshold_of_grid(size_t k)
{
    return (30.0 + 5.0 * (double)k) / 100.0; /* as the decimal literal: 0.3 + 0.05 k would drift */
}

double threshold_by_f1(const float *probability, const int32_t *label, size_t n)
{
    double best = NAN, highest = 0.0;
    for (size_t k = 0; k < GRID_THRESHOLDS; k++) {
        struct confusion c = confusion_at(probability, label, n, threshold_of_grid(k));
        double value[METRICS];
        confusion_metrics(&c, value);
        if (value[METRIC_F1] > highest)
            highest = value[METRIC_F1], best = threshold_of_grid(k);
    }
    return best;
}

double threshold_by_specificity(const float *probability, const int32_t *label, size_t n, double specificity)
{
    struct roc_point *p;
    size_t count = roc_curve(probability, label, n, &p);
    double lowest = count > 1 && !isnan(p[1].false_positive) ? INFINITY : NAN;
    for (size_t i = 1; i < count && 1.0 - p[i].false_positive >= specificity - 1e-12; i++)
        lowest = p[i].threshold;
    free(p);
    return lowest;
}

double net_benefit(const float *probability, const int32_t *label, size_t n, double threshold)
{
    struct confusion c = confusion_at(probability, label, n, threshold);
    return ((double)c.tp - (double)c.fp * threshold / (1.0 - threshold)) / (double)n;
}

double net_benefit_of_all(const int32_t *label, size_t n, double threshold)
{
    size_t tumours = 0;
    for (size_t i = 0; i < n; i++)
        tumours += label[i] == 1;
    return ((double)tumours - (double)(n - tumours) * threshold / (1.0 - threshold)) / (double)n;
}
