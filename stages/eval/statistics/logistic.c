/* SPDX-License-Identifier: Apache-2.0 */
/* logistic -- logistic regression.   [logistic] -> calibration, baselines */
#include "stages/eval/statistics/logistic.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 100, HALVINGS = 40 };

double sigmoid_of(double logit)
{
    return logit >= 0.0 ? 1.0 / (1.0 + exp(-logit)) : exp(logit) / (1.0 + exp(logit));
}

double logistic_at(const double *x, size_t d, const double *weight)
{
    double f = weight[d];
    for (size_t k = 0; k < d; k++)
        f += weight[k] * x[k];
    return f;
}

int cholesky_solve(double *a, double *b, size_t d)
{
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = a[i * d + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * d + k] * a[j * d + k];
            if (i != j)
                a[i * d + j] = sum / a[j * d + j];
            else if (sum > 0.0)
                a[i * d + i] = sqrt(sum);
            else
                return -1;
        }
    for (size_t i = 0; i < d; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= a[i * d + k] * b[k];
        b[i] /= a[i * d + i];
    }
    for (size_t i = d; i-- > 0;) {
        for (size_t k = i + 1; k < d; k++)
            b[i] -= a[k * d + i] * b[k];
        b[i] /= a[i * d + i];
    }
    return 0;
}

static double loss_of(const double *x, const int32_t *label, size_t n, size_t d, double l2, const double *w)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        double f = logistic_at(x + i * d, d, w);
        f = label[i] == 1 ? -f : f;
        sum += f > 0.0 ? f + log1p(exp(-f)) : log1p(exp(f));
    }
    for (size_t k = 0; k < d; k++)
        sum += 0.5 * l2 * w[k] * w[k];
    return sum;
}

/* Gradient and (lower) Hessian of the loss; columns x and the intercept's 1. */
static void derivatives(const double *x, const int32_t *label, size_t n, size_t d, double l2, const double *w,
                        double *g, double *hessian, double *weighted)
{
    size_t all = d + 1;
    memset(g, 0, all * sizeof *g);
    for (size_t i = 0; i < n; i++) {
        double p = sigmoid_of(logistic_at(x + i * d, d, w)), off = p - (label[i] == 1), root = sqrt(p * (1.0 - p));
        for (size_t k = 0; k < d; k++) {
            g[k] += off * x[i * d + k];
            weighted[k * n + i] = root * x[i * d + k];
        }
        g[d] += off;
        weighted[d * n + i] = root;
    }
    /* each entry is one sum over the rows, in their order: the same for any number of threads */
#pragma omp parallel for schedule(static, 1) if (d > 16)
    for (size_t a = 0; a < all; a++)
        for (size_t b = 0; b <= a; b++) {
            double sum[4] = {0};
            const double *u = weighted + a * n, *v = weighted + b * n;
            size_t i = 0;
            for (; i + 4 <= n; i += 4)
                for (size_t c = 0; c < 4; c++)
                    sum[c] += u[i + c] * v[i + c];
            for (; i < n; i++)
                sum[0] += u[i] * v[i];
            hessian[a * all + b] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        }
    for (size_t k = 0; k < d; k++) {
        g[k] += l2 * w[k];
        hessian[k * all + k] += l2;
    }
}

int logistic_fit(const double *x, const int32_t *label, size_t n, size_t d, double l2, double *weight)
{
    size_t all = d + 1;
    double *g = xalloc(3 * all, sizeof *g), *next = g + all, *h = xalloc(all * all, sizeof *h),
           *weighted = xalloc(all * n + 1, sizeof *weighted);
    memset(weight, 0, all * sizeof *weight);
    double loss = loss_of(x, label, n, d, l2, weight);
    int rc = -1;
    for (int step = 0; step < STEPS && rc < 0; step++) {
        derivatives(x, label, n, d, l2, weight, g, h, weighted);
        double steep = 0.0, gain = 0.0;
        for (size_t k = 0; k < all; k++) {
            steep = fmax(steep, fabs(g[k]));
            next[k] = g[k];
        }
        if (cholesky_solve(h, next, all) < 0)
            break;
        for (size_t k = 0; k < all; k++)
            gain += g[k] * next[k];
        if (gain <= 1e-13 * (1.0 + fabs(loss)) && steep <= 1e-6 * (1.0 + (double)n)) {
            rc = 0; /* one more step costs nothing and squares the error */
            for (size_t k = 0; k < all; k++)
                weight[k] -= next[k];
            break;
        }
        double *tried = g + 2 * all, reached = INFINITY, size = 1.0;
        for (int half = 0; half < HALVINGS; half++, size *= 0.5) {
            for (size_t k = 0; k < all; k++)
                tried[k] = weight[k] - size * next[k];
            reached = loss_of(x, label, n, d, l2, tried);
            if (reached < loss)
                break;
        }
        if (!(reached < loss)) {
            rc = gain <= 1e-9 * (1.0 + fabs(loss)) ? 0 : -1;
            break;
        }
        loss = reached;
        memcpy(weight, tried, all * sizeof *weight);
        if (loss < 1e-9 * (double)n && l2 == 0.0) /* apart: the weights would grow for ever */
            break;
    }
    for (size_t k = 0; k < all && rc < 0; k++)
        weight[k] = NAN;
    free(weighted);
    free(h);
    free(g);
    return rc;
}
