/* SPDX-License-Identifier: Apache-2.0 */
/* verdict -- the first line of a report: does the model beat what needs no model?   baselines -> [verdict] -> report, page */
#include "stages/eval/verdict.h"
#include <math.h>

static const double SIGNIFICANT = 0.05;

enum verdict verdict_of(const struct baselines *b)
{
    if (b->count == 0)
        return VERDICT_UNKNOWN;
    const struct baseline *best = &b->one[b->best];
    bool differs = best->p_holm < SIGNIFICANT && best->permutation.p < SIGNIFICANT;
    if (best->against.auc_a > best->against.auc_b)
        return differs ? VERDICT_BETTER : VERDICT_NOT_BETTER;
    return differs ? VERDICT_WORSE : VERDICT_NOT_BETTER;
}

char *verdict_sentence(const struct baselines *b, const char *name)
{
    if (b->count == 0)
        return xprintf("No baseline stands beside the model '%s': %s.", name, b->none);
    const struct baseline *best = &b->one[b->best];
    char how[320], delong[120];
    if (isnan(best->p_holm))
        format_into(delong, sizeof delong, "DeLong by patient not defined (one class is of a single patient)");
    else
        format_into(delong, sizeof delong, "DeLong by patient p = %.2g (Holm over %d baselines)", best->p_holm,
                    BASELINES);
    format_into(how, sizeof how, "AUC %.3f against %.3f; %zu patients, %s, permutation p = %.2g", best->against.auc_a,
                best->against.auc_b, b->patients, delong, best->permutation.p);
    switch (verdict_of(b)) {
    case VERDICT_BETTER: return xprintf("The model '%s' beats the best baseline (%s): %s.", name, best->name, how);
    case VERDICT_WORSE:
        return xprintf("The model '%s' does NOT beat the baselines and is worse than the best (%s): %s.", name,
                       best->name, how);
    case VERDICT_NOT_BETTER:
    default: return xprintf("The model '%s' does NOT beat the best baseline (%s): %s.", name, best->name, how);
    }
}

char *verdict_of_probes(const struct baselines *b, const char *name)
{
    for (size_t k = BASELINE_PROBE; k < b->count; k++)
        if (b->one[k].against.auc_b > b->one[k].against.auc_a && b->one[k].p_holm < SIGNIFICANT &&
            b->one[k].permutation.p < SIGNIFICANT)
            return xprintf("The classifier of '%s' does worse on its representation than plain means do (%s): AUC %.3f "
                           "against %.3f, p = %.2g.",
                           name, b->one[k].name, b->one[k].against.auc_a, b->one[k].against.auc_b, b->one[k].p_holm);
    return xstrdup("");
}
