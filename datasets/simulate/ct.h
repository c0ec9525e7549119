/* SPDX-License-Identifier: Apache-2.0 */
/* ct -- the CT that goes with a phantom, in Hounsfield units.   lesion -> [ct] -> write */
#ifndef PETREL_SIMULATE_CT_H
#define PETREL_SIMULATE_CT_H
#include "datasets/simulate/patient.h"
#include "datasets/simulate/phantom.h"

/* Rows and columns `finer` times finer than the PET's (1: its very grid); *g: where it lies. The caller's. */
int16_t *ct_make(const struct phantom *ph, const struct patient *p, int finer, struct grid *g) MUST_USE;
#endif
