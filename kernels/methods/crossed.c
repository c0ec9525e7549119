/* SPDX-License-Identifier: Apache-2.0 */
/* crossed -- assignments of the first two views are what all other views are held to.   kernels/methods */
#include "kernels/methods/crossed.h"
#include <stdlib.h>

void crossed_share(struct learner *l, float *share, int K)
{
    float *host = xalloc((size_t)K, sizeof *host);
    for (int k = 0; k < K; k++)
        host[k] = (float)l->views / (2 * (float)(l->views - 1));
    l->b->put(l->b, share, host, (size_t)K * sizeof *host);
    free(host);
}

void crossed_targets(struct learner *l, float *target, const float *q, const float *share, int K)
{
    struct backend *b = l->b;
    int N = l->in.pairs;
    size_t half = (size_t)N * (size_t)K;
    b->scale_forward(b, target, q + half, share, N, K);
    b->scale_forward(b, target + half, q, share, N, K);
    for (size_t v = 2; v < (size_t)l->views; v++) {
        b->add(b, target + v * half, q, q + half, half, ROWS);
        b->scale_forward(b, target + v * half, target + v * half, share, N, K);
    }
}
