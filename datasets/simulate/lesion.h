/* SPDX-License-Identifier: Apache-2.0 */
/* lesion -- tumours at sites drawn from the published distribution.   patient -> body -> [lesion] -> scanner */
#ifndef PETREL_SIMULATE_LESION_H
#define PETREL_SIMULATE_LESION_H
#include "datasets/simulate/anatomy.h"
#include "datasets/simulate/body.h"

struct lesion {
    char site[24];
    const char *what;
    struct point centre;
    size_t site_number;
    double suv, diameter_mm;
    size_t voxels;
    struct rng shape; /* what its lobes are drawn from */
};
enum { LESIONS_MOST = 96 };
/* Paints and lists them; returns how many (0 for a patient without disease). psf_fwhm_mm: of the scanner that will look. */
size_t lesions_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, struct lesion list[LESIONS_MOST]);
/* The same at places where a real study has its tumours: clicks less than LESION_APART_MM from each other are one lesion. Lists of
 * clicks end at ten, so a study with ten lesions gets more about them. */
#define LESION_APART_MM 20.0
size_t lesions_paint_at(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct spots *tumour,
                        struct lesion list[LESIONS_MOST]);
/* Paints it as it was, or larger, smaller, hotter: the same shape where its size leaves it the same lobes. */
void lesion_paint_again(struct phantom *ph, struct lesion *l, double psf_fwhm_mm);
/* One more at a place of its own, drawn from r, apart from those listed. false: no room was found. */
bool lesion_paint_more(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm,
                       size_t site_number, const struct lesion *list, size_t count, struct lesion *l);
#endif
