/* SPDX-License-Identifier: Apache-2.0 */
/* teacher -- a network that follows the one that learns.   kernels/methods */
#include "kernels/methods/teacher.h"
#include <math.h>

void teacher_rate(struct learner *l, double momentum, const struct training_time *at)
{
    const double pi = 3.14159265358979323846;
    float rate = (float)((1 - momentum) * (1 + cos(pi * fmin(training_progress(at), 1))) / 2);
    l->b->put(l->b, l->rate, &rate, sizeof rate);
}

void teacher_follow(struct learner *l)
{
    for (size_t i = 0; i < l->teacher->count; i++) {
        struct param *q = &l->teacher->param[i];
        if (q->kind == PARAM_PLAIN || q->kind == PARAM_CONV)
            l->b->lerp(l->b, q->value, params_find(l->params, q->name)->value, q->size, l->rate);
    }
}
