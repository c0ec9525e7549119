/* SPDX-License-Identifier: Apache-2.0 */
/* eigenvalues -- of a symmetric matrix.   [eigenvalues] -> representation */
#ifndef PETREL_EVAL_EIGENVALUES_H
#define PETREL_EVAL_EIGENVALUES_H
#include "common/base.h"

/* a [n][n], both triangles, is spent; value [n] descending. Householder's reduction, then QL with implicit shifts. -1: no convergence (a number
 * that is not finite). */
int eigenvalues_of(double *a, size_t n, double *value) MUST_USE;
#endif
