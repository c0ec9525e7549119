/* SPDX-License-Identifier: Apache-2.0 */
/* permutation -- would two models' AUCs differ so if their names were drawn by lot?   score -> [permutation] -> report, compare */
#include "stages/eval/statistics/permutation.h"
#include "common/rng.h"
#include "stages/eval/statistics/bootstrap.h"
#include "stages/eval/statistics/ranking.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Both models' probabilities as dense ranks, so that an AUC is one walk over counts. */
struct swapped {
    const int32_t *label;
    const uint32_t *number; /* patient of a region */
    uint32_t *rank[2];      /* 0: the lowest */
    size_t n, ranks;
    double pairs; /* tumours x others */
};

static double ranks_auc(const struct swapped *s, const uint8_t *turned, int model, uint32_t *count)
{
    uint32_t *of_tumours = count, *of_others = count + s->ranks;
    memset(count, 0, 2 * s->ranks * sizeof *count);
    for (size_t i = 0; i < s->n; i++) {
        uint32_t rank = s->rank[model ^ turned[s->number[i]]][i];
        (s->label[i] == 1 ? of_tumours : of_others)[rank]++;
    }
    double below = 0.0, sum = 0.0;
    for (size_t r = 0; r < s->ranks; r++) {
        sum += of_tumours[r] * (below + 0.5 * of_others[r]);
        below += of_others[r];
    }
    return sum / s->pairs;
}

static double difference_of(const struct swapped *s, const uint8_t *turned, uint32_t *count)
{
    return ranks_auc(s, turned, 0, count) - ranks_auc(s, turned, 1, count);
}

static void rank_both(struct swapped *s, const float *a, const float *b)
{
    float *all = xalloc(2 * s->n + 1, sizeof *all);
    memcpy(all, a, s->n * sizeof *all);
    memcpy(all + s->n, b, s->n * sizeof *all);
    struct ranked *r = ranking_make(all, 2 * s->n);
    for (size_t i = 2 * s->n; i-- > 0;) {
        if (i + 1 < 2 * s->n && r[i].probability != r[i + 1].probability)
            s->ranks++;
        s->rank[r[i].index >= s->n][r[i].index % s->n] = (uint32_t)s->ranks;
    }
    s->ranks++;
    free(r);
    free(all);
}

struct permutation permutation_test(const float *a, const float *b, const int32_t *label, const int32_t *patient,
                                    size_t n, uint64_t seed)
{
    struct permutation out = {0, NAN, NAN};
    uint32_t *number = xalloc(n + 1, sizeof *number);
    size_t patients = patients_number(patient, n, number), positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += label[i] == 1;
    struct swapped s = {label, number, {xalloc(n + 1, sizeof(uint32_t)), xalloc(n + 1, sizeof(uint32_t))},
                        n,     0,      (double)positives * (double)(n - positives)};
    if (positives > 0 && positives < n) {
        rank_both(&s, a, b);
        bool exact = patients <= PATIENTS_EXACT;
        size_t as_large = 0;
        out.patterns = exact ? (size_t)1 << patients : PERMUTATIONS;
        uint8_t *none = xalloc(patients, sizeof *none);
        uint32_t *first = xalloc(2 * s.ranks, sizeof *first);
        out.difference = difference_of(&s, none, first);
        free(first);
        free(none);
#pragma omp parallel reduction(+ : as_large)
        {
            uint8_t *turned = xalloc(patients, sizeof *turned);
            uint32_t *count = xalloc(2 * s.ranks, sizeof *count);
#pragma omp for schedule(static)
            for (size_t k = 0; k < out.patterns; k++) {
                struct rng r = rng_make(seed, RNG_EVAL, ((uint64_t)1 << 32) + k);
                for (size_t i = 0; i < patients; i++)
                    turned[i] = (uint8_t)(exact ? k >> i & 1 : rng_u32(&r) & 1);
                as_large += fabs(difference_of(&s, turned, count)) >= fabs(out.difference) - 1e-12;
            }
            free(count);
            free(turned);
        }
        out.p =
            exact ? (double)as_large / (double)out.patterns : (1.0 + (double)as_large) / (1.0 + (double)out.patterns);
    }
    free(s.rank[0]);
    free(s.rank[1]);
    free(number);
    return out;
}

void holm_adjust(const double *p, size_t m, double *adjusted)
{
    size_t known = 0;
    for (size_t i = 0; i < m; i++) {
        adjusted[i] = NAN;
        known += isnan(p[i]) ? 0 : 1;
    }
    double least = 0.0;
    for (size_t left = known; left > 0; left--) { /* the smallest not yet taken; m is a handful */
        size_t best = m;
        for (size_t i = 0; i < m; i++)
            if (isnan(adjusted[i]) && !isnan(p[i]) && (best == m || p[i] < p[best]))
                best = i;
        least = fmax(least, fmin(1.0, (double)left * p[best]));
        adjusted[best] = least;
    }
}
