/* SPDX-License-Identifier: Apache-2.0 */
/* figures -- everything measured of one list of probabilities.   score, statistics -> [figures] -> evaluation, baselines */
#ifndef PETREL_EVAL_FIGURES_H
#define PETREL_EVAL_FIGURES_H
#include "stages/eval/score.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/calibration.h"
#include "stages/eval/statistics/froc.h"
#include "stages/eval/statistics/threshold.h"

/* Figures at one threshold; threshold NAN: there is none of the kind, and the values are NAN. */
struct operating {
    double threshold;
    struct confusion confusion;
    double value[METRICS];
};
enum { MATCHED = 3 };
extern const double matched_specificity[MATCHED]; /* 0.80 0.90 0.95 */
/* What is known of a split beside its regions. */
struct truth {
    size_t scans;  /* with or without regions */
    size_t missed; /* lesions that lie in no tumour region: FROC counts them, for they are never found */
};
struct figures {
    size_t n, tumours;
    struct truth truth;
    double threshold, value[METRICS]; /* at the recipe's threshold */
    struct confusion confusion;
    struct bootstrap bootstrap;
    struct calibration calibration, tempered; /* as it is; with the temperature, where there is one */
    double temperature;                       /* fitted on validation; NAN: none */
    struct operating grid[GRID_THRESHOLDS];   /* the paper's, 0.30 to 0.90 */
    struct operating chosen;                  /* highest F1 of that grid on validation */
    struct operating matched[MATCHED]; /* read off this list's own ROC: thresholds chosen on what they are asked of */
    struct operating transferred[MATCHED]; /* by thresholds of that specificity on validation: what one would have met */
    double froc[FROC_RATES];               /* sensitivity at froc_rate false positives a scan */
};
/* probability: of s's regions; validation, validation_probability: another list's, or NULL. */
void figures_make(struct figures *f, const struct scores *s, const float *probability, const struct scores *validation,
                  const float *validation_probability, struct truth truth, double threshold, uint64_t seed);
#endif
