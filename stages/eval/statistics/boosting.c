/* SPDX-License-Identifier: Apache-2.0 */
/* boosting -- gradient-boosted trees for two classes.   [boosting] -> baselines */
#include "stages/eval/statistics/boosting.h"
#include "stages/eval/statistics/logistic.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

const struct boosting_settings boosting_defaults = {100, 3, 0.1};
enum { DEPTH_MOST = 8, LEVEL_MOST = 1 << DEPTH_MOST };
static const double SAME_VALUE = 1e-7, NO_SPREAD = 2.220446049250313e-16;

struct valued {
    float value;
    uint32_t row;
};

static int by_value(const void *a, const void *b)
{
    const struct valued *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* What growing one tree needs. */
struct grower {
    const int32_t *label;
    size_t n, d;
    struct valued *sorted; /* [d][n] */
    double *residual, *probability, *logit;
    uint32_t *at; /* node of each row */
};

struct sums {
    double sum, squares, count;
};
/* The best split of a node so far, and the walk of one feature through its rows. */
struct search {
    struct sums whole, left;
    double gain, threshold;
    float last;
    int32_t feature;
    bool open;
};

/* Splits of all nodes of one level: each feature's rows in their order, once. */
static void search_level(const struct grower *g, uint32_t first, size_t nodes, struct search *s)
{
    for (size_t k = 0; k < nodes; k++)
        s[k] = (struct search){.feature = -1};
    for (size_t i = 0; i < g->n; i++)
        if (g->at[i] >= first) {
            struct sums *w = &s[g->at[i] - first].whole;
            w->sum += g->residual[i];
            w->squares += g->residual[i] * g->residual[i];
            w->count += 1.0;
        }
    for (size_t k = 0; k < nodes; k++) {
        struct sums w = s[k].whole;
        s[k].open = w.count >= 2.0 && w.squares / w.count - (w.sum / w.count) * (w.sum / w.count) > NO_SPREAD;
    }
    for (size_t f = 0; f < g->d; f++) {
        for (size_t k = 0; k < nodes; k++)
            s[k].left = (struct sums){0};
        for (size_t i = 0; i < g->n; i++) {
            struct valued v = g->sorted[f * g->n + i];
            if (g->at[v.row] < first)
                continue;
            struct search *k = &s[g->at[v.row] - first];
            if (!k->open)
                continue;
            if (k->left.count > 0.0 && (double)v.value > (double)k->last + SAME_VALUE) {
                double right = k->whole.count - k->left.count;
                double apart = right * k->left.sum - k->left.count * (k->whole.sum - k->left.sum);
                double gain = apart * apart / (k->left.count * right);
                if (gain > k->gain || k->feature < 0) {
                    k->gain = gain;
                    k->feature = (int32_t)f;
                    k->threshold = (double)k->last / 2.0 + (double)v.value / 2.0;
                }
            }
            k->left.sum += g->residual[v.row];
            k->left.count += 1.0;
            k->last = v.value;
        }
    }
}

static void grow(struct grower *g, const struct boosting_settings *settings, const float *x, struct boosting_node *tree,
                 size_t nodes)
{
    static const double NOTHING = 1e-150;
    struct search *s = xalloc(LEVEL_MOST, sizeof *s);
    double *up = xalloc(2 * nodes, sizeof *up), *down = up + nodes;
    for (size_t k = 0; k < nodes; k++)
        tree[k] = (struct boosting_node){.feature = -1};
    for (size_t i = 0; i < g->n; i++) {
        g->at[i] = 0;
        g->probability[i] = sigmoid_of(g->logit[i]);
        g->residual[i] = (double)(g->label[i] == 1) - g->probability[i];
    }
    for (size_t level = 0; level < settings->depth; level++) {
        uint32_t first = (1U << level) - 1U;
        search_level(g, first, (size_t)1 << level, s);
        for (size_t k = 0; k < (size_t)1 << level; k++)
            if (s[k].feature >= 0)
                tree[first + k] = (struct boosting_node){s[k].feature, s[k].threshold, 0.0};
        for (size_t i = 0; i < g->n; i++) {
            uint32_t at = g->at[i];
            if (at >= first && tree[at].feature >= 0)
                g->at[i] = 2 * at + ((double)x[i * g->d + (size_t)tree[at].feature] <= tree[at].threshold ? 1 : 2);
        }
    }
    for (size_t i = 0; i < g->n; i++) {
        up[g->at[i]] += g->residual[i];
        down[g->at[i]] += g->probability[i] * (1.0 - g->probability[i]);
    }
    for (size_t k = 0; k < nodes; k++)
        tree[k].value = tree[k].feature < 0 && fabs(down[k]) >= NOTHING ? up[k] / down[k] : 0.0;
    for (size_t i = 0; i < g->n; i++)
        g->logit[i] += settings->rate * tree[g->at[i]].value;
    free(up);
    free(s);
}

void boosting_fit(struct boosting *b, const struct boosting_settings *s, const float *x, const int32_t *label, size_t n,
                  size_t d)
{
    assert(s->depth <= DEPTH_MOST);
    double tumours = 0.0;
    for (size_t i = 0; i < n; i++)
        tumours += label[i] == 1;
    *b = (struct boosting){*s, log(tumours) - log((double)n - tumours), ((size_t)2 << s->depth) - 1, NULL};
    if (isinf(b->prior) || n == 0) {
        b->settings.trees = 0;
        return;
    }
    b->node = xalloc(s->trees * b->nodes, sizeof *b->node);
    struct grower g = {label,
                       n,
                       d,
                       xalloc(d * n, sizeof *g.sorted),
                       xalloc(3 * n, sizeof(double)),
                       NULL,
                       NULL,
                       xalloc(n, sizeof *g.at)};
    g.probability = g.residual + n;
    g.logit = g.residual + 2 * n;
    for (size_t f = 0; f < d; f++) {
        for (size_t i = 0; i < n; i++)
            g.sorted[f * n + i] = (struct valued){x[i * d + f], (uint32_t)i};
        qsort(g.sorted + f * n, n, sizeof *g.sorted, by_value);
    }
    for (size_t i = 0; i < n; i++)
        g.logit[i] = b->prior;
    for (size_t t = 0; t < s->trees; t++)
        grow(&g, s, x, b->node + t * b->nodes, b->nodes);
    free(g.at);
    free(g.residual);
    free(g.sorted);
}

double boosting_logit(const struct boosting *b, const float *x)
{
    double logit = b->prior;
    for (size_t t = 0; t < b->settings.trees; t++) {
        const struct boosting_node *tree = b->node + t * b->nodes;
        size_t k = 0;
        while (tree[k].feature >= 0)
            k = 2 * k + ((double)x[tree[k].feature] <= tree[k].threshold ? 1 : 2);
        logit += b->settings.rate * tree[k].value;
    }
    return logit;
}

void boosting_free(struct boosting *b)
{
    free(b->node);
    b->node = NULL;
}
