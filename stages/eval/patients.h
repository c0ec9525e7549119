/* SPDX-License-Identifier: Apache-2.0 */
/* patients -- what a patient's regions come to, and his lesions that are in none.   facts, score -> [patients] -> report, page
 *
 * A patient has tumours where a region of his is one, or where the truth has a lesion, whether or not a region covers it. He is detected where at
 * least one tumour region is said to be tumour; one without tumours is alarmed where any region is. TMTV, measured: the volume of the
 * regions that are said to be tumour. Against `regions`: of those that are tumour, so what no region covers is in neither. Against
 * `lesions`: of the truth itself, which is what a reader would measure; of the patients whose scans say which lesions they have. */
#ifndef PETREL_EVAL_PATIENTS_H
#define PETREL_EVAL_PATIENTS_H
#include "stages/eval/facts.h"
#include "stages/eval/score.h"
#include "stages/eval/statistics/agreement.h"

struct patient_sums {
    const char *name; /* borrowed from the cache */
    size_t regions, tumours, tp, fp, fn, lesions;
    double truth_ml, said_ml, false_ml, missed_ml; /* of regions: said = truth - missed + false */
    double lesions_ml;                             /* of the truth; NAN: a scan of his does not say */
};
struct patients {
    struct patient_sums *one; /* in order of their first region, then those without any */
    size_t count, with_tumours, detected, alarmed;
    size_t uncovered; /* of those with tumours: those of whom no region is one, so no model can detect them */
    double false_ml, missed_ml;
    struct agreement regions, lesions; /* of the TMTV said; lesions.n: of how many patients the truth is known */
};
/* looked_at: by shard, whether the split has it and its truth. */
void patients_make(struct patients *p, const struct cache *c, const struct scores *s, const struct facts *f,
                   const bool *looked_at, double threshold);
void patients_free(struct patients *p);
#endif
