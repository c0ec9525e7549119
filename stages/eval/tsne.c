/* SPDX-License-Identifier: Apache-2.0 */
/* tsne -- embeddings as points on a plane, for looking at.   score -> [tsne] -> report, embed */
#include "stages/eval/tsne.h"
#include "stages/eval/statistics/nearest.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 500, EXAGGERATED = 120, POWER_STEPS = 60, LANES = 16 };

/* Affinities that are not nought: row i has edge[first[i]] to edge[first[i + 1]], by column. */
struct edge {
    uint32_t column;
    float p;
};
struct affinities {
    size_t *first;
    struct edge *edge;
};

/* Conditional affinities of one point to its neighbours, the bandwidth found by bisection so that the perplexity is as asked. */
static void affinity_row(const struct neighbour *near, size_t k, double perplexity, double *row)
{
    double low = 0.0, high = INFINITY, beta = 1.0;
    for (int step = 0; step < 60; step++) {
        double sum = 0.0, weighted = 0.0;
        for (size_t j = 0; j < k; j++) {
            double excess = (double)near[j].square - (double)near[0].square;
            row[j] = exp(-beta * excess);
            sum += row[j];
            weighted += row[j] * excess;
        }
        double entropy = log(sum) + beta * weighted / sum;
        for (size_t j = 0; j < k; j++)
            row[j] /= sum;
        if (fabs(entropy - log(perplexity)) < 1e-5)
            return;
        if (entropy > log(perplexity))
            low = beta, beta = isinf(high) ? beta * 2.0 : 0.5 * (beta + high);
        else
            high = beta, beta = 0.5 * (beta + low);
    }
}

static int by_column(const void *a, const void *b)
{
    uint32_t x = ((const struct edge *)a)->column, y = ((const struct edge *)b)->column;
    return (x > y) - (x < y);
}

/* (P_j|i + P_i|j)/2n: each neighbour's affinity goes to both rows; what a row has twice is added. */
static struct affinities affinities_make(const float *x, size_t n, size_t d, double perplexity)
{
    size_t k = (size_t)(3.0 * perplexity) < n - 1 ? (size_t)(3.0 * perplexity) : n - 1;
    struct neighbour *near = xalloc(n * k, sizeof *near);
    double *row = xalloc(n * k, sizeof *row);
    nearest_find(x, n, d, x, n, k, true, near);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        affinity_row(near + i * k, k, perplexity, row + i * k);
    struct affinities a = {xalloc(n + 1, sizeof *a.first), xalloc(2 * n * k, sizeof *a.edge)};
    size_t *at = xalloc(n + 1, sizeof *at);
    for (size_t e = 0; e < n * k; e++)
        at[near[e].index]++;
    for (size_t i = 0, sum = 0; i < n; i++) {
        size_t mine = at[i] + k;
        at[i] = sum;
        sum += mine;
    }
    at[n] = 2 * n * k;
    size_t *end = xalloc(n, sizeof *end);
    memcpy(end, at, n * sizeof *end);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            size_t other = near[i * k + j].index;
            float p = (float)(row[i * k + j] / (2.0 * (double)n));
            a.edge[end[i]++] = (struct edge){(uint32_t)other, p};
            a.edge[end[other]++] = (struct edge){(uint32_t)i, p};
        }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct edge *mine = a.edge + at[i];
        size_t count = at[i + 1] - at[i];
        qsort(mine, count, sizeof *mine, by_column); /* of two alike the order does not matter: a + b is b + a */
        a.first[i] = kept;
        for (size_t j = 0; j < count; j++)
            if (j > 0 && mine[j].column == a.edge[kept - 1].column)
                a.edge[kept - 1].p += mine[j].p;
            else
                a.edge[kept++] = mine[j];
    }
    a.first[n] = kept;
    free(end);
    free(at);
    free(row);
    free(near);
    return a;
}

/* The first two principal components by power iteration from a fixed start, scaled to sd 1e-4. */
static void principal_start(const float *x, size_t n, size_t d, double *y)
{
    double *mean = xalloc(d, sizeof *mean), *axis = xalloc(2 * d, sizeof *axis), *next = xalloc(d, sizeof *next);
    double *along = xalloc(n, sizeof *along);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++)
            mean[k] += (double)x[i * d + k] / (double)n;
    for (size_t c = 0; c < 2; c++) {
        double *a = axis + c * d;
        for (size_t k = 0; k < d; k++)
            a[k] = cos((double)(k * (c + 1)) + 0.5);
        for (int step = 0; step < POWER_STEPS; step++) {
#pragma omp parallel for schedule(static)
            for (size_t i = 0; i < n; i++) {
                double sum[4] = {0.0}; /* a fixed order that still leaves the processor four sums at once */
                for (size_t k = 0; k < d; k++)
                    sum[k % 4] += ((double)x[i * d + k] - mean[k]) * a[k];
                along[i] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
            }
            memset(next, 0, d * sizeof *next);
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < d; k++)
                    next[k] += along[i] * ((double)x[i * d + k] - mean[k]);
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
    free(along);
    free(next);
    free(axis);
    free(mean);
}

