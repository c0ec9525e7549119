/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap -- how far a figure would move with other patients.   score -> [bootstrap] -> report */
#include "stages/eval/statistics/bootstrap.h"
#include "common/rng.h"
#include "stages/eval/statistics/ranking.h"
#include "stages/eval/statistics/roc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t patients_number(const int32_t *patient, size_t n, uint32_t *number)
{
    int32_t last = -1;
    for (size_t i = 0; i < n; i++)
        last = patient[i] > last ? patient[i] : last;
    uint32_t *known = xalloc((size_t)(last + 1) + 1, sizeof *known), count = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t *k = &known[patient[i]];
        if (*k == 0)
            *k = ++count;
        number[i] = *k - 1;
    }
    free(known);
    return count;
}

double quantile_of(const double *sorted, size_t n, double q)
{
    if (n == 0)
        return NAN;
    double at = q * (double)(n - 1);
    size_t below = (size_t)at;
    return below + 1 < n ? sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]) : sorted[n - 1];
}

static struct interval percentiles(double *v, size_t n, size_t *known)
{
    *known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(v[i]))
            v[(*known)++] = v[i];
    qsort(v, *known, sizeof *v, ascending);
    return (struct interval){quantile_of(v, *known, 0.025), quantile_of(v, *known, 0.975)};
}

/* What every resample looks at: regions by probability, and of each its patient and class. */
struct drawn_from {
    const struct ranked *ranked;
    const uint32_t *number; /* by index */
    const int32_t *label;
    size_t n, patients;
    double threshold;
    uint64_t seed;
};

/* One resample: how often each patient was drawn, then one walk down the ranking. value [METRICS + BANDS], NAN: a class is missing. */
static void resample(const struct drawn_from *d, size_t k, uint32_t *times, struct roc_point *roc, double *value)
{
    struct rng r = rng_make(d->seed, RNG_EVAL, k);
    memset(times, 0, d->patients * sizeof *times);
    for (size_t i = 0; i < d->patients; i++)
        times[rng_below(&r, (uint32_t)d->patients)]++;
    size_t positives = 0, all = 0, count = 1, tp = 0, fp = 0;
    for (size_t i = 0; i < d->n; i++) {
        uint32_t w = times[d->number[i]];
        all += w;
        positives += d->label[i] == 1 ? w : 0;
    }
    for (size_t i = 0; i < METRICS + BANDS; i++)
        value[i] = NAN;
    if (positives == 0 || positives == all)
        return;
    struct confusion c = {0, 0, all - positives, positives};
    double auc = 0.0, ap = 0.0;
    roc[0] = (struct roc_point){0.0, 0.0, INFINITY};
    for (size_t i = 0; i < d->n;) {
        double p = (double)d->ranked[i].probability;
        size_t tp_before = tp, fp_before = fp;
        for (size_t end = ranking_tie_end(d->ranked, d->n, i); i < end; i++) {
            uint32_t w = times[d->number[d->ranked[i].index]];
            *(d->label[d->ranked[i].index] == 1 ? &tp : &fp) += w;
        }
        if (tp == tp_before && fp == fp_before)
            continue;
        if (p >= d->threshold)
            c = (struct confusion){tp, fp, all - positives - fp, positives - tp};
        auc += (double)(fp - fp_before) * 0.5 * (double)(tp + tp_before);
        ap += (double)(tp - tp_before) * (double)tp / (double)(tp + fp);
        roc[count++] = (struct roc_point){(double)fp / (double)(all - positives), (double)tp / (double)positives, p};
    }
    confusion_metrics(&c, value);
    value[METRIC_AUC] = auc / ((double)positives * (double)(all - positives));
    value[METRIC_AP] = ap / (double)positives;
    for (size_t g = 0, at = 0; g < BANDS; g++) {
        double rate = (double)g / (BANDS - 1);
        while (at + 1 < count && roc[at + 1].false_positive <= rate)
            at++;
        value[METRICS + g] = roc_height(roc + at, count - at < 2 ? count - at : 2, rate);
    }
}

void bootstrap_run(const float *probability, const int32_t *label, const int32_t *patient, size_t n, double threshold,
                   uint64_t seed, struct bootstrap *out)
{
    enum { VALUES = METRICS + BANDS };
    memset(out, 0, sizeof *out);
    uint32_t *number = xalloc(n + 1, sizeof *number);
    struct ranked *ranked = ranking_make(probability, n);
    struct drawn_from d = {ranked, number, label, n, patients_number(patient, n, number), threshold, seed};
    double *value = xalloc((size_t)VALUES * RESAMPLES, sizeof *value);
#pragma omp parallel
    {
        uint32_t *times = xalloc(d.patients + 1, sizeof *times);
        struct roc_point *roc = xalloc(n + 2, sizeof *roc);
        double one[VALUES];
#pragma omp for schedule(static)
        for (size_t k = 0; k < RESAMPLES; k++) {
            resample(&d, k, times, roc, one);
            for (size_t i = 0; i < VALUES; i++)
                value[i * RESAMPLES + k] = one[i];
        }
        free(roc);
        free(times);
    }
    for (size_t k = 0; k < RESAMPLES; k++)
        out->resamples += isnan(value[(size_t)METRIC_AUC * RESAMPLES + k]) ? 0 : 1;
    out->patients = d.patients;
    for (size_t i = 0; i < VALUES; i++) {
        size_t known;
        struct interval w = percentiles(value + i * RESAMPLES, RESAMPLES, &known);
        if (d.patients < PATIENTS_LEAST)
            w = (struct interval){NAN, NAN};
        if (i < METRICS)
            out->defined[i] = known;
        *(i < METRICS ? &out->value[i] : &out->band[i - METRICS]) = w;
    }
    free(value);
    free(ranked);
    free(number);
}
