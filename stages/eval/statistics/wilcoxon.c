/* SPDX-License-Identifier: Apache-2.0 */
/* wilcoxon -- the signed-rank test of paired differences.   [wilcoxon] -> report, compare */
#include "stages/eval/statistics/wilcoxon.h"
#include <math.h>
#include <stdlib.h>

enum { EXACT_MOST = 50 };

double normal_two_sided(double z)
{
    return erfc(fabs(z) / sqrt(2.0));
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
    struct wilcoxon w = {0, NAN, NAN, NAN, NAN};
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
    w.above = plus;
    if (w.used <= EXACT_MOST && ties == 0.0)
        w.p_exact = fmin(1.0, 2.0 * share_at_most(w.used, w.statistic));
    double variance = m * (m + 1.0) * (2.0 * m + 1.0) / 24.0 - ties / 48.0;
    w.p_normal = variance > 0.0 ? normal_two_sided((w.statistic - m * (m + 1.0) / 4.0) / sqrt(variance)) : 1.0;
    return w;
}

bool wilcoxon_first_smaller(const struct wilcoxon *w)
{
    return w->above < 0.25 * (double)w->used * ((double)w->used + 1.0);
}
