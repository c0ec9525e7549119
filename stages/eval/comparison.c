/* SPDX-License-Identifier: Apache-2.0 */
/* comparison -- two models on the same regions, by every test we have.   evaluation -> [comparison] -> report, compare */
#include "stages/eval/comparison.h"
#include <math.h>
#include <stdlib.h>

void comparison_make(struct comparison *c, const struct scores *a, double threshold_a, const struct scores *b,
                     double threshold_b, uint64_t seed)
{
    double *difference = xalloc(a->n + 1, sizeof *difference);
    for (size_t i = 0; i < a->n; i++)
        difference[i] = fabs((double)a->probability[i] - a->label[i]) - fabs((double)b->probability[i] - b->label[i]);
    c->plain = delong_test(a->probability, b->probability, a->label, a->n);
    c->clustered = delong_clustered(a->probability, b->probability, a->label, a->patient, a->n);
    c->permutation = permutation_test(a->probability, b->probability, a->label, a->patient, a->n, seed);
    c->wilcoxon = wilcoxon_test(difference, a->n);
    c->mcnemar = mcnemar_at(a->probability, threshold_a, b->probability, threshold_b, a->label, a->n);
    free(difference);
}

void comparisons_adjust(struct comparison *c, size_t count)
{
    double *p = xalloc(4 * count + 1, sizeof *p), *auc = p + 2 * count, *error = p + 3 * count;
    for (size_t i = 0; i < count; i++) {
        p[i] = c[i].clustered.p;
        p[count + i] = c[i].wilcoxon.p_normal;
    }
    holm_adjust(p, count, auc);
    holm_adjust(p + count, count, error);
    for (size_t i = 0; i < count; i++) {
        c[i].p_auc = auc[i];
        c[i].p_error = error[i];
    }
    free(p);
}
