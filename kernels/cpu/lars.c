/* SPDX-License-Identifier: Apache-2.0 */
/* lars -- momentum whose step is in proportion to the tensor's length; one pass for the lengths, one for the step.   kernels/cpu */
#include "kernels/cpu/cpu.h"

#include <math.h>

/* trust |p| / |g|, or 1 where either is 0 */
static double trust_ratio(struct backend *b, const float *param, const float *grad, size_t count,
                          const struct dead_state *dead, float weight_decay, float trust, float grad_scale)
{
    const struct cpu *own = cpu_of(b);
    const size_t pieces = cpu_pieces(count);
    double *step = cpu_scratch(b, 2 * pieces * sizeof *step), *length = step + pieces, step_squares = 0, squares = 0;
#pragma omp parallel for schedule(static) num_threads(own->threads) if (count > WORTH)
    for (size_t i = 0; i < pieces; i++)
        own->microkernels->lars_squares(&step[i], &length[i], param + i * PIECE, grad + i * PIECE, grad_scale,
                                        weight_decay, cpu_piece(i, count));
    for (size_t i = 0; i < pieces; i++) {
        step_squares += step[i];
        squares += length[i];
    }
    if (dead) {
        double decayed = (double)weight_decay * dead->scale;
        squares += dead->scale * dead->scale * dead->squares;
        step_squares += decayed * decayed * dead->squares;
    }
    return squares > 0 && step_squares > 0 ? (double)trust * sqrt(squares / step_squares) : 1;
}

static void cpu_lars(struct backend *b, float *param, float *momentum, const float *grad, size_t count,
                     struct dead_state *dead, bool adapt, const float *rates, float momentum_factor, float weight_decay,
                     float trust)
{
    const float lr = rates[RATE_LR], grad_scale = rates[RATE_GRAD_SCALE];
    double ratio = adapt ? trust_ratio(b, param, grad, count, dead, weight_decay, trust, grad_scale) : 1;
    const float by = (float)(ratio * (double)grad_scale), decay = adapt ? (float)(ratio * (double)weight_decay) : 0;
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (count > WORTH)
    for (size_t i = 0; i < count; i++) {
        float m = momentum_factor * momentum[i] + (by * grad[i] + decay * param[i]);
        momentum[i] = m;
        param[i] -= lr * m;
    }
    if (dead) {
        dead->momentum =
            (double)momentum_factor * dead->momentum + (adapt ? ratio * (double)weight_decay : 0) * dead->scale;
        dead->scale -= (double)lr * dead->momentum;
    }
}

void cpu_add_lars(struct backend *b)
{
    b->lars = cpu_lars;
}
