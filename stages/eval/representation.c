/* SPDX-License-Identifier: Apache-2.0 */
/* representation -- how much of its room the embedding uses, and whether class shows in it.   score -> [representation] -> report, page */
#include "stages/eval/representation.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/eigenvalues.h"
#include "stages/eval/statistics/nearest.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns less their means, [d][n] in doubles. */
static double *centred_columns(const struct scores *s)
{
    double *z = xalloc(s->n * s->width + 1, sizeof *z);
    for (size_t k = 0; k < s->width; k++) {
        double mean = 0.0;
        for (size_t i = 0; i < s->n; i++)
            mean += (double)s->embedding[i * s->width + k] / (double)s->n;
        for (size_t i = 0; i < s->n; i++)
            z[k * s->n + i] = (double)s->embedding[i * s->width + k] - mean;
    }
    return z;
}

/* From the smaller of the two Gram matrices. */
static double effective_rank(const double *z, size_t n, size_t d)
{
    size_t side = d < n ? d : n;
    double *gram = xalloc(side * side, sizeof *gram), *value = xalloc(side, sizeof *value), sum = 0.0, entropy = 0.0;
#pragma omp parallel for schedule(static, 1)
    for (size_t a = 0; a < side; a++)
        for (size_t b = 0; b <= a; b++) {
            double part[4] = {0.0};
            for (size_t i = 0; i < (d < n ? n : d); i++)
                part[i % 4] += d < n ? z[a * n + i] * z[b * n + i] : z[i * n + a] * z[i * n + b];
            gram[a * side + b] = gram[b * side + a] = (part[0] + part[1]) + (part[2] + part[3]);
        }
    bool found = eigenvalues_of(gram, side, value) == 0;
    /* what rounding leaves of no spread at all is none */
    for (size_t k = 0; k < side; k++)
        sum += value[k] = value[k] > 1e-13 * value[0] ? sqrt(value[k]) : 0.0;
    for (size_t k = 0; k < side && sum > 0.0; k++)
        if (value[k] > 0.0)
            entropy -= value[k] / sum * log(value[k] / sum);
    free(value);
    free(gram);
    return found ? (sum > 0.0 ? exp(entropy) : 0.0) : NAN;
}

static void class_distances(struct representation *r, const struct scores *s)
{
    double *row = xalloc(3 * s->n + 1, sizeof *row), sum[3] = {0.0}, pairs[3] = {0.0};
#pragma omp parallel for schedule(dynamic, 8)
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < i; j++) {
            int kind = (s->label[i] == 1) + (s->label[j] == 1);
            row[3 * i + (size_t)kind] +=
                sqrt((double)square_distance(s->embedding + i * s->width, s->embedding + j * s->width, s->width));
        }
    size_t tumours = 0;
    for (size_t i = 0; i < s->n; i++) {
        tumours += s->label[i] == 1;
        for (size_t k = 0; k < 3; k++)
            sum[k] += row[3 * i + k];
    }
    double t = (double)tumours, o = (double)(s->n - tumours);
    pairs[0] = o * (o - 1.0) / 2.0, pairs[1] = o * t, pairs[2] = t * (t - 1.0) / 2.0;
    r->of_others = pairs[0] > 0.0 ? sum[0] / pairs[0] : NAN;
    r->between = pairs[1] > 0.0 ? sum[1] / pairs[1] : NAN;
    r->of_tumours = pairs[2] > 0.0 ? sum[2] / pairs[2] : NAN;
    free(row);
}

void representation_measure(struct representation *r, const struct scores *s)
{
    *r = (struct representation){s->width, s->n, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (s->n < 2)
        return;
    double *z = centred_columns(s), *std = xalloc(s->width, sizeof *std);
    for (size_t k = 0; k < s->width; k++) {
        double squares = 0.0;
        for (size_t i = 0; i < s->n; i++)
            squares += z[k * s->n + i] * z[k * s->n + i];
        std[k] = sqrt(squares / (double)(s->n - 1));
    }
    qsort(std, s->width, sizeof *std, ascending);
    r->std_least = std[0];
    r->std_median = quantile_of(std, s->width, 0.5);
    r->std_most = std[s->width - 1];
    r->rank = effective_rank(z, s->n, s->width);
    class_distances(r, s);
    free(std);
    free(z);
}

double loss_trivial_optimum(const struct recipe *r)
{
    double l = r->vicreg_invariance, m = r->vicreg_variance;
    if (strcmp(r->method, "vicreg") != 0 || !r->semantic || strcmp(r->vicreg_reduction, "mean") != 0 || !(l > 0.0))
        return NAN;
    double s = fmin(1.0, m / (4.0 * l));
    return 2.0 * l * s * s + m * (1.0 - s);
}

struct placed {
    double from_mean;
    size_t index;
    int32_t label;
};

static int by_class_then_mean(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if ((x->label == 1) != (y->label == 1))
        return x->label == 1 ? 1 : -1;
    if (x->from_mean != y->from_mean)
        return x->from_mean < y->from_mean ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

size_t distance_map(const struct scores *s, size_t most, uint8_t **grey, size_t *others)
{
    size_t side = s->n < most ? s->n : most, members[2] = {0, 0};
    struct placed *p = xalloc(s->n + 1, sizeof *p);
    double *mean = xalloc(2 * s->width + 1, sizeof *mean);
    for (size_t i = 0; i < s->n; i++) {
        members[s->label[i] == 1]++;
        for (size_t k = 0; k < s->width; k++)
            mean[(s->label[i] == 1 ? s->width : 0) + k] += (double)s->embedding[i * s->width + k];
    }
    for (size_t i = 0; i < s->n; i++) {
        size_t class = s->label[i] == 1;
        p[i] = (struct placed){0.0, i, s->label[i]};
        for (size_t k = 0; k < s->width; k++) {
            double v = (double)s->embedding[i * s->width + k] - mean[class * s->width + k] / (double)members[class];
            p[i].from_mean += v * v;
        }
    }
    qsort(p, s->n, sizeof *p, by_class_then_mean);
    double *distance = xalloc(side * side + 1, sizeof *distance), *sorted = xalloc(side * side + 1, sizeof *sorted);
    *others = 0;
    for (size_t a = 0; a < side; a++) {
        const struct placed *i = &p[a * s->n / side];
        *others += i->label != 1;
        for (size_t b = 0; b < side; b++)
            distance[a * side + b] = sqrt((double)square_distance(
                s->embedding + i->index * s->width, s->embedding + p[b * s->n / side].index * s->width, s->width));
    }
    memcpy(sorted, distance, side * side * sizeof *sorted);
    qsort(sorted, side * side, sizeof *sorted, ascending);
    double top = quantile_of(sorted, side * side, 0.99);
    *grey = xalloc(side * side + 1, 1);
    for (size_t k = 0; k < side * side; k++)
        (*grey)[k] = top > 0.0 ? (uint8_t)(255.0 * fmin(1.0, distance[k] / top) + 0.5) : 0;
    free(sorted);
    free(distance);
    free(mean);
    free(p);
    return side;
}
