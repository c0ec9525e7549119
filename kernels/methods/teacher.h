/* SPDX-License-Identifier: Apache-2.0 */
/* teacher -- a network that follows the one that learns.   kernels/methods */
#ifndef PETREL_KERNELS_METHODS_TEACHER_H
#define PETREL_KERNELS_METHODS_TEACHER_H
#include "kernels/methods/learner.h"

/* For a method's rates: *l->rate = 1 - m, m from `momentum` at progress 0 by a cosine to 1 at progress 1. */
void teacher_rate(struct learner *l, double momentum, const struct training_time *at);
/* For its after: teacher += *l->rate (student - teacher), every parameter; running statistics are its own. Dead taps are left as they
 * were: no number of the teacher's depends on them, and no file has them. */
void teacher_follow(struct learner *l);
#endif
