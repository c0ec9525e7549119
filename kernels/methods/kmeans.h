/* SPDX-License-Identifier: Apache-2.0 */
/* kmeans -- groups of a bank's rows, by their directions.   kernels/methods */
#ifndef PETREL_KERNELS_METHODS_KMEANS_H
#define PETREL_KERNELS_METHODS_KMEANS_H
#include "kernels/methods/learner.h"

enum { KMEANS_ROUNDS = 10 };
/* Spherical k-means: centres begin at rows of the bank, distinct ones, by Philox(seed, RNG_GROUPS, number); KMEANS_ROUNDS times each
 * becomes the mean direction of the rows nearest to it by cosine; one without rows stays. Rows of zeros are none yet; where there are
 * fewer rows than groups, groups stay as they are. Outside what is recorded; allocates for its time. */
void kmeans_groups(struct learner *l, const struct learner_state *groups, const struct learner_state *bank,
                   uint64_t number);
#endif
