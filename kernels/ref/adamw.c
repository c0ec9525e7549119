/* adamw -- Adam with decoupled weight decay, or (coupled) with L2 in the gradient.   kernels/ref */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_adamw(struct backend *b, float *param, float *m, float *v, const float *grad, size_t count, float lr, float beta1,
                      float beta2, float eps, float weight_decay, int64_t step, bool coupled)
{
    (void)b;
    double correct1 = 1 - pow((double)beta1, (double)step), correct2 = 1 - pow((double)beta2, (double)step);
    double rate = (double)lr, decay = (double)weight_decay;
    for (size_t i = 0; i < count; i++) {
        double p = (double)param[i], g = (double)grad[i];
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
