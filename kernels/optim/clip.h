/* clip -- the global norm of all gradients, and the factor that brings it under a bound.   kernels/optim */
#ifndef PETREL_KERNELS_OPTIM_CLIP_H
#define PETREL_KERNELS_OPTIM_CLIP_H
#include "kernels/tape.h"

double gradient_norm(const struct params *p);
/* What to multiply gradients by: 1, or most / (norm + 1e-6) where the norm is above it. most 0: no clipping, and no
 * work. */
double clip_scale(const struct params *p, double most);
#endif
