/* SPDX-License-Identifier: Apache-2.0 */
/* adamw -- Adam over all trained parameters.   kernels/optim */
#include "kernels/optim/adamw.h"
#include "kernels/optim/clip.h"
#include <math.h>

static const float BETA1 = 0.9F, BETA2 = 0.999F, EPS = 1e-8F;

void adamw_open(struct adamw *o, struct params *p, double weight_decay, bool coupled)
{
    *o = (struct adamw){.params = p, .decay = (float)weight_decay, .coupled = coupled};
    o->m = p->backend->alloc(p->backend, p->trained * sizeof(float));
    o->v = p->backend->alloc(p->backend, p->trained * sizeof(float));
    o->rates = p->backend->alloc(p->backend, RATES * sizeof(float));
    o->squares = p->backend->alloc(p->backend, sizeof(double));
}

void adamw_close(struct adamw *o)
{
    if (o->m) {
        o->params->backend->release(o->params->backend, o->m);
        o->params->backend->release(o->params->backend, o->v);
        o->params->backend->release(o->params->backend, o->rates);
        o->params->backend->release(o->params->backend, o->squares);
    }
    o->m = o->v = NULL;
}

static void put_rates(const struct adamw *o, float *to, double lr, int64_t step)
{
    const float rates[RATES] = {[RATE_LR] = (float)lr,
                                [RATE_GRAD_SCALE] = 1,
                                [RATE_CORRECT1] = (float)(1 - pow((double)BETA1, (double)step)),
                                [RATE_CORRECT2] = (float)(1 - pow((double)BETA2, (double)step))};
    o->params->backend->put(o->params->backend, to, rates, sizeof rates);
}

void adamw_rate(struct adamw *o, double lr)
{
    put_rates(o, o->rates, lr, ++o->step);
}

void adamw_clip(const struct adamw *o, double clip_norm)
{
    if (clip_norm > 0)
        clip_gradients(o->params, o->rates + RATE_GRAD_SCALE, o->squares, clip_norm);
}

void adamw_step(struct adamw *o)
{
    struct backend *b = o->params->backend;
    for (size_t i = 0; i < o->params->count; i++) {
        struct param *q = &o->params->param[i];
        if (param_trained(q))
            b->adamw(b, q->value, o->m + q->at, o->v + q->at, q->grad, q->size, o->rates, BETA1, BETA2, EPS, o->decay,
                     o->coupled);
    }
}

enum { PIECE = 1 << 16 }; /* numbers taken through all steps together: they stay in the cache */

static void age_coupled(const struct adamw *o, float *first, size_t count, double lr, int64_t steps)
{
    struct backend *b = o->params->backend;
    float *p = b->alloc(b, (4 * PIECE + RATES) * sizeof *p), *m = p + PIECE, *v = m + PIECE, *zero = v + PIECE,
          *rates = zero + PIECE;
    for (size_t at = 0; at < count; at += PIECE) {
        size_t n = count - at < PIECE ? count - at : PIECE;
        b->put(b, p, first + at, n * sizeof *p);
        b->zero(b, m, 3 * PIECE * sizeof *m);
        for (int64_t step = 1; step <= steps; step++) {
            put_rates(o, rates, lr, step);
            b->adamw(b, p, m, v, zero, n, rates, BETA1, BETA2, EPS, o->decay, true);
        }
        b->get(b, first + at, p, n * sizeof *p);
    }
    b->release(b, p);
}

void adamw_age(const struct adamw *o, struct param *q, double lr, int64_t steps)
{
    struct backend *b = o->params->backend;
    struct dead_state now;
    if (!q->dead || o->decay <= 0)
        return;
    b->get(b, &now, q->dead_state, sizeof now);
    now.scale = o->coupled ? 1 : pow(1 - (double)(float)lr * (double)o->decay, (double)steps);
    b->put(b, q->dead_state, &now, sizeof now);
    if (o->coupled)
        age_coupled(o, q->dead_weights, q->dead, lr, steps);
}