/* Where the points are, for the many pairs: floats, one array an axis, filled up with points so far away that they push nothing. */
struct plane {
    float *x, *y;
    size_t padded;
};

/* What all points push one point: sum of q^2 (it - other) and of q, q = 1/(1 + distance^2). */
VECTORISED static void push(const struct plane *p, float px, float py, double out[3])
{
    float sum_x[LANES] = {0.0F}, sum_y[LANES] = {0.0F}, sum[LANES] = {0.0F};
    for (size_t j = 0; j < p->padded; j += LANES)
        for (size_t c = 0; c < LANES; c++) {
            float dx = px - p->x[j + c], dy = py - p->y[j + c], q = 1.0F / (1.0F + dx * dx + dy * dy), q2 = q * q;
            sum[c] += q;
            sum_x[c] += q2 * dx;
            sum_y[c] += q2 * dy;
        }
    out[0] = out[1] = out[2] = 0.0;
    for (size_t c = 0; c < LANES; c++) {
        out[0] += (double)sum_x[c];
        out[1] += (double)sum_y[c];
        out[2] += (double)sum[c];
    }
}

static void pull(const struct affinities *a, const struct plane *p, size_t i, double out[2])
{
    out[0] = out[1] = 0.0;
    for (size_t e = a->first[i]; e < a->first[i + 1]; e++) {
        size_t j = a->edge[e].column;
        double dx = (double)p->x[i] - (double)p->x[j], dy = (double)p->y[i] - (double)p->y[j];
        double weight = (double)a->edge[e].p / (1.0 + dx * dx + dy * dy);
        out[0] += weight * dx;
        out[1] += weight * dy;
    }
}

void tsne_run(const float *x, size_t n, size_t d, double *y)
{
    static const float FAR_AWAY = 1e18F;
    memset(y, 0, 2 * n * sizeof *y);
    if (n < 4)
        return;
    struct affinities a = affinities_make(x, n, d, fmin(30.0, (double)n / 4.0));
    struct plane p = {NULL, NULL, (n + LANES - 1) / LANES * LANES};
    p.x = xalloc_aligned(p.padded, sizeof *p.x);
    p.y = xalloc_aligned(p.padded, sizeof *p.y);
    double *speed = xalloc(2 * n, sizeof *speed), *gain = xalloc(2 * n, sizeof *gain),
           *force = xalloc(5 * n, sizeof *force);
    principal_start(x, n, d, y);
    for (size_t i = 0; i < 2 * n; i++)
        gain[i] = 1.0;
    for (size_t i = n; i < p.padded; i++)
        p.x[i] = p.y[i] = FAR_AWAY;
    double rate = fmax((double)n / 12.0, 50.0);
    for (int it = 0; it < ITERATIONS; it++) {
        double exaggeration = it < EXAGGERATED ? 12.0 : 1.0, momentum = it < EXAGGERATED ? 0.5 : 0.8, total = 0.0;
        for (size_t i = 0; i < n; i++) {
            p.x[i] = (float)y[2 * i];
            p.y[i] = (float)y[2 * i + 1];
        }
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < n; i++) {
            push(&p, p.x[i], p.y[i], force + 5 * i);
            pull(&a, &p, i, force + 5 * i + 3);
        }
        for (size_t i = 0; i < n; i++) /* in the points' order, whoever worked them out */
            total += force[5 * i + 2] - 1.0;
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < 2; c++) {
                size_t k = 2 * i + c;
                double g = 4.0 * (exaggeration * force[5 * i + 3 + c] - force[5 * i + c] / total);
                gain[k] = (g > 0.0) == (speed[k] > 0.0) ? fmax(gain[k] * 0.8, 0.01) : gain[k] + 0.2;
                speed[k] = momentum * speed[k] - rate * gain[k] * g;
            }
        for (size_t k = 0; k < 2 * n; k++)
            y[k] += speed[k];
    }
    free(force);
    free(gain);
    free(speed);
    free(p.y);
    free(p.x);
    free(a.edge);
    free(a.first);
}
