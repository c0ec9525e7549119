/* SPDX-License-Identifier: Apache-2.0 */
/* sgd -- gradient descent with momentum and weight decay, one pass.   kernels/cuda      tests: ops_losses */
#include "kernels/cuda/device.cuh"

__global__ void sgd(float *param, float *momentum, const float *grad, size_t count, struct dead_state *dead,
                    const float *rates, float momentum_factor, float weight_decay)
{
    const float lr = rates[RATE_LR], scale = rates[RATE_GRAD_SCALE];
    for (size_t i = first(); i < count; i += stride()) {
        float m = momentum_factor * momentum[i] + (scale * grad[i] + weight_decay * param[i]);
        momentum[i] = m;
        param[i] -= lr * m;
    }
    if (dead && first() == 0) {
        dead->momentum = (double)momentum_factor * dead->momentum + (double)weight_decay * dead->scale;
        dead->scale -= (double)lr * dead->momentum;
    }
}

static void cuda_sgd(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                     struct dead_state *dead, const float *rates, float momentum_factor, float weight_decay)
{
    LAUNCH(b, sgd, blocks_for(b, count), THREADS, param, momentum, grad, count, dead, rates, momentum_factor,
           weight_decay);
}

void cuda_add_sgd(struct backend *b)
{
    b->sgd = cuda_sgd;
}
