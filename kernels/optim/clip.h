/* SPDX-License-Identifier: Apache-2.0 */
/* clip -- the factor that brings the global norm of all gradients under a bound.   kernels/optim */
#ifndef PETREL_KERNELS_OPTIM_CLIP_H
#define PETREL_KERNELS_OPTIM_CLIP_H
#include "kernels/tape.h"

/* *scale: what to multiply gradients by, 1 or most / (norm + 1e-6) where the norm is above most. scale and squares (one
 * double, a place to work) are on the device: nothing is waited for. */
void clip_gradients(const struct params *p, float *scale, double *squares, double most);
#endif
