/* SPDX-License-Identifier: Apache-2.0 */
/* tsne -- embeddings as points on a plane, for looking at.   score -> [tsne] -> report, embed
 *
 * Exact t-SNE (van der Maaten and Hinton, JMLR 2008): perplexity 30 (or n/4 if smaller), 500 iterations of gradient descent with momentum
 * and gains, early exaggeration 12 for the first 120, started from the first two principal components: no random numbers, so
 * the same embeddings give the same picture. O(n^2) memory and time an iteration: meant for n up to a few thousand. */
#ifndef PETREL_EVAL_TSNE_H
#define PETREL_EVAL_TSNE_H
#include "common/base.h"

/* x [n][d] -> y [n][2]. */
void tsne_run(const float *x, size_t n, size_t d, double *y);
#endif
