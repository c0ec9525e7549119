/* SPDX-License-Identifier: Apache-2.0 */
/* roc -- sensitivity against false positives, over all thresholds.   score -> [roc] -> metrics, page */
#include "stages/eval/statistics/roc.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>

static double ratio(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

size_t roc_curve(const float *probability, const int32_t *label, size_t n, struct roc_point **points)
{
    struct ranked *r = ranking_make(probability, n);
    size_t positives = 0, count = 1, tp = 0, fp = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] == 1;
    struct roc_point *p = xalloc(n + 2, sizeof *p);
    p[0] = (struct roc_point){0.0, 0.0, INFINITY};
    for (size_t i = 0; i < n;) { /* equal probabilities move together */
        size_t first = i;
        for (size_t end = ranking_tie_end(r, n, i); i < end; i++) {
            tp += label[r[i].index] == 1;
            fp += label[r[i].index] != 1;
        }
        p[count++] = (struct roc_point){ratio(fp, n - positives), ratio(tp, positives), (double)r[first].probability};
    }
    free(r);
    *points = p;
    return count;
}

double auc_trapezoid(const float *probability, const int32_t *label, size_t n)
{
    struct roc_point *p;
    size_t count = roc_curve(probability, label, n, &p);
    double sum = count > 1 ? 0.0 : NAN;
    for (size_t i = 1; i < count; i++)
        sum += (p[i].false_positive - p[i - 1].false_positive) * 0.5 * (p[i].true_positive + p[i - 1].true_positive);
    free(p);
    return sum;
}

double roc_height(const struct roc_point *p, size_t count, double at)
{
    size_t i = count - 1;
    while (i > 0 && p[i].false_positive > at)
        i--;
    if (i + 1 == count || p[i + 1].false_positive <= p[i].false_positive)
        return p[i].true_positive;
    double share = (at - p[i].false_positive) / (p[i + 1].false_positive - p[i].false_positive);
    return p[i].true_positive + share * (p[i + 1].true_positive - p[i].true_positive);
}
