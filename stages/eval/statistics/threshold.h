/* SPDX-License-Identifier: Apache-2.0 */
/* threshold -- where tumour begins: fixed, from the paper's grid, chosen on validation, or by specificity.   score -> [threshold] -> report, compare
 *
 * A region is said to be tumour where its probability is at least the threshold. Net benefit at threshold t (Vickers and Elkin 2006):
 * TP/n - FP/n * t/(1-t); of calling every region tumour: share - (1 - share) t/(1-t). */
#ifndef PETREL_EVAL_THRESHOLD_H
#define PETREL_EVAL_THRESHOLD_H
#include "common/base.h"

enum { GRID_THRESHOLDS = 13 };
double threshold_of_grid(size_t k); /* 0.30, 0.35, ... 0.90 */
/* Of the grid, the one with the highest F1, the lowest of several; NAN where no threshold finds a tumour. For validation, never for the regions
 * the figures are of. */
double threshold_by_f1(const float *probability, const int32_t *label, size_t n);
/* The lowest threshold that leaves at least this specificity; INFINITY where only calling nothing tumour does. NAN without others. */
double threshold_by_specificity(const float *probability, const int32_t *label, size_t n, double specificity);
double net_benefit(const float *probability, const int32_t *label, size_t n, double threshold);
double net_benefit_of_all(const int32_t *label, size_t n, double threshold);
#endif
