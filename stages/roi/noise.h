/* SPDX-License-Identifier: Apache-2.0 */
/* noise -- how much of a scan's SUV is noise, from the scan itself.   body -> [noise] -> peaks */
#ifndef PETREL_ROI_NOISE_H
#define PETREL_ROI_NOISE_H
#include "stages/roi/body.h"

#define NOISE_CELL_MM 16.0
#define NOISE_SUV     0.5 /* what is fainter is lung or fat, whose noise is that of what surrounds them */

/* Counts are Poisson's, so variance grows with the mean: variance = *per_suv x SUV. The body is cut into cells of about
 * NOISE_CELL_MM; each that lies wholly in it and is NOISE_SUV or more gives its variance over its mean, and the lower quartile of them
 * is the answer: cells with a border or a vessel in them are the others. 0 where there is no such cell (nothing is then called noise). */
double noise_per_suv(const struct crop *body, const double spacing_mm[3]);
/* Standard deviation of the noise at an SUV. */
double noise_sd(double per_suv, double suv);
#endif
