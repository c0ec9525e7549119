/* SPDX-License-Identifier: Apache-2.0 */
/* regroup -- rows find their groups, groups follow their rows; a thread a group, its rows in order.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <string.h>

static int nearest(const float *scores, int K)
{
    int best = 0;
    for (int k = 1; k < K; k++)
        best = scores[k] > scores[best] ? k : best;
    return best;
}

/* Group k: its rows are those whose number is k. */
static void follow(float *to, float *share, const int *of, const float *rows, const float *from, size_t k, size_t N,
                   size_t K, size_t C, float rate)
{
    size_t count = 0;
    for (size_t n = 0; n < N; n++)
        count += of[n] == (int)k;
    const float keep = count ? 1 - rate : 1, each = count ? rate / (float)count : 0;
    for (size_t c = 0; c < C; c++)
        to[c] = keep * from[c];
    for (size_t n = 0; n < N; n++) {
        bool own = of[n] == (int)k;
        share[n * K + k] = own ? each : 0;
        for (size_t c = 0; own && c < C; c++)
            to[c] += each * rows[n * C + c];
    }
}

static void cpu_regroup(struct backend *b, float *to, float *share, float *onehot, const float *scores,
                        const float *rows, const float *from, int N, int K, int C, float rate)
{
    size_t groups = (size_t)K, width = (size_t)C;
    int *of = cpu_scratch(b, (size_t)N * sizeof *of);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        of[n] = nearest(scores + n * groups, K);
        memset(onehot + n * groups, 0, groups * sizeof *onehot);
        onehot[n * groups + (size_t)of[n]] = 1;
    }
    if (!to)
        return;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * K > WORTH)
    for (size_t k = 0; k < groups; k++)
        follow(to + k * width, share, of, rows, from + k * width, k, (size_t)N, groups, width, rate);
}

void cpu_add_regroup(struct backend *b)
{
    b->regroup = cpu_regroup;
}
