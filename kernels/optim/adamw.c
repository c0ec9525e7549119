/* adamw -- Adam over all trained parameters.   kernels/optim */
#include "kernels/optim/adamw.h"

void adamw_open(struct adamw *o, struct params *p, double weight_decay, bool coupled)
{
    *o = (struct adamw){.params = p, .decay = (float)weight_decay, .coupled = coupled};
    o->m = p->backend->alloc(p->backend, p->trained * sizeof(float));
    o->v = p->backend->alloc(p->backend, p->trained * sizeof(float));
}

void adamw_close(struct adamw *o)
{
    if (o->m) {
        o->params->backend->release(o->params->backend, o->m);
        o->params->backend->release(o->params->backend, o->v);
    }
    o->m = o->v = NULL;
}

void adamw_step(struct adamw *o, double lr)
{
    struct backend *b = o->params->backend;
    o->step++;
    for (size_t i = 0; i < o->params->count; i++) {
        struct param *q = &o->params->param[i];
        if (param_trained(q))
            b->adamw(b, q->value, o->m + q->at, o->v + q->at, q->grad, q->size, (float)lr, 0.9F, 0.999F, 1e-8F,
                     o->decay, o->step, o->coupled);
    }
}
