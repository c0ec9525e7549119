/* SPDX-License-Identifier: Apache-2.0 */
/* adamw -- Adam with decoupled weight decay, or (coupled) with L2 in the gradient.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

static void cpu_adamw(struct backend *b, float *param, float *m, float *v, const float *grad, size_t count,
                      const float *rates, float beta1, float beta2, float eps, float weight_decay, bool coupled)
{
    const float rate = rates[RATE_LR] / rates[RATE_CORRECT1], scale = rates[RATE_GRAD_SCALE];
    const float root = (float)(1 / sqrt((double)rates[RATE_CORRECT2]));
    const float shrink = coupled ? 1 : (float)(1 - (double)rates[RATE_LR] * (double)weight_decay),
                decay = coupled ? weight_decay : 0;
    const float rest1 = (float)(1 - (double)beta1), rest2 = (float)(1 - (double)beta2);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++) {
        float g = scale * grad[i] + decay * param[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * g * g;
        param[i] = shrink * param[i] - rate * m[i] / (root * sqrtf(v[i]) + eps);
    }
}

void cpu_add_adamw(struct backend *b)
{
    b->adamw = cpu_adamw;
}
