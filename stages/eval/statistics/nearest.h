/* SPDX-License-Identifier: Apache-2.0 */
/* nearest -- nearest neighbours by Euclidean distance.   [nearest] -> tsne, baselines, embed */
#ifndef PETREL_EVAL_NEAREST_H
#define PETREL_EVAL_NEAREST_H
#include "common/base.h"

struct neighbour {
    float square; /* of the distance */
    uint32_t index;
};
/* For each of m queries [m][d] its k nearest of x [n][d], the nearest first, of equals the first of the list -> found [m][k]. With
 * `itself` query i is x's row i and is not its own neighbour. k at most n (n - 1 with `itself`). Every core is used; the
 * result does not depend on how many there are. */
void nearest_find(const float *x, size_t n, size_t d, const float *query, size_t m, size_t k, bool itself,
                  struct neighbour *found);
/* |a - b|^2 in one fixed order of adding. */
float square_distance(const float *a, const float *b, size_t d);
#endif
