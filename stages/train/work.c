/* SPDX-License-Identifier: Apache-2.0 */
/* work -- how much a recipe asks for on a cache, before anything is run.   petrel-train describe --cache DIR */
#include "stages/train/work.h"
#include <stdlib.h>

enum { FORWARD_AND_BACKWARD = 3, VIEWS = 2 };
static const double MILLION = 1e6; /* millions in a million million */

static double boxes(const struct sampling_plan *p, enum pair_phase phase)
{
    double sum = 0.0;
    for (int64_t s = 0; s < sampling_steps(p, phase); s++)
        sum += (double)sampling_batch_items(p, phase, s);
    return sum;
}

int work_print(const struct train *t, double live, double projection, FILE *to, struct error *e)
{
    const struct recipe *r = &t->recipe;
    struct cache c;
    struct cache_row *rows = NULL;
    struct sampling_plan plan;
    if (cache_open(&c, t->cache_dir, e) < 0)
        return -1;
    int rc = cache_rows(&c, &rows, e) < 0 ? -1 : sampling_plan_make(&plan, r, &c, rows, e);
    if (rc == 0) {
        double pair = VIEWS * (live + projection) / MILLION, one = live / MILLION;
        double epochs = (double)r->epochs, learned = boxes(&plan, PHASE_CLASSIFIER),
               looked_at = boxes(&plan, PHASE_CLASSIFIER_VALIDATION), rounds = (double)r->classifier_epochs,
               draws = r->classifier_views > 0 && r->classifier_views < r->classifier_epochs
                           ? (double)r->classifier_views
                           : rounds;
        fprintf(to,
                "work step=%.4g pretraining=%.4g classifier=%.4g fine_tuning=%.4g pretraining_steps=%lld "
                "classifier_steps=%lld (million million multiply-adds)\n",
                FORWARD_AND_BACKWARD * pair * (double)r->batch,
                epochs * pair *
                    (FORWARD_AND_BACKWARD * boxes(&plan, PHASE_PRETRAIN) + boxes(&plan, PHASE_PRETRAIN_VALIDATION)),
                one * (draws * learned + looked_at), rounds * one * (FORWARD_AND_BACKWARD * learned + looked_at),
                (long long)(r->epochs * plan.pretrain_steps), (long long)(r->classifier_epochs * plan.classifier_steps));
    }
    free(rows);
    cache_close(&c);
    return rc;
}
