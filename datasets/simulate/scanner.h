/* SPDX-License-Identifier: Apache-2.0 */
/* scanner -- what a PET scanner makes of a phantom: blur, noise, Bq/mL.   lesion -> [scanner] -> write */
#ifndef PETREL_SIMULATE_SCANNER_H
#define PETREL_SIMULATE_SCANNER_H
#include "datasets/simulate/patient.h"
#include "datasets/simulate/phantom.h"

struct scanner {
    double psf_fwhm_mm;   /* point spread, full width at half maximum */
    double noise_fwhm_mm; /* grain of the noise: reconstruction's smoothing */
    double noise_liver;   /* sd over mean in a liver of SUV 2.2, 28 cm thick, 3 kBq/mL of SUV 1: 10 % is usual */
};
/* What a blur of this width leaves at the middle of a homogeneous sphere: 0 to 1. */
double scanner_recovery(double diameter_mm, double fwhm_mm);
/* Turns phantom->suv into Bq/mL in place. */
void scanner_run(const struct scanner *s, const struct patient *p, struct phantom *ph);
#endif
