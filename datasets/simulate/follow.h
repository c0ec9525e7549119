/* SPDX-License-Identifier: Apache-2.0 */
/* follow -- the second visit of a simulated patient: the same body, lesions that changed by known factors.   lesion -> [follow] -> scanner
 *
 * Assumed: of the lesions of the first visit 30 % stay as they are, 25 % grow, 25 % shrink, 20 % are gone; up to three are new. Diameters grow by
 * 1.2 to 1.5 and shrink by as much, uptake by up to 1.4 and 2. What is hot and no tumour (bowel, muscle, ...) is drawn anew, as are breath and noise; the
 * patient lies elsewhere: shifted by some mm (standard deviation 8) and turned by up to 2.5 degrees about each axis. */
#ifndef PETREL_SIMULATE_FOLLOW_H
#define PETREL_SIMULATE_FOLLOW_H
#include "datasets/simulate/write.h"

enum fate { FATE_STABLE, FATE_GROWN, FATE_SHRUNK, FATE_GONE, FATE_NEW, FATES };
extern const char *const fate_name[FATES];

struct followed {
    enum fate fate;
    size_t earlier, later; /* row among the lesions of the first visit and of this one, from 1; 0: not in it */
    double diameter_factor, suv_factor;
};
struct follow_up {
    struct lesion lesion[LESIONS_MOST]; /* of this visit */
    size_t count;
    struct followed followed[2 * LESIONS_MOST];
    size_t followed_count;
    double shift_mm[3], turn_rad[3]; /* left, front, up; about these axes, in this order, round the phantom's middle */
    double middle_mm[3];
};
/* Who comes back: the patient, at another visit. */
struct patient follow_patient(const struct patient *first);
/* ph: the body without lesions and hot spots' own lesions, as body_paint and mimics_paint left it. */
void follow_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct lesion *earlier,
                  size_t count, struct follow_up *f);
/* Moves everything painted as the patient lies. */
void follow_move(struct phantom *ph, struct follow_up *f, const struct patient *p);
/* A place of the body, mm RAS, at the first visit (moved NULL) and at this. */
void follow_place(const struct point *at, const struct follow_up *moved, double ras_mm[3]);
/* followup.tsv beside the visit's files: a row a lesion of either visit: its rows in both regions.tsv, what became of it, factors, places in mm RAS. */
int follow_write(const char *dir, const struct follow_up *f, const struct lesion *earlier, struct error *e) MUST_USE;
#endif
