/* ct -- the CT that goes with a phantom, on the PET's grid, in Hounsfield units.   lesion -> [ct] -> write */
#ifndef PETREL_SIMULATE_CT_H
#define PETREL_SIMULATE_CT_H
#include "datasets/simulate/patient.h"
#include "datasets/simulate/phantom.h"

/* The caller's. */
int16_t *ct_make(const struct phantom *ph, const struct patient *p) MUST_USE;
#endif
