/* SPDX-License-Identifier: Apache-2.0 */
/* figures -- everything measured of one list of probabilities.   score, statistics -> [figures] -> evaluation, baselines */
#include "stages/eval/figures.h"
#include <math.h>
#include <stdlib.h>

const double matched_specificity[MATCHED] = {0.80, 0.90, 0.95};

static struct operating operate(const struct scores *s, const float *probability, double threshold)
{
    struct operating o = {.threshold = threshold};
    if (!isnan(threshold)) {
        o.confusion = confusion_at(probability, s->label, s->n, threshold);
        metrics_at(probability, s->label, s->n, threshold, o.value);
    } else {
        for (int k = 0; k < METRICS; k++)
            o.value[k] = NAN;
    }
    return o;
}

void figures_make(struct figures *f, const struct scores *s, const float *probability, const struct scores *validation,
                  const float *validation_probability, struct truth truth, double threshold, uint64_t seed)
{
    *f = (struct figures){.n = s->n, .truth = truth, .threshold = threshold, .temperature = NAN};
    for (size_t i = 0; i < s->n; i++)
        f->tumours += s->label[i] == 1;
    struct operating fixed = operate(s, probability, threshold);
    f->confusion = fixed.confusion;
    for (int k = 0; k < METRICS; k++)
        f->value[k] = fixed.value[k];
    bootstrap_run(probability, s->label, s->patient, s->n, threshold, seed, &f->bootstrap);
    calibration_measure(probability, s->label, s->n, &f->calibration);
    double chosen = NAN;
    if (validation_probability != NULL) {
        f->temperature = temperature_fit(validation_probability, validation->label, validation->n);
        chosen = threshold_by_f1(validation_probability, validation->label, validation->n);
    }
    float *tempered = xalloc(s->n + 1, sizeof *tempered);
    for (size_t i = 0; i < s->n; i++)
        tempered[i] = temperature_apply(probability[i], f->temperature);
    calibration_measure(tempered, s->label, s->n, &f->tempered);
    free(tempered);
    for (size_t k = 0; k < GRID_THRESHOLDS; k++)
        f->grid[k] = operate(s, probability, threshold_of_grid(k));
    f->chosen = operate(s, probability, chosen);
    for (size_t k = 0; k < MATCHED; k++) {
        double own = threshold_by_specificity(probability, s->label, s->n, matched_specificity[k]), theirs = NAN;
        if (validation_probability != NULL)
            theirs = threshold_by_specificity(validation_probability, validation->label, validation->n,
                                              matched_specificity[k]);
        f->matched[k] = operate(s, probability, own);
        f->transferred[k] = operate(s, probability, theirs);
    }
    struct froc_point *p;
    size_t count = froc_curve(probability, s->label, s->n, truth.scans, f->tumours + truth.missed, &p);
    for (size_t k = 0; k < FROC_RATES; k++)
        f->froc[k] = froc_sensitivity(p, count, froc_rate[k]);
    free(p);
}
