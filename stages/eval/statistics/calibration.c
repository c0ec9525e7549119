/* SPDX-License-Identifier: Apache-2.0 */
/* calibration -- is a probability of 0.8 right eight times in ten?   score -> [calibration] -> report, page */
#include "stages/eval/statistics/calibration.h"
#include "stages/eval/statistics/logistic.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double logit_of(double probability)
{
    double p = fmin(fmax(probability, 1e-7), 1.0 - 1e-7);
    return log(p) - log1p(-p);
}

/* Derivative of the log loss of sigmoid(slope x + shift) in the one of the two that is free. */
static double derivative(const double *x, const int32_t *label, size_t n, bool slope, double at)
{
    double g = 0.0;
    for (size_t i = 0; i < n; i++)
        g += slope ? (sigmoid_of(at * x[i]) - (label[i] == 1)) * x[i] : sigmoid_of(x[i] + at) - (label[i] == 1);
    return g;
}

/* Where it is nought: it only rises, so bisection between wide ends; NAN where it does not cross nought there. */
static double bisect(const double *x, const int32_t *label, size_t n, bool slope)
{
    double low = slope ? 0.0 : -60.0, high = slope ? 1e4 : 60.0, nought = 0.0;
    for (size_t i = 0; i < n && slope; i++)
        nought += 1e-12 * fabs(x[i]); /* what rounding leaves of logits that cancel out */
    if (derivative(x, label, n, slope, low) >= -nought || derivative(x, label, n, slope, high) <= 0.0)
        return NAN;
    for (int step = 0; step < 100; step++) {
        double at = 0.5 * (low + high);
        *(derivative(x, label, n, slope, at) < 0.0 ? &low : &high) = at;
    }
    return 0.5 * (low + high);
}

static double *logits_make(const float *probability, size_t n)
{
    double *x = xalloc(n + 1, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = logit_of((double)probability[i]);
    return x;
}

static bool both_classes(const int32_t *label, size_t n)
{
    size_t positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] == 1;
    return positives > 0 && positives < n;
}

/* A threshold tells the classes apart wholly: no slope is the best. */
static bool apart(const double *x, const int32_t *label, size_t n)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        low[label[i] == 1] = fmin(low[label[i] == 1], x[i]);
        high[label[i] == 1] = fmax(high[label[i] == 1], x[i]);
    }
    return low[1] >= high[0] || high[1] <= low[0];
}

void calibration_measure(const float *probability, const int32_t *label, size_t n, struct calibration *out)
{
    memset(out, 0, sizeof *out);
    double *x = logits_make(probability, n), weight[2];
    for (size_t i = 0; i < n; i++) {
        double p = (double)probability[i], y = label[i] == 1;
        struct calibration_bin *b = &out->bin[p >= 1.0 ? BINS - 1 : (size_t)(p * BINS)];
        b->count++;
        b->predicted += p;
        b->observed += y;
        out->brier += (p - y) * (p - y) / (double)n;
        out->log_loss += (y > 0.0 ? log1p(exp(-x[i])) : log1p(exp(x[i]))) / (double)n;
    }
    for (size_t k = 0; k < BINS; k++) {
        struct calibration_bin *b = &out->bin[k];
        if (b->count > 0)
            out->ece += fabs(b->observed - b->predicted) / (double)n;
        b->predicted = b->count > 0 ? b->predicted / (double)b->count : NAN;
        b->observed = b->count > 0 ? b->observed / (double)b->count : NAN;
    }
    if (n == 0)
        out->brier = out->ece = out->log_loss = NAN;
    out->slope = out->intercept = out->in_the_large = NAN;
    if (both_classes(label, n)) {
        out->in_the_large = bisect(x, label, n, false);
        if (!apart(x, label, n) && logistic_fit(x, label, n, 1, 0.0, weight) == 0)
            out->slope = weight[0], out->intercept = weight[1];
    }
    free(x);
}

double temperature_fit(const float *probability, const int32_t *label, size_t n)
{
    double *x = logits_make(probability, n), slope = both_classes(label, n) ? bisect(x, label, n, true) : NAN;
    free(x);
    return slope > 0.0 ? 1.0 / slope : NAN;
}

float temperature_apply(float probability, double temperature)
{
    return isnan(temperature) ? probability : (float)sigmoid_of(logit_of((double)probability) / temperature);
}
