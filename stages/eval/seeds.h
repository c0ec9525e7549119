/* SPDX-License-Identifier: Apache-2.0 */
/* seeds -- several runs of one recipe: what a figure moves by when nothing but the seed does.   evaluation -> [seeds] -> compare
 *
 * Models of the same settings, position and cache that differ in their seed are one recipe. Spread is the standard deviation over its runs, n - 1. The
 * difference of two recipes' means exceeds the spread where it is larger than twice its standard error, sqrt(sa^2/na + sb^2/nb). */
#ifndef PETREL_EVAL_SEEDS_H
#define PETREL_EVAL_SEEDS_H
#include "stages/eval/evaluation.h"

struct seed_group {
    size_t first, runs;                /* the model it is named after; how many */
    double mean[METRICS], sd[METRICS]; /* NAN: of runs without the figure, of one run */
};
struct seeds {
    struct seed_group *group;
    size_t count;
};
void seeds_make(struct seeds *s, const struct report *r);
void seeds_free(struct seeds *s);
/* Is there a recipe with several runs? */
bool seeds_known(const struct seeds *s);
/* Twice the standard error of the difference of two means; NAN where either has one run. */
double seeds_margin(const struct seed_group *a, const struct seed_group *b, int metric);
#endif
