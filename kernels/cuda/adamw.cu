/* SPDX-License-Identifier: Apache-2.0 */
/* adamw -- Adam with decoupled weight decay, or (coupled) with L2 in the gradient.   kernels/cuda      tests: ops_losses */
#include "kernels/cuda/device.cuh"

__global__ void adamw(float *param, float *m, float *v, const float *grad, size_t count, const float *rates,
                      float beta1, float beta2, float eps, float weight_decay, bool coupled)
{
    const float rate = rates[RATE_LR], scale = rates[RATE_GRAD_SCALE], correct1 = rates[RATE_CORRECT1],
                correct2 = rates[RATE_CORRECT2];
    for (size_t i = first(); i < count; i += stride()) {
        float p = param[i], g = scale * grad[i];
        if (coupled)
            g += weight_decay * p;
        else
            p -= rate * weight_decay * p;
        float m_now = m[i] = beta1 * m[i] + (1 - beta1) * g;
        float v_now = v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        param[i] = p - rate * (m_now / correct1) / (sqrtf(v_now / correct2) + eps);
    }
}

static void cuda_adamw(struct backend *b, float *param, float *m, float *v, const float *grad, size_t count,
                       const float *rates, float beta1, float beta2, float eps, float weight_decay, bool coupled)
{
    LAUNCH(b, adamw, blocks_for(b, count), THREADS, param, m, v, grad, count, rates, beta1, beta2, eps, weight_decay,
           coupled);
}

void cuda_add_adamw(struct backend *b)
{
    b->adamw = cuda_adamw;
}
