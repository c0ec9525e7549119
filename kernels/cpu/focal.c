/* SPDX-License-Identifier: Apache-2.0 */
/* focal -- mean over rows of alpha_y (1-p_y)^gamma * -log p_y.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <assert.h>
#include <math.h>

/* p = softmax(x); returns log of p[y] */
static double softmax(float *p, const float *x, int C, int y)
{
    double top = (double)x[0], sum = 0;
    for (int c = 1; c < C; c++)
        top = fmax(top, (double)x[c]);
    for (int c = 0; c < C; c++)
        sum += exp((double)x[c] - top);
    for (int c = 0; c < C; c++)
        p[c] = (float)(exp((double)x[c] - top) / sum);
    return (double)x[y] - top - log(sum);
}

/* One row: its loss, and its gradient times `share`. `first` and `p` are C floats of scratch each. */
static double row_loss(float *g, float *first, float *p, const float *x, int C, int y, double alpha, double gamma,
                       bool on_softmax, double share)
{
    if (on_softmax) {
        softmax(first, x, C, y);
        x = first;
    }
    double log_p = softmax(p, x, C, y), rest = 0, dot = 0; /* rest: 1 - p_y, without cancellation */
    for (int c = 0; c < C; c++)
        rest += c == y ? 0 : (double)p[c];
    double slope = -pow(rest, gamma); /* p_y d/dp_y */
    if (gamma != 0 && rest > 0)
        slope += gamma * (double)p[y] * pow(rest, gamma - 1) * log_p;
    for (int c = 0; c < C; c++) {
        g[c] = (float)(share * alpha * slope * (c == y ? rest : -(double)p[c]));
        dot += on_softmax ? (double)g[c] * (double)first[c] : 0;
    }
    for (int c = 0; on_softmax && c < C; c++)
        g[c] = (float)((double)first[c] * ((double)g[c] - dot));
    return -alpha * pow(rest, gamma) * log_p;
}

static void cpu_focal(struct backend *b, float *dlogits, float *loss, const float *logits, const int32_t *label, int N,
                      int C, const float *alpha, float gamma, bool on_softmax)
{
    float *scratch = cpu_scratch(b, (size_t)N * 2 * (size_t)C * sizeof *scratch + (size_t)N * sizeof(double));
    double *each = (double *)(void *)scratch, sum = 0;
    float *room = scratch + 2 * (size_t)N;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * C > WORTH)
    for (size_t n = 0; n < (size_t)N; n++) {
        assert(label[n] >= 0 && label[n] < C);
        float *mine = room + n * 2 * (size_t)C;
        each[n] = row_loss(dlogits + n * (size_t)C, mine, mine + C, logits + n * (size_t)C, C, label[n],
                           (double)alpha[label[n]], (double)gamma, on_softmax, 1.0 / N);
    }
    for (size_t n = 0; n < (size_t)N; n++)
        sum += each[n];
    *loss = (float)(sum / N);
}

void cpu_add_focal(struct backend *b)
{
    b->focal = cpu_focal;
}
