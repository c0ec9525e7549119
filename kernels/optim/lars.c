/* lars -- layer-wise adaptive rate scaling over all trained parameters.   kernels/optim */
#include "kernels/optim/lars.h"

void lars_open(struct lars *o, struct params *p, double momentum, double weight_decay, double trust)
{
    *o = (struct lars){.params = p, .factor = (float)momentum, .decay = (float)weight_decay, .trust = (float)trust};
    o->momentum = p->backend->alloc(p->backend, p->trained * sizeof(float));
}

void lars_close(struct lars *o)
{
    if (o->momentum)
        o->params->backend->release(o->params->backend, o->momentum);
    o->momentum = NULL;
}

void lars_step(struct lars *o, double lr, double grad_scale)
{
    struct backend *b = o->params->backend;
    for (size_t i = 0; i < o->params->count; i++) {
        struct param *q = &o->params->param[i];
        if (param_trained(q))
            b->lars(b, q->value, o->momentum + q->at, q->grad, q->size, q->ndim > 1, (float)lr, o->factor, o->decay,
                    o->trust, (float)grad_scale);
    }
}
