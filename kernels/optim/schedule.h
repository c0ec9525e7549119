/* SPDX-License-Identifier: Apache-2.0 */
/* schedule -- learning-rate factor: linear warm-up, then a cosine down to `end`, where it stays.   kernels/optim */
#ifndef PETREL_KERNELS_OPTIM_SCHEDULE_H
#define PETREL_KERNELS_OPTIM_SCHEDULE_H

/* t: epoch or step, from 0. warmup W and length (both in that unit, may be fractions): (t+1)/W while t < W; then with
 * s = t - W and M = length - W: end + (1-end)(1 + cos(pi s/(M-1)))/2 for s <= M-1, and `end` for ever after. */
double schedule_factor(double t, double warmup, double length, double end);
#endif
