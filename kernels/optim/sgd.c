/* SPDX-License-Identifier: Apache-2.0 */
/* sgd -- stochastic gradient descent with momentum over all trained parameters.   kernels/optim */
#include "kernels/optim/sgd.h"
#include "kernels/optim/clip.h"

void sgd_open(struct sgd *o, struct params *p, double momentum, double weight_decay)
{
    *o = (struct sgd){.params = p, .factor = (float)momentum, .decay = (float)weight_decay};
    o->momentum = p->backend->alloc(p->backend, p->trained * sizeof(float));
    o->rates = p->backend->alloc(p->backend, RATES * sizeof(float));
    o->squares = p->backend->alloc(p->backend, sizeof(double));
}

void sgd_close(struct sgd *o)
{
    if (!o->momentum)
        return;
    struct backend *b = o->params->backend;
    b->release(b, o->momentum);
    b->release(b, o->rates);
    b->release(b, o->squares);
    o->momentum = NULL;
}

void sgd_rate(struct sgd *o, double lr)
{
    const float rates[RATES] = {[RATE_LR] = (float)lr, [RATE_GRAD_SCALE] = 1};
    o->params->backend->put(o->params->backend, o->rates, rates, sizeof rates);
}

void sgd_step(struct sgd *o, double clip_norm)
{
    struct backend *b = o->params->backend;
    if (clip_norm > 0)
        clip_gradients(o->params, o->rates + RATE_GRAD_SCALE, o->squares, clip_norm);
    for (size_t i = 0; i < o->params->count; i++) {
        struct param *q = &o->params->param[i];
        if (param_trained(q))
            b->sgd(b, q->value, o->momentum + q->at, q->grad, q->size, q->dead_state, o->rates, o->factor, o->decay);
    }
}
