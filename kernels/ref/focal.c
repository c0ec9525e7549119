/* SPDX-License-Identifier: Apache-2.0 */
/* focal -- mean over rows of alpha_y (1-p_y)^gamma * -log p_y.   kernels/ref */
#include "kernels/ref/ref.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static void softmax(double *p, const double *x, size_t C)
{
    double top = x[0], sum = 0;
    for (size_t c = 1; c < C; c++)
        top = fmax(top, x[c]);
    for (size_t c = 0; c < C; c++)
        sum += p[c] = exp(x[c] - top);
    for (size_t c = 0; c < C; c++)
        p[c] /= sum;
}

static void ref_focal(struct backend *b, float *dlogits, float *loss, const float *logits, const int32_t *label, int N,
                      int C, const float *alpha, float gamma, bool on_softmax)
{
    (void)b;
    size_t K = (size_t)C;
    double *x = xalloc(4 * K, sizeof *x), *first = x + K, *p = x + 2 * K, *g = x + 3 * K, total = 0,
           power = (double)gamma;
    for (size_t n = 0; n < (size_t)N; n++) {
        assert(label[n] >= 0 && label[n] < C);
        size_t y = (size_t)label[n];
        for (size_t c = 0; c < K; c++)
            x[c] = (double)logits[n * K + c];
        softmax(first, x, K);
        const double *scored = on_softmax ? first : x;
        softmax(p, scored, K);

        double top = scored[0], sum = 0, rest = 0; /* log p and 1 - p, both without cancellation */
        for (size_t c = 1; c < K; c++)
            top = fmax(top, scored[c]);
        for (size_t c = 0; c < K; c++) {
            sum += exp(scored[c] - top);
            rest += c == y ? 0 : p[c];
        }
        double log_p = scored[y] - top - log(sum);
        total -= (double)alpha[y] * pow(rest, power) * log_p;

        double slope = -pow(rest, power); /* p_y d/dp_y */
        if (power != 0 && rest > 0)
            slope += power * p[y] * pow(rest, power - 1) * log_p;
        for (size_t c = 0; c < K; c++)
            g[c] = (double)alpha[y] * slope * ((c == y ? 1 : 0) - p[c]) / N;
        if (on_softmax) {
            double dot = 0;
            for (size_t c = 0; c < K; c++)
                dot += g[c] * first[c];
            for (size_t c = 0; c < K; c++)
                g[c] = first[c] * (g[c] - dot);
        }
        for (size_t c = 0; c < K; c++)
            dlogits[n * K + c] = (float)g[c];
    }
    *loss = (float)(total / N);
    free(x);
}

void ref_add_focal(struct backend *b)
{
    b->focal = ref_focal;
}
