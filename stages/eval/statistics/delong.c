/* SPDX-License-Identifier: Apache-2.0 */
/* delong -- are two models' AUCs on the same regions different?   score -> [delong] -> report, compare */
#include "stages/eval/statistics/delong.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/ranking.h"
#include "stages/eval/statistics/wilcoxon.h"
#include <math.h>
#include <stdlib.h>

/* How many of the sorted values lie below x, equals counting half. */
static double below(const double *sorted, size_t n, double x)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sorted[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    for (high = n; end < high;) {
        size_t middle = (end + high) / 2;
        if (sorted[middle] <= x)
            end = middle + 1;
        else
            high = middle;
    }
    return 0.5 * (double)(low + end);
}

/* Placement values less the AUC, by region: of a tumour, the share of others below it; of another, of tumours above it. Returns the AUC. */
static double placements(const float *score, const int32_t *label, size_t n, size_t positives, double *value)
{
    size_t negatives = n - positives, p = 0, q = 0;
    double *sorted = xalloc(n + 1, sizeof *sorted), *of_others = sorted + positives, auc = 0.0;
    for (size_t i = 0; i < n; i++)
        *(label[i] == 1 ? &sorted[p++] : &of_others[q++]) = (double)score[i];
    qsort(sorted, positives, sizeof *sorted, ascending);
    qsort(of_others, negatives, sizeof *sorted, ascending);
    for (size_t i = 0; i < n; i++)
        if (label[i] == 1)
            auc += value[i] = below(of_others, negatives, (double)score[i]) / (double)negatives;
        else
            value[i] = 1.0 - below(sorted, positives, (double)score[i]) / (double)positives;
    auc /= (double)positives;
    for (size_t i = 0; i < n; i++)
        value[i] -= auc;
    free(sorted);
    return auc;
}

/* Sums of placement values in one patient. */
struct cluster {
    double ten[2], one[2]; /* of models a and b: tumours, others */
    size_t tumours, others;
};

/* Covariance of the AUCs of models r and s. NAN: a class that one cluster alone has does not say how it varies. */
static double covariance(const struct cluster *c, size_t count, size_t r, size_t s, double m, double n)
{
    double s10 = 0.0, s01 = 0.0, s11 = 0.0, i10 = 0.0, i01 = 0.0, all = (double)count;
    for (size_t k = 0; k < count; k++) {
        s10 += c[k].ten[r] * c[k].ten[s];
        s01 += c[k].one[r] * c[k].one[s];
        s11 += c[k].ten[r] * c[k].one[s] + c[k].ten[s] * c[k].one[r];
        i10 += c[k].tumours > 0;
        i01 += c[k].others > 0;
    }
    if (i10 < 2.0 || i01 < 2.0)
        return NAN;
    return s10 * i10 / ((i10 - 1.0) * m * m) + s01 * i01 / ((i01 - 1.0) * n * n) + s11 * all / ((all - 1.0) * m * n);
}

static struct delong test(const float *a, const float *b, const int32_t *label, const uint32_t *cluster_of,
                          size_t clusters, size_t n)
{
    struct delong d = {NAN, NAN, NAN, NAN, NAN, NAN};
    size_t positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] == 1;
    if (positives == 0 || positives == n)
        return d;
    double *value = xalloc(2 * n, sizeof *value);
    struct cluster *c = xalloc(clusters + 1, sizeof *c);
    d.auc_a = placements(a, label, n, positives, value);
    d.auc_b = placements(b, label, n, positives, value + n);
    for (size_t i = 0; i < n; i++) {
        struct cluster *k = &c[cluster_of != NULL ? cluster_of[i] : i];
        double *sum = label[i] == 1 ? k->ten : k->one;
        *(label[i] == 1 ? &k->tumours : &k->others) += 1;
        sum[0] += value[i];
        sum[1] += value[n + i];
    }
    double m = (double)positives, rest = (double)(n - positives);
    double aa = covariance(c, clusters, 0, 0, m, rest), bb = covariance(c, clusters, 1, 1, m, rest),
           ab = covariance(c, clusters, 0, 1, m, rest), variance = aa + bb - 2.0 * ab;
    if (!isnan(variance)) {
        d.se_a = sqrt(fmax(aa, 0.0));
        d.se_b = sqrt(fmax(bb, 0.0));
        if (variance > 1e-14 * (aa + bb)) /* what is left of two equal variances by rounding is none */
            d.z = (d.auc_a - d.auc_b) / sqrt(variance);
        else if (fabs(d.auc_a - d.auc_b) < 1e-12)
            d.z = 0.0;
        d.p = normal_two_sided(d.z);
    }
    free(c);
    free(value);
    return d;
}

struct delong delong_test(const float *a, const float *b, const int32_t *label, size_t n)
{
    return test(a, b, label, NULL, n, n);
}

struct delong delong_clustered(const float *a, const float *b, const int32_t *label, const int32_t *patient, size_t n)
{
    uint32_t *number = xalloc(n + 1, sizeof *number);
    size_t patients = patients_number(patient, n, number);
    struct delong d = test(a, b, label, number, patients, n);
    free(number);
    return d;
}
