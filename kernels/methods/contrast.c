/* SPDX-License-Identifier: Apache-2.0 */
/* contrast -- every view of a batch against every other.   kernels/methods */
#include "kernels/methods/contrast.h"
#include <stdlib.h>

int losses_there(const struct learner *l, struct error *e)
{
    const struct backend *b = l->b;
    if (b->cross_entropy && b->squares && b->sinkhorn && b->lerp && b->enqueue && b->regroup && b->overlap)
        return 0;
    return fail_as(e, EX_UNAVAILABLE, "the %s back end lacks operations of the method %s: use --backend cpu", b->name,
                   l->method->name);
}

/* z by length, its lengths, the gradient of that, as one and as the other of a product; similarities, theirs, targets */
struct parts {
    float *unit, *rnorm, *dunit, *dother, *logits, *dlogits, *target;
};

static size_t most_rows(const struct learner *l)
{
    return 2 * (size_t)l->most;
}

static struct parts parts_of(const struct learner *l)
{
    struct parts p;
    size_t R = most_rows(l), K = (size_t)network_outputs(&l->network);
    p.target = l->work;
    p.logits = p.target + R * R;
    p.dlogits = p.logits + R * R;
    p.unit = p.dlogits + R * R;
    p.dunit = p.unit + R * K;
    p.dother = p.dunit + R * K;
    p.rnorm = p.dother + R * K;
    return p;
}

int contrast_open(struct learner *l, struct error *e)
{
    size_t R = most_rows(l);
    learner_work(l, 3 * R * R + 3 * R * (size_t)network_outputs(&l->network) + R);
    return losses_there(l, e);
}

void contrast_targets_by(struct learner *l, const struct batch_facts *f,
                         double (*like)(const struct batch_facts *f, size_t i, size_t k, const void *context),
                         const void *context)
{
    size_t N = (size_t)f->pairs, R = 2 * N;
    float *host = xalloc(R * R, sizeof *host);
    double *weight = xalloc(R, sizeof *weight);
    for (size_t i = 0; i < R; i++) {
        double sum = 0;
        for (size_t k = 0; k < R; k++)
            sum += weight[k] = k == i ? 0 : like(f, i, k, context);
        if (sum <= 0)
            sum = weight[(i + N) % R] = 1;
        for (size_t k = 0; k < R; k++)
            host[i * R + k] = k == i ? -1.0f : (float)(weight[k] / sum);
    }
    l->b->put(l->b, parts_of(l).target, host, R * R * sizeof *host);
    free(host);
    free(weight);
}

static double of_class(const struct batch_facts *f, size_t i, size_t k, const void *context)
{
    (void)context;
    return k == (i + (size_t)f->pairs) % (2 * (size_t)f->pairs) ||
           (f->label && f->label[i] >= 0 && f->label[i] == f->label[k]);
}

void contrast_targets(struct learner *l, const struct batch_facts *f)
{
    contrast_targets_by(l, f, of_class, NULL);
}

void contrast_loss(struct learner *l, double temperature)
{
    struct backend *b = l->b;
    const struct parts p = parts_of(l);
    int R = 2 * l->in.pairs, K = l->in.K;
    size_t bytes = (size_t)R * (size_t)K * sizeof(float);
    b->l2norm_forward(b, p.unit, p.rnorm, l->in.z, R, K);
    b->linear_forward(b, p.logits, p.unit, p.unit, NULL, R, K, R);
    b->cross_entropy(b, p.dlogits, l->terms, p.logits, p.target, R, R, (float)temperature);
    b->zero(b, p.dunit, bytes);
    b->zero(b, p.dother, bytes);
    b->linear_backward(b, p.dunit, p.dother, NULL, p.dlogits, p.unit, p.unit, R, K, R);
    b->add(b, p.dunit, p.dunit, p.dother, (size_t)R * (size_t)K, ROWS);
    b->zero(b, l->in.dz, bytes);
    b->l2norm_backward(b, l->in.dz, p.dunit, p.unit, p.rnorm, R, K);
}
