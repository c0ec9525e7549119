/* lesion -- tumours at sites drawn from the published distribution.   patient -> body -> [lesion] -> scanner */
#ifndef PETREL_SIMULATE_LESION_H
#define PETREL_SIMULATE_LESION_H
#include "datasets/simulate/body.h"

struct lesion { char site[24]; struct place centre; double suv, diameter_mm; size_t voxels; };
enum { LESIONS_MOST = 24 };
/* Paints and lists them; returns how many (0 for a patient without disease). psf_fwhm_mm: of the scanner that will look. */
size_t lesions_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, struct lesion list[LESIONS_MOST]);
#endif
