/* SPDX-License-Identifier: Apache-2.0 */
/* ranking -- regions in the order of their probability.   [ranking] -> roc, precision, froc, delong, bootstrap */
#include "stages/eval/statistics/ranking.h"
#include <stdlib.h>

static int most_probable_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->probability != y->probability)
        return x->probability < y->probability ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

struct ranked *ranking_make(const float *probability, size_t n)
{
    struct ranked *r = xalloc(n + 1, sizeof *r);
    for (size_t i = 0; i < n; i++)
        r[i] = (struct ranked){probability[i], (uint32_t)i};
    qsort(r, n, sizeof *r, most_probable_first);
    return r;
}

size_t ranking_tie_end(const struct ranked *r, size_t n, size_t first)
{
    size_t end = first + 1;
    while (end < n && r[end].probability == r[first].probability)
        end++;
    return end;
}

int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
