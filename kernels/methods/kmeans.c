/* SPDX-License-Identifier: Apache-2.0 */
/* kmeans -- groups of a bank's rows, by their directions.   kernels/methods */
#include "kernels/methods/kmeans.h"
#include "common/rng.h"
#include <stdlib.h>
#include <string.h>

/* Rows that are not all zero, moved to the front; how many. */
static size_t rows_filled(float *row, size_t rows, size_t K)
{
    size_t kept = 0;
    for (size_t n = 0; n < rows; n++) {
        bool any = false;
        for (size_t k = 0; k < K; k++)
            any = any || row[n * K + k] != 0;
        if (any && kept++ != n)
            memmove(row + (kept - 1) * K, row + n * K, K * sizeof *row);
    }
    return kept;
}

/* G of the rows, to `out` */
static void rows_choose(float *out, const float *row, size_t rows, size_t G, size_t K, uint64_t seed, uint64_t number)
{
    uint32_t *order = xalloc(rows, sizeof *order);
    struct rng r = rng_make(seed, RNG_GROUPS, number);
    for (size_t n = 0; n < rows; n++)
        order[n] = (uint32_t)n;
    rng_shuffle(&r, order, rows);
    for (size_t g = 0; g < G; g++)
        memcpy(out + g * K, row + order[g] * K, K * sizeof *out);
    free(order);
}

void kmeans_groups(struct learner *l, const struct learner_state *groups, const struct learner_state *bank,
                   uint64_t number)
{
    struct backend *b = l->b;
    size_t G = (size_t)groups->rows, K = (size_t)groups->columns, all = (size_t)bank->rows;
    float *host = xalloc(all * K, sizeof *host), *begin = xalloc(G * K, sizeof *begin);
    b->get(b, host, bank->data, all * K * sizeof *host);
    size_t rows = rows_filled(host, all, K);
    if (rows >= G) {
        float *work = b->alloc(b, (rows * K + G * K + 3 * rows * G + rows + G) * sizeof *work);
        float *unit = work, *next = unit + rows * K, *scores = next + G * K, *share = scores + rows * G,
              *onehot = share + rows * G, *rnorm = onehot + rows * G;
        rows_choose(begin, host, rows, G, K, l->seed, number);
        b->put(b, unit, host, rows * K * sizeof *host);
        b->put(b, next, begin, G * K * sizeof *begin);
        b->l2norm_forward(b, unit, rnorm, unit, (int)rows, (int)K);
        b->l2norm_forward(b, groups->data, rnorm, next, (int)G, (int)K);
        for (int round = 0; round < KMEANS_ROUNDS; round++) {
            b->linear_forward(b, scores, unit, groups->data, NULL, (int)rows, (int)K, (int)G);
            b->regroup(b, next, share, onehot, scores, unit, groups->data, (int)rows, (int)G, (int)K, 1);
            b->l2norm_forward(b, groups->data, rnorm, next, (int)G, (int)K);
        }
        b->sync(b);
        b->release(b, work);
    }
    free(host);
    free(begin);
}
