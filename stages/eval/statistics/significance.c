/* SPDX-License-Identifier: Apache-2.0 */
/* significance -- are two models' results on the same regions different?   score -> [significance] -> report, compare */
#include "stages/eval/statistics/significance.h"
#include <math.h>
#include <stdlib.h>

/* Probability of |Z| >= z for a standard normal. */
static double two_sided(double z)
{
    return erfc(fabs(z) / sqrt(2.0));
}

static double kernel(float positive, float negative)
{
    return positive > negative ? 1.0 : (positive < negative ? 0.0 : 0.5);
}

/* Placement values: for each positive, the share of negatives below it (v10); for each negative, of positives above it (v01). */
static double placements(const float *score, const int32_t *label, size_t n, size_t m, double *v10, double *v01)
{
    size_t p = 0, q = 0;
    double auc = 0.0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < n; j++)
            if (label[i] == 1 && label[j] != 1)
                sum += kernel(score[i], score[j]);
            else if (label[i] != 1 && label[j] == 1)
                sum += kernel(score[j], score[i]);
        if (label[i] == 1) {
            v10[p++] = sum / (double)(n - m);
            auc += sum / (double)(n - m) / (double)m;
        } else {
            v01[q++] = sum / (double)m;
        }
    }
    return auc;
}

static double covariance(const double *x, double mean_x, const double *y, double mean_y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean_x) * (y[i] - mean_y);
    return n > 1 ? sum / (double)(n - 1) : 0.0;
}

struct delong delong_test(const float *a, const float *b, const int32_t *label, size_t n)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        m += label[i] == 1;
    struct delong d = {NAN, NAN, NAN, NAN};
    if (m == 0 || m == n)
        return d;
    double *v = xalloc(2 * n, sizeof *v), *a10 = v, *a01 = v + m, *b10 = v + n, *b01 = v + n + m;
    d.auc_a = placements(a, label, n, m, a10, a01);
    d.auc_b = placements(b, label, n, m, b10, b01);
    double positives = covariance(a10, d.auc_a, a10, d.auc_a, m) + covariance(b10, d.auc_b, b10, d.auc_b, m) -
                       2.0 * covariance(a10, d.auc_a, b10, d.auc_b, m);
    double negatives = covariance(a01, d.auc_a, a01, d.auc_a, n - m) + covariance(b01, d.auc_b, b01, d.auc_b, n - m) -
                       2.0 * covariance(a01, d.auc_a, b01, d.auc_b, n - m);
    double variance = positives / (double)m + negatives / (double)(n - m);
    d.z = variance > 0.0 ? (d.auc_a - d.auc_b) / sqrt(variance) : 0.0;
    d.p = two_sided(d.z);
    free(v);
    return d;
}

static int by_size(const void *a, const void *b)
{
    double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
    return (x > y) - (x < y);
}

/* Share of the 2^m sign patterns whose rank sum is at most t: a count of subsets of 1..m by their sum. */
static double share_at_most(size_t m, double t)
{
    size_t top = m * (m + 1) / 2;
    double *ways = xalloc(top + 1, sizeof *ways), below = 0.0;
    ways[0] = 1.0;
    for (size_t rank = 1; rank <= m; rank++)
        for (size_t sum = top; sum >= rank; sum--)
            ways[sum] += ways[sum - rank];
    for (size_t sum = 0; sum <= top && (double)sum <= t; sum++)
        below += ways[sum];
    free(ways);
    return below / exp2((double)m);
}

struct wilcoxon wilcoxon_test(const double *difference, size_t n)
{
    struct wilcoxon w = {0, NAN, NAN, NAN};
    double *d = xalloc(n + 1, sizeof *d), plus = 0.0, minus = 0.0, ties = 0.0;
    for (size_t i = 0; i < n; i++)
        if (difference[i] != 0.0)
            d[w.used++] = difference[i];
    qsort(d, w.used, sizeof *d, by_size);
    for (size_t i = 0; i < w.used;) {
        size_t j = i;
        while (j < w.used && fabs(d[j]) == fabs(d[i]))
            j++;
        double rank = 0.5 * (double)(i + 1 + j), shared = (double)(j - i);
        ties += shared * shared * shared - shared;
        for (; i < j; i++)
            *(d[i] > 0.0 ? &plus : &minus) += rank;
    }
    free(d);
    if (w.used == 0)
        return w;
    double m = (double)w.used;
    w.statistic = fmin(plus, minus);
    if (w.used <= 25 && ties == 0.0)
        w.p_exact = fmin(1.0, 2.0 * share_at_most(w.used, w.statistic));
    double variance = m * (m + 1.0) * (2.0 * m + 1.0) / 24.0 - ties / 48.0;
    w.p_normal = variance > 0.0 ? two_sided((w.statistic - m * (m + 1.0) / 4.0) / sqrt(variance)) : 1.0;
    return w;
}
