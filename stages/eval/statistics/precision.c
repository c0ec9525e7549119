/* SPDX-License-Identifier: Apache-2.0 */
/* precision -- precision against sensitivity, over all thresholds.   score -> [precision] -> metrics, page */
#include "stages/eval/statistics/precision.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>

size_t precision_curve(const float *probability, const int32_t *label, size_t n, struct precision_point **points)
{
    struct ranked *r = ranking_make(probability, n);
    struct precision_point *p = xalloc(n + 1, sizeof *p);
    size_t positives = 0, count = 0, tp = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] == 1;
    for (size_t i = 0; i < n;) {
        size_t first = i;
        for (size_t end = ranking_tie_end(r, n, i); i < end; i++)
            tp += label[r[i].index] == 1;
        p[count++] = (struct precision_point){positives > 0 ? (double)tp / (double)positives : NAN,
                                              (double)tp / (double)i, (double)r[first].probability};
    }
    free(r);
    *points = p;
    return count;
}

double average_precision(const float *probability, const int32_t *label, size_t n)
{
    struct precision_point *p;
    size_t count = precision_curve(probability, label, n, &p);
    double sum = count > 0 ? 0.0 : NAN, before = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (p[i].sensitivity - before) * p[i].precision;
        before = p[i].sensitivity;
    }
    free(p);
    return sum;
}
