/* SPDX-License-Identifier: Apache-2.0 */
/* adamw -- Adam with decoupled weight decay, or (coupled) with L2 in the gradient.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_adamw(struct backend *b, float *param, float *m, float *v, const float *grad, size_t count,
                      const float *rates, float beta1, float beta2, float eps, float weight_decay, bool coupled)
{
    (void)b;
    double correct1 = (double)rates[RATE_CORRECT1], correct2 = (double)rates[RATE_CORRECT2];
    double rate = (double)rates[RATE_LR], scale = (double)rates[RATE_GRAD_SCALE], decay = (double)weight_decay;
    for (size_t i = 0; i < count; i++) {
        double p = (double)param[i], g = scale * (double)grad[i];
        if (coupled)
            g += decay * p;
        else
            p *= 1 - rate * decay;
        m[i] = (float)((double)beta1 * (double)m[i] + (1 - (double)beta1) * g);
        v[i] = (float)((double)beta2 * (double)v[i] + (1 - (double)beta2) * g * g);
        param[i] = (float)(p - rate * ((double)m[i] / correct1) / (sqrt((double)v[i] / correct2) + (double)eps));
    }
}

void ref_add_adamw(struct backend *b)
{
    b->adamw = ref_adamw;
}
