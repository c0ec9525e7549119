/* SPDX-License-Identifier: Apache-2.0 */
/* baselines -- what simple means reach on the same regions, learned on the same patients.   cache, score, facts -> [baselines] -> report
 *
 * Learned on the labelled training regions, asked on the split of the report:
 *     SUV, volume             ln of SUVmax, SUVmean, SUVpeak and ml
 *     SUV, volume, position   and the nine numbers of position the model's recipe names
 * each by logistic regression (standardised on training, l2 = 1) and by boosted trees (boosting.h's defaults: 100 trees, depth 3, rate 0.1);
 *     untrained encoder       the model's network as it was before any step, its embedding by logistic regression
 * and, of the trained representation itself, to judge the classifier on top of it:
 *     linear probe            logistic regression on the embedding
 *     nearest neighbours      share of tumours among the 15 nearest training embeddings */
#ifndef PETREL_EVAL_BASELINES_H
#define PETREL_EVAL_BASELINES_H
#include "stages/eval/facts.h"
#include "stages/eval/figures.h"
#include "stages/eval/statistics/delong.h"
#include "stages/eval/statistics/permutation.h"

enum baseline_kind {
    BASELINE_SUV_LOGISTIC,
    BASELINE_SUV_TREES,
    BASELINE_POSITION_LOGISTIC,
    BASELINE_POSITION_TREES,
    BASELINE_UNTRAINED,
    BASELINE_PROBE, /* from here on: of the trained representation */
    BASELINE_NEIGHBOURS,
    BASELINES
};
enum { NEIGHBOURS = 15 };
struct baseline {
    const char *name;
    float *probability, *validation; /* of the split's regions; of the validation split's */
    struct figures figures;
    struct delong against;          /* the first model (a) against it (b), clustered by patient */
    double p_holm;                  /* of that, over all baselines */
    struct permutation permutation; /* the same question by patient, without a normal curve */
};
struct baselines {
    size_t count;   /* BASELINES, or 0: */
    char none[160]; /* why there are none */
    struct baseline one[BASELINES];
    size_t patients; /* whose regions were asked about */
    size_t best;     /* highest AUC of those that know nothing the training made */
};
/* One model's splits: lists of regions with their embeddings. */
struct splits {
    struct scores train, validation, test; /* test: the split of the report */
};
extern const char *const baseline_name[BASELINES];
/* trained: the first model's; fresh: the same regions by the untrained network. Their lists are the same. */
void baselines_make(struct baselines *b, const struct cache_row *rows, const struct facts *facts,
                    const struct recipe *recipe, const struct splits *trained, const struct splits *fresh,
                    struct truth truth, uint64_t seed);
void baselines_free(struct baselines *b);
#endif
