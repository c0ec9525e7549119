/* SPDX-License-Identifier: Apache-2.0 */
/* metrics -- what a binary classifier is worth.   score -> [metrics] -> report */
#include "stages/eval/statistics/metrics.h"
#include "common/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const metric_name[METRICS] = {"sensitivity", "specificity", "precision", "f1", "balanced_accuracy", "auc"};
const char *const metric_title[METRICS] = {"Sensitivity", "Specificity", "Precision", "F1", "Balanced accuracy", "AUC"};

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

static double ratio(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

void confusion_metrics(const struct confusion *c, double value[METRICS])
{
    value[METRIC_SENSITIVITY] = ratio(c->tp, c->tp + c->fn);
    value[METRIC_SPECIFICITY] = ratio(c->tn, c->tn + c->fp);
    value[METRIC_PRECISION] = ratio(c->tp, c->tp + c->fp);
    value[METRIC_F1] = ratio(2 * c->tp, 2 * c->tp + c->fp + c->fn);
    value[METRIC_BALANCED] = 0.5 * (value[METRIC_SENSITIVITY] + value[METRIC_SPECIFICITY]);
}

struct ranked {
    float probability;
    int32_t label;
};

static int by_probability_down(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->probability, y = ((const struct ranked *)b)->probability;
    return (x < y) - (x > y);
}

size_t roc_curve(const float *probability, const int32_t *label, size_t n, struct roc_point **points)
{
    struct ranked *r = xalloc(n + 1, sizeof *r);
    size_t positives = 0, count = 1;
    for (size_t i = 0; i < n; i++) {
        r[i] = (struct ranked){probability[i], label[i]};
        positives += label[i] == 1;
    }
    qsort(r, n, sizeof *r, by_probability_down);
    struct roc_point *p = xalloc(n + 2, sizeof *p);
    p[0] = (struct roc_point){0.0, 0.0, INFINITY};
    size_t tp = 0, fp = 0;
    for (size_t i = 0; i < n; i++) {
        tp += r[i].label == 1;
        fp += r[i].label != 1;
        if (i + 1 == n || r[i + 1].probability < r[i].probability) /* equal scores move together */
            p[count++] = (struct roc_point){ratio(fp, n - positives), ratio(tp, positives), (double)r[i].probability};
    }
    free(r);
    *points = p;
    return count;
}

static double area(const struct roc_point *p, size_t count)
{
    double sum = 0.0;
    for (size_t i = 1; i < count; i++)
        sum += (p[i].false_positive - p[i - 1].false_positive) * 0.5 * (p[i].true_positive + p[i - 1].true_positive);
    return sum;
}

double auc_trapezoid(const float *probability, const int32_t *label, size_t n)
{
    struct roc_point *p;
    size_t count = roc_curve(probability, label, n, &p);
    double a = area(p, count);
    free(p);
    return a;
}

void metrics_at(const float *probability, const int32_t *label, size_t n, double threshold, double value[METRICS])
{
    struct confusion c = confusion_at(probability, label, n, threshold);
    confusion_metrics(&c, value);
    value[METRIC_AUC] = auc_trapezoid(probability, label, n);
}

/* The ROC's height at a false-positive rate, straight between its corners; at a vertical step, the top. */
static double roc_height(const struct roc_point *p, size_t count, double at)
{
    size_t i = count - 1;
    while (i > 0 && p[i].false_positive > at)
        i--;
    if (i + 1 == count || p[i + 1].false_positive <= p[i].false_positive)
        return p[i].true_positive;
    double share = (at - p[i].false_positive) / (p[i + 1].false_positive - p[i].false_positive);
    return p[i].true_positive + share * (p[i + 1].true_positive - p[i].true_positive);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct interval percentiles(double *v, size_t n)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(v[i]))
            v[known++] = v[i];
    if (known == 0)
        return (struct interval){NAN, NAN};
    qsort(v, known, sizeof *v, ascending);
    return (struct interval){v[(size_t)(0.025 * (double)(known - 1) + 0.5)],
                             v[(size_t)(0.975 * (double)(known - 1) + 0.5)]};
}

struct sample {
    float *probability;
    int32_t *label;
    size_t n;
};

/* Patients with replacement, each with all its regions; false if a class is missing. first[k]..first[k+1] are patient k's rows. */
static bool resample(const float *probability, const int32_t *label, const size_t *rows, const size_t *first,
                     size_t patients, struct rng *r, struct sample *s)
{
    size_t tumours = 0;
    s->n = 0;
    for (size_t k = 0; k < patients; k++) {
        size_t drawn = rng_below(r, (uint32_t)patients);
        for (size_t i = first[drawn]; i < first[drawn + 1]; i++) {
            s->probability[s->n] = probability[rows[i]];
            s->label[s->n++] = label[rows[i]];
            tumours += label[rows[i]] == 1;
        }
    }
    return tumours > 0 && tumours < s->n;
}

void bootstrap_run(const float *probability, const int32_t *label, const int32_t *patient, size_t n, double threshold,
                   uint64_t seed, struct bootstrap *out)
{
    memset(out, 0, sizeof *out);
    int32_t last = -1;
    for (size_t i = 0; i < n; i++)
        last = patient[i] > last ? patient[i] : last;
    size_t *rows = xalloc(n + 1, sizeof *rows), *first = xalloc((size_t)last + 2, sizeof *first), patients = 0, at = 0,
           most = 0;
    for (int32_t k = 0; k <= last; k++) {
        size_t begun = at;
        for (size_t i = 0; i < n; i++)
            if (patient[i] == k)
                rows[at++] = i;
        most = at - begun > most ? at - begun : most;
        if (at > begun)
            first[patients++] = begun;
    }
    first[patients] = at;
    struct sample s = {xalloc(most * patients + 1, sizeof *s.probability), xalloc(most * patients + 1, sizeof *s.label),
                       0};
    double *value = xalloc((size_t)(METRICS + BANDS) * RESAMPLES, sizeof *value);
    struct rng r = rng_make(seed, RNG_EVAL, 0);
    size_t done = 0;
    for (size_t tries = 0; done < RESAMPLES && tries < 4 * RESAMPLES && patients > 0; tries++) {
        if (!resample(probability, label, rows, first, patients, &r, &s))
            continue;
        double m[METRICS];
        struct roc_point *p;
        struct confusion c = confusion_at(s.probability, s.label, s.n, threshold);
        confusion_metrics(&c, m);
        size_t count = roc_curve(s.probability, s.label, s.n, &p);
        m[METRIC_AUC] = area(p, count);
        for (size_t i = 0; i < METRICS; i++)
            value[i * RESAMPLES + done] = m[i];
        for (size_t g = 0; g < BANDS; g++)
            value[(METRICS + g) * RESAMPLES + done] = roc_height(p, count, (double)g / (BANDS - 1));
        free(p);
        done++;
    }
    out->resamples = done;
    for (size_t i = 0; i < METRICS; i++)
        out->value[i] = percentiles(value + i * RESAMPLES, done);
    for (size_t g = 0; g < BANDS; g++)
        out->band[g] = percentiles(value + (METRICS + g) * RESAMPLES, done);
    free(value);
    free(s.label);
    free(s.probability);
    free(first);
    free(rows);
}
