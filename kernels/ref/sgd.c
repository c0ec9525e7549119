/* SPDX-License-Identifier: Apache-2.0 */
/* sgd -- g = grad_scale grad + weight_decay p; m = momentum_factor m + g; p -= lr m. Dead taps do the same.   kernels/ref */
#include "kernels/ref/ref.h"

static void ref_sgd(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                    struct dead_state *dead, const float *rates, float momentum_factor, float weight_decay)
{
    (void)b;
    double lr = (double)rates[RATE_LR], scale = (double)rates[RATE_GRAD_SCALE], decay = (double)weight_decay;
    for (size_t i = 0; i < count; i++) {
        double g = scale * (double)grad[i] + decay * (double)param[i];
        momentum[i] = (float)((double)momentum_factor * (double)momentum[i] + g);
        param[i] = (float)((double)param[i] - lr * (double)momentum[i]);
    }
    if (dead) {
        dead->momentum = (double)momentum_factor * dead->momentum + decay * dead->scale;
        dead->scale -= lr * dead->momentum;
    }
}

void ref_add_sgd(struct backend *b)
{
    b->sgd = ref_sgd;
}
