/* SPDX-License-Identifier: Apache-2.0 */
/* tsne -- embeddings as points on a plane, for looking at.   score -> [tsne] -> report, embed */
#include "stages/eval/tsne.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 500, EXAGGERATED = 120, POWER_STEPS = 60 };

static void squared_distances(const float *x, size_t n, size_t d, double *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            float sum = 0.0F; /* one line of cache at a time: float is enough for a picture */
            for (size_t k = 0; k < d; k++) {
                float v = x[i * d + k] - x[j * d + k];
                sum += v * v;
            }
            out[i * n + j] = out[j * n + i] = (double)sum;
        }
}

/* Row i of the conditional affinities, its bandwidth found by bisection so that its perplexity is as asked. */
static void affinity_row(const double *distance, size_t i, size_t n, double perplexity, double *row)
{
    double low = 0.0, high = INFINITY, beta = 1.0, nearest = INFINITY;
    for (size_t j = 0; j < n; j++)
        if (j != i && distance[i * n + j] < nearest)
            nearest = distance[i * n + j];
    for (int step = 0; step < 60; step++) {
        double sum = 0.0, weighted = 0.0;
        for (size_t j = 0; j < n; j++) {
            double excess = distance[i * n + j] - nearest;
            row[j] = j == i ? 0.0 : exp(-beta * excess);
            sum += row[j];
            weighted += row[j] * excess;
        }
        double entropy = log(sum) + beta * weighted / sum;
        for (size_t j = 0; j < n; j++)
            row[j] /= sum;
        if (fabs(entropy - log(perplexity)) < 1e-5)
            return;
        if (entropy > log(perplexity))
            low = beta, beta = isinf(high) ? beta * 2.0 : 0.5 * (beta + high);
        else
            high = beta, beta = 0.5 * (beta + low);
    }
}

/* The first two principal components by power iteration from a fixed start, scaled to sd 1e-4. */
static void principal_start(const float *x, size_t n, size_t d, double *y)
{
    double *mean = xalloc(d, sizeof *mean), *axis = xalloc(2 * d, sizeof *axis), *next = xalloc(d, sizeof *next);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            mean[k] += (double)x[i * d + k] / (double)n;
    for (size_t c = 0; c < 2; c++) {
        double *a = axis + c * d;
        for (size_t k = 0; k < d; k++)
            a[k] = cos((double)(k * (c + 1)) + 0.5);
        for (int step = 0; step < POWER_STEPS; step++) {
            memset(next, 0, d * sizeof *next);
            for (size_t i = 0; i < n; i++) {
                double along = 0.0;
                for (size_t k = 0; k < d; k++)
                    along += ((double)x[i * d + k] - mean[k]) * a[k];
                for (size_t k = 0; k < d; k++)
                    next[k] += along * ((double)x[i * d + k] - mean[k]);
            }
            double overlap = 0.0, length = 0.0;
            for (size_t k = 0; k < d; k++)
                overlap += c == 1 ? next[k] * axis[k] : 0.0;
            for (size_t k = 0; k < d; k++) {
                next[k] -= c == 1 ? overlap * axis[k] : 0.0;
                length += next[k] * next[k];
            }
            for (size_t k = 0; k < d; k++)
                a[k] = length > 0.0 ? next[k] / sqrt(length) : 0.0;
        }
        double squares = 0.0;
        for (size_t i = 0; i < n; i++) {
            y[2 * i + c] = 0.0;
            for (size_t k = 0; k < d; k++)
                y[2 * i + c] += ((double)x[i * d + k] - mean[k]) * a[k];
            squares += y[2 * i + c] * y[2 * i + c];
        }
        for (size_t i = 0; i < n && squares > 0.0; i++)
            y[2 * i + c] *= 1e-4 / sqrt(squares / (double)n);
    }
    free(next);
    free(axis);
    free(mean);
}

void tsne_run(const float *x, size_t n, size_t d, double *y)
{
    memset(y, 0, 2 * n * sizeof *y);
    if (n < 4)
        return;
    double *p = xalloc(n * n, sizeof *p), *q = xalloc(n * n, sizeof *q);
    double *speed = xalloc(2 * n, sizeof *speed), *gain = xalloc(2 * n, sizeof *gain);
    squared_distances(x, n, d, q);
    for (size_t i = 0; i < n; i++)
        affinity_row(q, i, n, fmin(30.0, (double)n / 4.0), p + i * n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            p[i * n + j] = p[j * n + i] = fmax((p[i * n + j] + p[j * n + i]) / (2.0 * (double)n), 1e-12);
    principal_start(x, n, d, y);
    for (size_t i = 0; i < 2 * n; i++)
        gain[i] = 1.0;
    double rate = fmax((double)n / 12.0, 50.0);
    for (int it = 0; it < ITERATIONS; it++) {
        double exaggeration = it < EXAGGERATED ? 12.0 : 1.0, momentum = it < EXAGGERATED ? 0.5 : 0.8, total = 0.0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = i + 1; j < n; j++) {
                double dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1];
                double near = 1.0 / (1.0 + dx * dx + dy * dy);
                q[i * n + j] = q[j * n + i] = near;
                total += 2.0 * near;
            }
        for (size_t i = 0; i < n; i++) {
            double gx = 0.0, gy = 0.0;
            for (size_t j = 0; j < n; j++) {
                if (j == i)
                    continue;
                double pull = (exaggeration * p[i * n + j] - q[i * n + j] / total) * q[i * n + j];
                gx += 4.0 * pull * (y[2 * i] - y[2 * j]);
                gy += 4.0 * pull * (y[2 * i + 1] - y[2 * j + 1]);
            }
            const double g[2] = {gx, gy};
            for (size_t c = 0; c < 2; c++) {
                size_t k = 2 * i + c;
                gain[k] = (g[c] > 0.0) == (speed[k] > 0.0) ? fmax(gain[k] * 0.8, 0.01) : gain[k] + 0.2;
                speed[k] = momentum * speed[k] - rate * gain[k] * g[c];
            }
        }
        for (size_t k = 0; k < 2 * n; k++)
            y[k] += speed[k];
    }
    free(gain);
    free(speed);
    free(q);
    free(p);
}
