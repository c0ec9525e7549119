/* SPDX-License-Identifier: Apache-2.0 */
/* delong -- are two models' AUCs on the same regions different?   score -> [delong] -> report, compare
 *
 * DeLong, DeLong and Clarke-Pearson, Biometrics 1988, takes regions as independent; regions of one patient are not. Obuchowski,
 * Biometrics 1997, sums the same placement values by patient: with m_i tumours and n_i others in patient i of I, M and N in all,
 * I10 and I01 patients with any of either,
 *     S10 = I10/((I10-1) M) sum (V10_i - m_i AUC)^2     S01 alike     S11 = I/(I-1) sum (V10_i - m_i AUC)(V01_i - n_i AUC)
 *     variance = S10/M + S01/N + 2 S11/(M N)
 * and the covariance of two models likewise. With one region a patient it is DeLong's. Two-sided. */
#ifndef PETREL_EVAL_DELONG_H
#define PETREL_EVAL_DELONG_H
#include "common/base.h"

/* All NAN where a class is missing. se, z and p are NAN, too, where either class is of one patient alone (by region: of one region), for then
 * nothing is known of how it varies; and z and p where the AUCs differ and the variance is nought. z of two models that do not differ at all is 0. */
struct delong {
    double auc_a, auc_b, se_a, se_b, z, p;
};
struct delong delong_test(const float *a, const float *b, const int32_t *label, size_t n);
struct delong delong_clustered(const float *a, const float *b, const int32_t *label, const int32_t *patient, size_t n);
#endif
