/* SPDX-License-Identifier: Apache-2.0 */
/* froc -- sensitivity against false positives a scan.   score -> [froc] -> report, page */
#include "stages/eval/statistics/froc.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>

const double froc_rate[FROC_RATES] = {1, 2, 4, 8};

size_t froc_curve(const float *probability, const int32_t *label, size_t n, size_t scans, size_t tumours,
                  struct froc_point **points)
{
    struct ranked *r = ranking_make(probability, n);
    struct froc_point *p = xalloc(n + 2, sizeof *p);
    size_t count = 1, tp = 0, fp = 0;
    p[0] = (struct froc_point){0.0, tumours > 0 ? 0.0 : NAN, INFINITY};
    for (size_t i = 0; i < n;) {
        size_t first = i;
        for (size_t end = ranking_tie_end(r, n, i); i < end; i++)
            *(label[r[i].index] == 1 ? &tp : &fp) += 1;
        p[count++] = (struct froc_point){scans > 0 ? (double)fp / (double)scans : NAN,
                                         tumours > 0 ? (double)tp / (double)tumours : NAN, (double)r[first].probability};
    }
    free(r);
    *points = p;
    return count;
}

double froc_sensitivity(const struct froc_point *p, size_t count, double per_scan)
{
    double best = count > 0 ? p[0].sensitivity : NAN;
    for (size_t i = 0; i < count && p[i].per_scan <= per_scan; i++)
        best = p[i].sensitivity;
    return best;
}
