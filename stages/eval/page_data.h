/* SPDX-License-Identifier: Apache-2.0 */
/* page_data -- what report.html's script knows, as JSON.   evaluation -> [page_json] -> page
 *
 *     models, baselines    [{name, p [N], threshold, chosen, matched, temperature, brier, ece, slope, intercept, froc [4]}]; models
 *                          also band_low, band_high [101]: the ROC's 95 % band at false-positive rates 0, 0.01, ...
 *     best_baseline        number in baselines; -1: none
 *     label, patient, component, row, ml, suv, organ [N]    of the split's regions; patient numbers `patients` (names)
 *     scans                [{name, w, h, n, png, regions [], marks [][n][4]}]: n frames of w x h under one another; marks: across, down, half, half
 *     maps, near, distances    t-SNE of the first two models; five nearest of each region by the first; Figure 4's map as PNG
 *     losses               [{title, epoch, train, validation, floor}]
 *     scans_in_all, tumours_in_all, froc_rates
 * Unknown numbers are null. */
#ifndef PETREL_EVAL_PAGE_DATA_H
#define PETREL_EVAL_PAGE_DATA_H
#include "stages/eval/evaluation.h"

enum { SCANS_TURNING = 4, SCANS_SHOWN = 60, MAPS_SHOWN = 2, NEAR_SHOWN = 5, DISTANCES_SIDE = 320 };
/* The caller's; NULL and a sentence where a scan cannot be read. */
char *page_data(const struct report *r, struct error *e) MUST_USE;
#endif
