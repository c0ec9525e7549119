/* SPDX-License-Identifier: Apache-2.0 */
/* precision -- precision against sensitivity, over all thresholds.   score -> [precision] -> metrics, page
 *
 * Average precision is the sum over distinct probabilities of (rise in sensitivity) x (precision there), without interpolation;
 * NAN where there are no tumours. */
#ifndef PETREL_EVAL_PRECISION_H
#define PETREL_EVAL_PRECISION_H
#include "common/base.h"

struct precision_point {
    double sensitivity, precision, threshold;
};
/* One point for each distinct probability, the highest first. Free the points. */
size_t precision_curve(const float *probability, const int32_t *label, size_t n,
                       struct precision_point **points) MUST_USE;
double average_precision(const float *probability, const int32_t *label, size_t n);
#endif
