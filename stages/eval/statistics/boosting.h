/* SPDX-License-Identifier: Apache-2.0 */
/* boosting -- gradient-boosted trees for two classes.   [boosting] -> baselines
 *
 * Friedman's (Annals of Statistics 2001) with the log loss: start at the log odds; each tree is fitted to y - p by exact least-squares
 * splits, grown to `depth`, a leaf's value one Newton step sum(y - p)/sum(p (1 - p)), taken at `rate`. Splits lie half-way between
 * neighbouring values; of equal gains the lowest feature, then the lowest threshold. No random number: scikit-learn's
 * GradientBoostingClassifier with its defaults gives the same trees where no two gains are equal. */
#ifndef PETREL_EVAL_BOOSTING_H
#define PETREL_EVAL_BOOSTING_H
#include "common/base.h"

struct boosting_settings {
    size_t trees, depth; /* depth at most 8 */
    double rate;
};
extern const struct boosting_settings boosting_defaults; /* 100, 3, 0.1 */
/* A tree is its nodes as a heap: those below node k are 2k + 1 (value <= threshold) and 2k + 2. */
struct boosting_node {
    int32_t feature; /* -1: a leaf */
    double threshold, value;
};
struct boosting {
    struct boosting_settings settings;
    double prior;
    size_t nodes; /* of a tree */
    struct boosting_node *node;
};
/* x [n][d]. With one class it knows the prior alone (+-INFINITY). */
void boosting_fit(struct boosting *b, const struct boosting_settings *s, const float *x, const int32_t *label, size_t n,
                  size_t d);
double boosting_logit(const struct boosting *b, const float *x);
void boosting_free(struct boosting *b);
#endif
