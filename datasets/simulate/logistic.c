/* SPDX-License-Identifier: Apache-2.0 */
/* logistic -- logistic regression by Newton's method, cross-validated.   [logistic] -> check */
#include "datasets/simulate/logistic.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scored {
    double score;
    int label;
};

static int by_score(const void *left, const void *right)
{
    const struct scored *a = left, *b = right;
    return (a->score > b->score) - (a->score < b->score);
}

double auc_of(const double *score, const int *label, size_t count)
{
    struct scored *s = xalloc(count + 1, sizeof *s);
    double positives = 0.0, rank_sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        s[i] = (struct scored){score[i], label[i]};
        positives += label[i] != 0;
    }
    qsort(s, count, sizeof *s, by_score);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && s[end].score == s[i].score; end++)
            ;
        for (size_t k = i; k < end; k++) /* the mean rank of equals */
            rank_sum += s[k].label != 0 ? 0.5 * (double)(i + 1 + end) : 0.0;
    }
    free(s);
    double negatives = (double)count - positives;
    return positives > 0.0 && negatives > 0.0
               ? (rank_sum - 0.5 * positives * (positives + 1.0)) / (positives * negatives)
               : (double)NAN;
}

enum { WEIGHTS_MOST = FEATURES_MOST + 1, NEWTON_STEPS = 25 };

/* Solves a x = b for a symmetric positive definite; x in place of b. */
static void solve(double a[WEIGHTS_MOST][WEIGHTS_MOST], double *b, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++)
            a[j][j] -= a[j][k] * a[j][k];
        a[j][j] = sqrt(fmax(a[j][j], 1e-12));
        for (size_t i = j + 1; i < n; i++) {
            for (size_t k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
}

static double linear(const double *weight, const double *x, size_t features)
{
    double sum = weight[features];
    for (size_t f = 0; f < features; f++)
        sum += weight[f] * x[f];
    return sum;
}

/* On the samples outside `fold`; x standardised. */
static void fit(double *weight, const double *x, const int *label, const size_t *group, size_t count, size_t features,
                size_t fold)
{
    const double ridge = 1e-3;
    size_t n = features + 1;
    memset(weight, 0, n * sizeof *weight);
    for (int step = 0; step < NEWTON_STEPS; step++) {
        double hessian[WEIGHTS_MOST][WEIGHTS_MOST] = {{0}}, gradient[WEIGHTS_MOST] = {0}, row[WEIGHTS_MOST], total = 0.0;
        for (size_t i = 0; i < count; i++) {
            if (group[i] % LOGISTIC_FOLDS == fold)
                continue;
            memcpy(row, x + i * features, features * sizeof *row);
            row[features] = 1.0;
            double p = 1.0 / (1.0 + exp(-linear(weight, row, features)));
            for (size_t a = 0; a < n; a++) {
                gradient[a] += ((label[i] != 0) - p) * row[a];
                for (size_t b = 0; b <= a; b++)
                    hessian[a][b] += p * (1.0 - p) * row[a] * row[b];
            }
            total += 1.0;
        }
        for (size_t a = 0; a < n; a++) {
            gradient[a] -= ridge * total * weight[a];
            hessian[a][a] += ridge * total;
        }
        solve(hessian, gradient, n);
        for (size_t a = 0; a < n; a++)
            weight[a] += gradient[a];
    }
}

double logistic_auc(const double *feature, const int *label, const size_t *group, size_t count, size_t features)
{
    double *x = xalloc(count * features + 1, sizeof *x), *score = xalloc(count + 1, sizeof *score), weight[WEIGHTS_MOST];
    for (size_t f = 0; f < features; f++) {
        double mean = 0.0, square = 0.0;
        for (size_t i = 0; i < count; i++)
            mean += feature[i * features + f] / (double)count;
        for (size_t i = 0; i < count; i++)
            square += pow(feature[i * features + f] - mean, 2) / (double)count;
        for (size_t i = 0; i < count; i++)
            x[i * features + f] = square > 0.0 ? (feature[i * features + f] - mean) / sqrt(square) : 0.0;
    }
    for (size_t fold = 0; fold < LOGISTIC_FOLDS; fold++) {
        fit(weight, x, label, group, count, features, fold);
        for (size_t i = 0; i < count; i++)
            if (group[i] % LOGISTIC_FOLDS == fold)
                score[i] = linear(weight, x + i * features, features);
    }
    double auc = auc_of(score, label, count);
    free(score);
    free(x);
    return auc;
}
