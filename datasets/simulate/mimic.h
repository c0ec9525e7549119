/* SPDX-License-Identifier: Apache-2.0 */
/* mimic -- what looks like a tumour and is none.   body -> [mimic] -> lesion -> scanner
 *
 * Bowel, ureters, tensed muscle, brown fat, reactive nodes, joints, worn vertebrae, vessel walls, glands and the like: the
 * natural false positives, that only their place tells from tumours. */
#ifndef PETREL_SIMULATE_MIMIC_H
#define PETREL_SIMULATE_MIMIC_H
#include "datasets/simulate/body.h"

/* psf_fwhm_mm: of the scanner that will look. seen: places in the background of a real study, each gets a hot spot where it
 * lies in soft tissue; may be NULL. Organs that a map can mark keep their voxels. */
void mimics_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct spots *seen);
#endif
