/* SPDX-License-Identifier: Apache-2.0 */
/* lars -- momentum whose step is in proportion to the tensor's length, in two kernels: lengths, step.   kernels/cuda
 *
 * g = grad_scale grad; with adapt: g += weight_decay p, then g *= trust |p| / |g| (1 where either length is 0).
 * m = momentum_factor m + g; p -= lr m. Each block adds up its share of the lengths in double; the step's blocks all join the
 * shares in the same order. tests: ops_losses */
#include "kernels/cuda/device.cuh"

enum { MOST_PARTS = 256 };
struct lengths {
    double param, step;
}; /* squares */

__global__ void lars_lengths(struct lengths *part, const float *param, const float *grad, size_t count,
                             const struct dead_state *dead, const float *rates, float decay)
{
    const float grad_scale = rates[RATE_GRAD_SCALE];
    double param_squares = 0, step_squares = 0;
    for (size_t i = first(); i < count; i += stride()) {
        double p = (double)param[i], g = (double)grad_scale * (double)grad[i] + (double)decay * p;
        param_squares += p * p;
        step_squares += g * g;
    }
    param_squares = block_sum(param_squares);
    step_squares = block_sum(step_squares);
    if (dead && blockIdx.x == 0) {
        double of_dead = dead->scale * dead->scale * dead->squares;
        param_squares += of_dead;
        step_squares += (double)decay * (double)decay * of_dead;
    }
    if (threadIdx.x == 0)
        part[blockIdx.x] = {param_squares, step_squares};
}

/* parts 0: without adapt */
__global__ void lars_step(float *param, float *momentum, const float *grad, size_t count, struct dead_state *dead,
                          const struct lengths *part, unsigned parts, const float *rates, float momentum_factor,
                          float decay, float trust)
{
    double exact = 1;
    if (parts) {
        double param_squares = block_sum(threadIdx.x < parts ? part[threadIdx.x].param : 0.0);
        double step_squares = block_sum(threadIdx.x < parts ? part[threadIdx.x].step : 0.0);
        if (param_squares > 0 && step_squares > 0)
            exact = (double)trust * sqrt(param_squares / step_squares);
    }
    const float ratio = (float)exact, lr = rates[RATE_LR], grad_scale = rates[RATE_GRAD_SCALE];
    for (size_t i = first(); i < count; i += stride()) {
        float p = param[i], m = momentum_factor * momentum[i] + ratio * (grad_scale * grad[i] + decay * p);
        momentum[i] = m;
        param[i] = p - lr * m;
    }
    if (dead && blockIdx.x == 0 && threadIdx.x == 0) { /* nobody else reads it here */
        dead->momentum = (double)momentum_factor * dead->momentum + exact * (double)decay * dead->scale;
        dead->scale -= (double)lr * dead->momentum;
    }
}

static void cuda_lars(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                      struct dead_state *dead, bool adapt, const float *rates, float momentum_factor,
                      float weight_decay, float trust)
{
    unsigned parts = (unsigned)((count + 4 * THREADS - 1) / (4 * THREADS));
    parts = parts < 1 ? 1 : parts > MOST_PARTS ? (unsigned)MOST_PARTS : parts;
    struct lengths *part = (struct lengths *)cuda_scratch(b, MOST_PARTS * sizeof *part);
    float decay = adapt ? weight_decay : 0;
    if (adapt)
        LAUNCH(b, lars_lengths, parts, THREADS, part, param, grad, count, dead, rates, decay);
    LAUNCH(b, lars_step, parts, THREADS, param, momentum, grad, count, dead, part, adapt ? parts : 0, rates,
           momentum_factor, decay, trust);
}

void cuda_add_lars(struct backend *b)
{
    b->lars = cuda_lars;
}
