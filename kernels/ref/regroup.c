/* SPDX-License-Identifier: Apache-2.0 */
/* regroup -- rows find their groups, groups follow their rows.   kernels/ref */
#include "kernels/ref/ref.h"

#include <string.h>

static size_t nearest(const float *scores, size_t K)
{
    size_t best = 0;
    for (size_t k = 1; k < K; k++)
        best = scores[k] > scores[best] ? k : best;
    return best;
}

static void ref_regroup(struct backend *b, float *to, float *share, float *onehot, const float *scores,
                        const float *rows, const float *from, int N, int K, int C, float rate)
{
    size_t n_end = (size_t)N, k_end = (size_t)K, width = (size_t)C;
    (void)b;
    memset(onehot, 0, n_end * k_end * sizeof *onehot);
    for (size_t n = 0; n < n_end; n++)
        onehot[n * k_end + nearest(scores + n * k_end, k_end)] = 1;
    for (size_t k = 0; to && k < k_end; k++) {
        double count = 0;
        for (size_t n = 0; n < n_end; n++)
            count += (double)onehot[n * k_end + k];
        for (size_t n = 0; n < n_end; n++)
            share[n * k_end + k] = onehot[n * k_end + k] > 0 ? (float)((double)rate / count) : 0;
        for (size_t c = 0; c < width; c++) {
            double x = count > 0 ? (1 - (double)rate) * (double)from[k * width + c] : (double)from[k * width + c];
            for (size_t n = 0; n < n_end; n++)
                x += (double)share[n * k_end + k] * (double)rows[n * width + c];
            to[k * width + c] = (float)x;
        }
    }
}

void ref_add_regroup(struct backend *b)
{
    b->regroup = ref_regroup;
}
