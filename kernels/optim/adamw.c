/* adamw -- Adam over all trained parameters.   kernels/optim */
#include "kernels/optim/adamw.h"
#include <math.h>

static const float BETA1 = 0.9F, BETA2 = 0.999F, EPS = 1e-8F;

void adamw_open(struct adamw *o, struct params *p, double weight_decay, bool coupled)
{
    *o = (struct adamw){.params = p, .decay = (float)weight_decay, .coupled = coupled};
    o->m = p->backend->alloc(p->backend, p->trained * sizeof(float));
    o->v = p->backend->alloc(p->backend, p->trained * sizeof(float));
    o->rates = p->backend->alloc(p->backend, RATES * sizeof(float));
}

void adamw_close(struct adamw *o)
{
    if (o->m) {
        o->params->backend->release(o->params->backend, o->m);
        o->params->backend->release(o->params->backend, o->v);
        o->params->backend->release(o->params->backend, o->rates);
    }
    o->m = o->v = NULL;
}

void adamw_rate(struct adamw *o, double lr)
{
    o->step++;
    const float rates[RATES] = {[RATE_LR] = (float)lr,
                                [RATE_GRAD_SCALE] = 1,
                                [RATE_CORRECT1] = (float)(1 - pow((double)BETA1, (double)o->step)),
                                [RATE_CORRECT2] = (float)(1 - pow((double)BETA2, (double)o->step))};
    o->params->backend->put(o->params->backend, o->rates, rates, sizeof rates);
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
