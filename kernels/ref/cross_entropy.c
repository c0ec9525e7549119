/* SPDX-License-Identifier: Apache-2.0 */
/* cross_entropy -- mean over rows of -sum target log softmax(logits / temperature), classes left out by row.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_cross_entropy(struct backend *b, float *dlogits, float *loss, const float *logits, const float *target,
                              int N, int C, float temperature)
{
    (void)b;
    double total = 0, by = 1 / (double)temperature;
    for (size_t n = 0; n < (size_t)N; n++) {
        const float *x = logits + n * (size_t)C, *t = target + n * (size_t)C;
        float *g = dlogits + n * (size_t)C;
        double top = -INFINITY, sum = 0, weight = 0;
        for (int c = 0; c < C; c++)
            if (t[c] >= 0)
                top = fmax(top, (double)x[c] * by);
        for (int c = 0; c < C; c++)
            if (t[c] >= 0) {
                sum += exp((double)x[c] * by - top);
                weight += (double)t[c];
            }
        for (int c = 0; c < C; c++) {
            double log_p = (double)x[c] * by - top - log(sum);
            if (t[c] > 0)
                total -= (double)t[c] * log_p;
            g[c] = t[c] < 0 ? 0 : (float)(by * (weight * exp(log_p) - (double)t[c]) / N);
        }
    }
    *loss = (float)(total / N);
}

void ref_add_cross_entropy(struct backend *b)
{
    b->cross_entropy = ref_cross_entropy;
}
