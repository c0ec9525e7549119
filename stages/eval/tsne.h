/* SPDX-License-Identifier: Apache-2.0 */
/* tsne -- embeddings as points on a plane, for looking at.   score -> [tsne] -> report, embed
 *
 * t-SNE (van der Maaten and Hinton, JMLR 2008): perplexity 30 (or n/4 if smaller), attraction between each point and its 90 (3 x perplexity)
 * nearest, repulsion between all pairs exactly, 500 iterations of gradient descent with momentum and gains, early exaggeration
 * 12 for the first 120, started from the first two principal components: no random numbers, and sums in a fixed order, so the
 * same embeddings give the same picture on any number of threads. Memory O(n), time O(n^2) an iteration: 3,000 points of
 * 512 numbers in seconds (tests/bench: tsne). */
#ifndef PETREL_EVAL_TSNE_H
#define PETREL_EVAL_TSNE_H
#include "common/base.h"

/* x [n][d] -> y [n][2]. */
void tsne_run(const float *x, size_t n, size_t d, double *y);
#endif
