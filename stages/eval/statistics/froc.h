/* SPDX-License-Identifier: Apache-2.0 */
/* froc -- sensitivity against false positives a scan.   score -> [froc] -> report, page
 *
 * Sensitivity is of `tumours` in all: those of the list, or more where lesions are known that no region covers. */
#ifndef PETREL_EVAL_FROC_H
#define PETREL_EVAL_FROC_H
#include "common/base.h"

struct froc_point {
    double per_scan, sensitivity, threshold;
};
/* A point for each distinct probability, the highest first, after (0, 0). Free the points. */
size_t froc_curve(const float *probability, const int32_t *label, size_t n, size_t scans, size_t tumours,
                  struct froc_point **points) MUST_USE;
/* The highest sensitivity that costs no more than `per_scan` false positives a scan. */
double froc_sensitivity(const struct froc_point *p, size_t count, double per_scan);
enum { FROC_RATES = 4 };
extern const double froc_rate[FROC_RATES]; /* 1 2 4 8 */
#endif
