/* SPDX-License-Identifier: Apache-2.0 */
/* permutation -- would two models' AUCs differ so if their names were drawn by lot?   score -> [permutation] -> report, compare
 *
 * The two models' words on a patient's regions change places for a patient as a whole. Up to PATIENTS_EXACT patients all 2^I patterns are looked at;
 * beyond, PERMUTATIONS drawn ones, word k of Philox(seed, RNG_EVAL, 2^32 + draw), and p = (1 + as large)/(1 + draws). */
#ifndef PETREL_EVAL_PERMUTATION_H
#define PETREL_EVAL_PERMUTATION_H
#include "common/base.h"

enum { PATIENTS_EXACT = 13, PERMUTATIONS = 9999 };
struct permutation {
    size_t patterns;
    double difference, p; /* of the AUCs; two-sided */
};
struct permutation permutation_test(const float *a, const float *b, const int32_t *label, const int32_t *patient,
                                    size_t n, uint64_t seed);

/* Holm's correction of m p-values of one question (Scandinavian Journal of Statistics 1979): adjusted[m], in the order given. NAN stays NAN. */
void holm_adjust(const double *p, size_t m, double *adjusted);
#endif
