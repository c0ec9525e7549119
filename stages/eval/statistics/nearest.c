/* SPDX-License-Identifier: Apache-2.0 */
/* nearest -- nearest neighbours by Euclidean distance.   [nearest] -> tsne, baselines, embed */
#include "stages/eval/statistics/nearest.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, AT_ONCE = 8 };

VECTORISED float square_distance(const float *a, const float *b, size_t d)
{
    float sum[LANES] = {0.0F};
    size_t k = 0;
    for (; k + LANES <= d; k += LANES)
        for (size_t c = 0; c < LANES; c++) {
            float v = a[k + c] - b[k + c];
            sum[c] += v * v;
        }
    for (size_t c = 0; k < d; k++, c++) {
        float v = a[k] - b[k];
        sum[c] += v * v;
    }
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t c = 0; c < half; c++)
            sum[c] += sum[c + half];
    return sum[0];
}

/* Into a list of the nearest so far, kept in order. Rows come in theirs, so of equals the first stays first. */
static size_t keep(struct neighbour *list, size_t held, size_t k, struct neighbour new)
{
    if (held == k && !(new.square < list[k - 1].square))
        return held;
    size_t low = 0, high = held;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list[middle].square <= new.square)
            low = middle + 1;
        else
            high = middle;
    }
    size_t last = held < k ? held : k - 1;
    memmove(list + low + 1, list + low, (last - low) * sizeof *list);
    list[low] = new;
    return last + 1;
}

void nearest_find(const float *x, size_t n, size_t d, const float *query, size_t m, size_t k, bool itself,
                  struct neighbour *found)
{
    assert(k + itself <= n);
    if (k == 0)
        return;
#pragma omp parallel for schedule(dynamic, 4)
    for (size_t first = 0; first < m; first += AT_ONCE) { /* a row of x, once fetched, meets several queries */
        size_t count = m - first < AT_ONCE ? m - first : AT_ONCE, held[AT_ONCE] = {0};
        for (size_t j = 0; j < n; j++)
            for (size_t q = 0; q < count; q++)
                if (!itself || first + q != j)
                    held[q] =
                        keep(found + (first + q) * k, held[q], k,
                             (struct neighbour){square_distance(query + (first + q) * d, x + j * d, d), (uint32_t)j});
    }
}
