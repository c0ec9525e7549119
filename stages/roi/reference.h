/* SPDX-License-Identifier: Apache-2.0 */
/* reference -- what uptake is compared with: liver, blood pool, spleen, marrow; and where the body lies.   body -> [reference] -> regions
 *
 * Liver: the sphere of liver.h, by rule where there is no organ map. The others are known by an organ map alone: the mean of the organ's
 * voxels all of whose 26 neighbours are the organ's too (what is left of the aorta is its blood, less its wall and the spill of what
 * lies beside it), at least REFERENCE_ML of them. What is not found stays unknown. */
#ifndef PETREL_ROI_REFERENCE_H
#define PETREL_ROI_REFERENCE_H
#include "proto/message.h"
#include "stages/roi/body.h"
#include "stages/roi/liver.h"

#define REFERENCE_ML 0.5

/* known: the liver where it was looked for already; LIVER_UNKNOWN: it is looked for, in a sphere of sphere_mm. */
void references_measure(const struct volume *v, const struct crop *body, const struct liver *known, double sphere_mm,
                        struct references *f);
#endif
