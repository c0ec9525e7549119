/* SPDX-License-Identifier: Apache-2.0 */
/* lars -- momentum whose step is in proportion to the tensor's length.   kernels/ref
 *
 * g = grad_scale grad; with adapt: g += weight_decay p, then g *= trust |p| / |g| (1 where either length is 0).
 * m = momentum_factor m + g; p -= lr m. Dead taps, of which `squares` is the sum of first values squared, do the same. */
#include "kernels/ref/ref.h"

#include <math.h>

static void ref_lars(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                     struct dead_state *dead, bool adapt, const float *rates, float momentum_factor, float weight_decay,
                     float trust)
{
    (void)b;
    double lr = (double)rates[RATE_LR], grad_scale = (double)rates[RATE_GRAD_SCALE],
           decay = adapt ? (double)weight_decay : 0, ratio = 1;
    if (adapt) {
        double param_squares = 0, step_squares = 0;
        for (size_t i = 0; i < count; i++) {
            double g = grad_scale * (double)grad[i] + decay * (double)param[i];
            param_squares += (double)param[i] * (double)param[i];
            step_squares += g * g;
        }
        if (dead) {
            param_squares += dead->scale * dead->scale * dead->squares;
            step_squares += decay * dead->scale * decay * dead->scale * dead->squares;
        }
        if (param_squares > 0 && step_squares > 0)
            ratio = (double)trust * sqrt(param_squares / step_squares);
    }
    for (size_t i = 0; i < count; i++) {
        double g = ratio * (grad_scale * (double)grad[i] + decay * (double)param[i]);
        momentum[i] = (float)((double)momentum_factor * (double)momentum[i] + g);
        param[i] = (float)((double)param[i] - lr * (double)momentum[i]);
    }
    if (dead) {
        dead->momentum = (double)momentum_factor * dead->momentum + ratio * decay * dead->scale;
        dead->scale -= lr * dead->momentum;
    }
}

void ref_add_lars(struct backend *b)
{
    b->lars = ref_lars;
}
