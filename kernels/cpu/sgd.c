/* SPDX-License-Identifier: Apache-2.0 */
/* sgd -- gradient descent with momentum and weight decay, one pass.   kernels/cpu */
#include "kernels/cpu/cpu.h"

static void cpu_sgd(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                    struct dead_state *dead, const float *rates, float momentum_factor, float weight_decay)
{
    const float lr = rates[RATE_LR], scale = rates[RATE_GRAD_SCALE];
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++) {
        float m = momentum_factor * momentum[i] + (scale * grad[i] + weight_decay * param[i]);
        momentum[i] = m;
        param[i] -= lr * m;
    }
    if (dead) {
        dead->momentum = (double)momentum_factor * dead->momentum + (double)weight_decay * dead->scale;
        dead->scale -= (double)lr * dead->momentum;
    }
}

void cpu_add_sgd(struct backend *b)
{
    b->sgd = cpu_sgd;
}
