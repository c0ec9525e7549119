/* SPDX-License-Identifier: Apache-2.0 */
/* representation -- how much of its room the embedding uses, and whether class shows in it.   score -> [representation] -> report, page
 *
 * Effective rank: exp of the entropy of the singular values of the centred embeddings, as shares of their sum (Roy and Vetterli 2007). Std a
 * dimension: over the regions, n - 1. Class distances: mean Euclidean distance between regions of the classes named.
 *
 * The loss's trivial optimum (METHOD.md 12): two boxes of a class whose embeddings are independent given the class, every dimension of std s,
 * give VICReg l 2 s^2 + m (1 - s) with weights l of invariance and m of variance and no covariance: least m - m^2/8l at s = m/4l (if under 1).
 * A run that stays there has learned nothing its pairs tell apart. */
#ifndef PETREL_EVAL_REPRESENTATION_H
#define PETREL_EVAL_REPRESENTATION_H
#include "proto/recipe.h"
#include "stages/eval/score.h"

struct representation {
    size_t width, n;
    double rank; /* effective; NAN for fewer than two regions */
    double std_least, std_median, std_most;
    double of_tumours, of_others, between; /* mean distances; NAN where a class has too few */
};
void representation_measure(struct representation *r, const struct scores *s);
/* NAN where the method is not VICReg, its pairs are not of one class, or its reduction is not the mean. */
double loss_trivial_optimum(const struct recipe *r);

/* Distances of up to `most` regions, evenly taken, others first and then tumours, each class by distance from its mean: grey [side][side], 0
 * for none to 255 for the 99th percentile and more. Returns the side; *others: how many of them are. The caller frees. */
size_t distance_map(const struct scores *s, size_t most, uint8_t **grey, size_t *others) MUST_USE;
#endif
