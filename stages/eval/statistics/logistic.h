/* SPDX-License-Identifier: Apache-2.0 */
/* logistic -- logistic regression.   [logistic] -> calibration, baselines
 *
 * Minimises the sum over rows of log(1 + exp(-s f)) + l2/2 |w|^2, f = w x + b, s = +-1, the intercept b unpenalised: scikit-learn's
 * with C = 1/l2. Newton's steps, halved while they do not help. */
#ifndef PETREL_EVAL_LOGISTIC_H
#define PETREL_EVAL_LOGISTIC_H
#include "common/base.h"

/* x [n][d] -> weight [d + 1], the intercept last. -1: no minimum was found (the classes are apart and l2 is 0, one class, dependent
 * columns); weight is then NAN. */
int logistic_fit(const double *x, const int32_t *label, size_t n, size_t d, double l2, double *weight) MUST_USE;
double logistic_at(const double *x, size_t d, const double *weight);
double sigmoid_of(double logit);
/* The symmetric positive definite a [d][d] x = b, in place by Cholesky: b becomes x, a is spent. -1: not positive definite. */
int cholesky_solve(double *a, double *b, size_t d) MUST_USE;
#endif
