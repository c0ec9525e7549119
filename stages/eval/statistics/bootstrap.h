/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap -- how far a figure would move with other patients.   score -> [bootstrap] -> report
 *
 * Percentile bootstrap, 95 %, resampling patients with all their regions (regions of one patient are not independent):
 * resample k draws as many patients as there are from Philox(seed, RNG_EVAL, k), with replacement; one that lacks a class is left out, and of a
 * figure one in which it is undefined (precision where nothing is called tumour): `defined` says how many were not. Of fewer than
 * PATIENTS_LEAST patients there are so few different resamples (35 of four) that no interval is given: NAN.
 * Quantiles are straight between order statistics, as NumPy's and R's type 7. */
#ifndef PETREL_EVAL_BOOTSTRAP_H
#define PETREL_EVAL_BOOTSTRAP_H
#include "stages/eval/statistics/metrics.h"

enum { BANDS = 101, RESAMPLES = 2000, PATIENTS_LEAST = 5 };
struct interval {
    double low, high;
};
/* band[g]: the ROC's true-positive rate at false-positive rate g/(BANDS-1). */
struct bootstrap {
    struct interval value[METRICS], band[BANDS];
    size_t patients, resamples; /* resamples that had both classes */
    size_t defined[METRICS];    /* of those, in how many the figure was defined */
};
void bootstrap_run(const float *probability, const int32_t *label, const int32_t *patient, size_t n, double threshold,
                   uint64_t seed, struct bootstrap *out);
/* Patients of a list as 0 .. their number - 1, in order of their first region; returns the number. */
size_t patients_number(const int32_t *patient, size_t n, uint32_t *number);
/* The quantile q of n sorted values. */
double quantile_of(const double *sorted, size_t n, double q);
#endif
