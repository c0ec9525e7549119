/* SPDX-License-Identifier: Apache-2.0 */
/* logistic -- how well a straight line through a few features tells two classes apart.   [logistic] -> check */
#ifndef PETREL_SIMULATE_LOGISTIC_H
#define PETREL_SIMULATE_LOGISTIC_H
#include "common/base.h"

enum { FEATURES_MOST = 24, LOGISTIC_FOLDS = 5 };

/* Area under the ROC curve, ties counting half; NAN where one class is missing. */
double auc_of(const double *score, const int *label, size_t count);
/* AUC of a logistic regression (standardised features, ridge 1e-3) on the samples it has not seen: those of group g belong to
 * fold g % LOGISTIC_FOLDS. feature[count][features]; features at most FEATURES_MOST. */
double logistic_auc(const double *feature, const int *label, const size_t *group, size_t count, size_t features);
#endif
