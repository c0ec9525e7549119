/* SPDX-License-Identifier: Apache-2.0 */
/* patients -- what a patient's regions come to.   facts, score -> [patients] -> report, page */
#include "stages/eval/patients.h"
#include "stages/eval/statistics/bootstrap.h"
#include <stdlib.h>

void patients_make(struct patients *p, const struct cache *c, const struct scores *s, const struct facts *f,
                   double threshold)
{
    uint32_t *number = xalloc(s->n + 1, sizeof *number);
    *p = (struct patients){.count = patients_number(s->patient, s->n, number)};
    p->one = xalloc(p->count + 1, sizeof *p->one);
    for (size_t i = 0; i < s->n; i++) {
        struct patient_sums *one = &p->one[number[i]];
        double ml = f->region[s->row[i]].ml;
        bool said = (double)s->probability[i] >= threshold, is = s->label[i] == 1;
        one->name = c->shard[s->shard[i]].patient;
        one->number = s->patient[i];
        one->regions++;
        one->tumours += is;
        one->tp += is && said;
        one->fp += !is && said;
        one->fn += is && !said;
        one->truth_ml += is ? ml : 0.0;
        one->said_ml += said ? ml : 0.0;
        one->false_ml += !is && said ? ml : 0.0;
        one->missed_ml += is && !said ? ml : 0.0;
    }
    double *measured = xalloc(2 * p->count + 1, sizeof *measured), *truth = measured + p->count;
    for (size_t k = 0; k < p->count; k++) {
        const struct patient_sums *one = &p->one[k];
        p->with_tumours += one->tumours > 0;
        p->detected += one->tp > 0;
        p->alarmed += one->tumours == 0 && one->fp > 0;
        p->false_ml += one->false_ml;
        p->missed_ml += one->missed_ml;
        measured[k] = one->said_ml;
        truth[k] = one->truth_ml;
    }
    p->tmtv = agreement_of(measured, truth, p->count);
    free(measured);
    free(number);
}

void patients_free(struct patients *p)
{
    free(p->one);
    *p = (struct patients){.one = NULL};
}
