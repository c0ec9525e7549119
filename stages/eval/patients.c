/* SPDX-License-Identifier: Apache-2.0 */
/* patients -- what a patient's regions come to, and his lesions that are in none.   facts, score -> [patients] -> report, page */
#include "stages/eval/patients.h"
#include "stages/eval/statistics/bootstrap.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_regions(struct patients *p, const struct cache *c, const struct scores *s, const struct facts *f,
                        double threshold)
{
    uint32_t *number = xalloc(s->n + 1, sizeof *number);
    p->count = patients_number(s->patient, s->n, number);
    for (size_t i = 0; i < s->n; i++) {
        struct patient_sums *one = &p->one[number[i]];
        double ml = f->region[s->row[i]].ml;
        bool said = (double)s->probability[i] >= threshold, is = s->label[i] == 1;
        one->name = c->shard[s->shard[i]].patient;
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
    free(number);
}

/* Of every scan that was looked at, also of those in which nothing was found. */
static void add_lesions(struct patients *p, const struct cache *c, const struct facts *f, const bool *looked_at)
{
    for (size_t i = 0; i < c->shard_count; i++) {
        if (!looked_at[i])
            continue;
        size_t k = 0;
        while (k < p->count && strcmp(p->one[k].name, c->shard[i].patient) != 0)
            k++;
        if (k == p->count)
            p->one[p->count++] = (struct patient_sums){.name = c->shard[i].patient};
        const struct lesions *l = &f->lesions[i];
        p->one[k].lesions += l->count;
        p->one[k].lesions_ml += l->known ? 0.0 : NAN;
        for (size_t j = 0; j < l->count; j++)
            p->one[k].lesions_ml += l->lesion[j].ml;
    }
}

void patients_make(struct patients *p, const struct cache *c, const struct scores *s, const struct facts *f,
                   const bool *looked_at, double threshold)
{
    *p = (struct patients){.one = xalloc(s->n + c->shard_count + 1, sizeof *p->one)};
    add_regions(p, c, s, f, threshold);
    add_lesions(p, c, f, looked_at);
    double *said = xalloc(4 * p->count + 1, sizeof *said), *truth = said + p->count, *said_known = said + 2 * p->count,
           *lesions = said + 3 * p->count;
    size_t known = 0;
    for (size_t k = 0; k < p->count; k++) {
        const struct patient_sums *one = &p->one[k];
        bool ill = one->tumours > 0 || one->lesions > 0;
        p->with_tumours += ill;
        p->uncovered += ill && one->tumours == 0;
        p->detected += one->tp > 0;
        p->alarmed += !ill && one->fp > 0;
        p->false_ml += one->false_ml;
        p->missed_ml += one->missed_ml;
        said[k] = one->said_ml;
        truth[k] = one->truth_ml;
        if (!isnan(one->lesions_ml)) {
            said_known[known] = one->said_ml;
            lesions[known++] = one->lesions_ml;
        }
    }
    p->regions = agreement_of(said, truth, p->count);
    p->lesions = agreement_of(said_known, lesions, known);
    free(said);
}

void patients_free(struct patients *p)
{
    free(p->one);
    *p = (struct patients){.one = NULL};
}
