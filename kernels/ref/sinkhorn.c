/* SPDX-License-Identifier: Apache-2.0 */
/* sinkhorn -- assignments of rows to prototypes, every prototype given the same in all (Caron et al. 2020).   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>
#include <stdlib.h>

static void ref_sinkhorn(struct backend *b, float *q, const float *scores, int N, int K, float eps, int rounds)
{
    (void)b;
    size_t rows = (size_t)N, width = (size_t)K;
    double *p = xalloc(rows * width, sizeof *p), top = -INFINITY;
    for (size_t i = 0; i < rows * width; i++)
        top = fmax(top, (double)scores[i]);
    for (size_t i = 0; i < rows * width; i++) /* a common factor, which the first column sums take away */
        p[i] = exp(((double)scores[i] - top) / (double)eps);
    for (int round = 0; round < rounds; round++) {
        for (size_t k = 0; k < width; k++) {
            double sum = 0;
            for (size_t n = 0; n < rows; n++)
                sum += p[n * width + k];
            for (size_t n = 0; sum > 0 && n < rows; n++)
                p[n * width + k] /= sum * (double)K;
        }
        for (size_t n = 0; n < rows; n++) {
            double sum = 0;
            for (size_t k = 0; k < width; k++)
                sum += p[n * width + k];
            for (size_t k = 0; sum > 0 && k < width; k++)
                p[n * width + k] /= sum * (double)N;
        }
    }
    for (size_t i = 0; i < rows * width; i++)
        q[i] = (float)(p[i] * (double)N);
    free(p);
}

void ref_add_sinkhorn(struct backend *b)
{
    b->sinkhorn = ref_sinkhorn;
}
