/* SPDX-License-Identifier: Apache-2.0 */
/* vicreg -- invariance, variance and covariance of two views, through the K x K covariance matrix.   kernels/ref
 *
 * inv = mean (za - zb)^2; v_j = sum_i Zc_ij^2 / (N-1), S_j = sqrt(v_j + 1e-4), var = mean_j max(0, 1 - S_j), half of it
 * from each view; cov = sum_{i!=j} C_ij^2 / K, C = Zc' Zc / (N-1), of both views. literal: inv is summed over K, not
 * averaged, and the two variances are added, not halved. */
#include "kernels/ref/ref.h"

#include <math.h>
#include <stdlib.h>

/* One view: adds its variance and covariance terms, and (into dz, doubles) their weighted gradient. */
static void view(double *dz, double *variance, double *covariance, const float *z, size_t N, size_t K, double w_var,
                 double w_cov)
{
    double *centred = xalloc(N * K, sizeof *centred), *C = xalloc(K * K, sizeof *C), dof = (double)N - 1;
    for (size_t j = 0; j < K; j++) {
        double sum = 0;
        for (size_t i = 0; i < N; i++)
            sum += (double)z[i * K + j];
        for (size_t i = 0; i < N; i++)
            centred[i * K + j] = (double)z[i * K + j] - sum / (double)N;
    }
    for (size_t j = 0; j < K; j++)
        for (size_t k = 0; k < K; k++) {
            for (size_t i = 0; i < N; i++)
                C[j * K + k] += centred[i * K + j] * centred[i * K + k] / dof;
            if (j != k)
                *covariance += C[j * K + k] * C[j * K + k] / (double)K;
        }
    for (size_t j = 0; j < K; j++) {
        double S = sqrt(C[j * K + j] + 1e-4);
        *variance += fmax(0, 1 - S) / (double)K;
        for (size_t i = 0; i < N; i++) {
            double through = 0;
            for (size_t k = 0; k < K; k++)
                if (k != j)
                    through += centred[i * K + k] * C[k * K + j];
            dz[i * K + j] += w_cov * 4 * through / ((double)K * dof);
            if (S < 1)
                dz[i * K + j] -= w_var * centred[i * K + j] / ((double)K * dof * S);
        }
    }
    free(C);
    free(centred);
}

static void ref_vicreg(struct backend *b, float *dz, float terms[3], const float *z, int rows, int width,
                       const float weight[3], bool literal)
{
    (void)b;
    size_t N = (size_t)rows, K = (size_t)width;
    double *g = xalloc(2 * N * K, sizeof *g), mean_over = literal ? (double)N : (double)N * (double)K,
           share = literal ? 1 : 0.5;
    double invariance = 0, variance = 0, covariance = 0;
    for (size_t i = 0; i < N * K; i++) {
        double d = (double)z[i] - (double)z[N * K + i];
        invariance += d * d / mean_over;
        g[i] = (double)weight[0] * 2 * d / mean_over;
        g[N * K + i] = -g[i];
    }
    for (size_t v = 0; v < 2; v++)
        view(g + v * N * K, &variance, &covariance, z + v * N * K, N, K, (double)weight[1] * share, (double)weight[2]);
    for (size_t i = 0; i < 2 * N * K; i++)
        dz[i] = (float)g[i];
    terms[0] = (float)invariance;
    terms[1] = (float)(share * variance);
    terms[2] = (float)covariance;
    free(g);
}

void ref_add_vicreg(struct backend *b)
{
    b->vicreg = ref_vicreg;
}
