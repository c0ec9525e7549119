/* SPDX-License-Identifier: Apache-2.0 */
/* patients -- what a patient's regions come to.   facts, score -> [patients] -> report, page
 *
 * A patient with tumours is detected where at least one tumour region is said to be tumour; one without is alarmed where any region is. TMTV: the
 * volume of the regions that are (truth), or are said to be (measured), tumour. Tumours that no region covers are in neither. */
#ifndef PETREL_EVAL_PATIENTS_H
#define PETREL_EVAL_PATIENTS_H
#include "stages/eval/facts.h"
#include "stages/eval/score.h"
#include "stages/eval/statistics/agreement.h"

struct patient_sums {
    const char *name; /* borrowed from the cache */
    int32_t number;
    size_t regions, tumours, tp, fp, fn;
    double truth_ml, said_ml, false_ml, missed_ml; /* said = truth - missed + false */
};
struct patients {
    struct patient_sums *one; /* in order of their first region */
    size_t count, with_tumours, detected, alarmed;
    double false_ml, missed_ml;
    struct agreement tmtv; /* said against truth */
};
void patients_make(struct patients *p, const struct cache *c, const struct scores *s, const struct facts *f,
                   double threshold);
void patients_free(struct patients *p);
#endif
