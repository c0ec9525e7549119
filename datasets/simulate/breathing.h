/* SPDX-License-Identifier: Apache-2.0 */
/* breathing -- what moves with the diaphragm, and what the CT saw of it.   lesion -> [breathing] -> scanner, ct
 *
 * PET looks for minutes and sees the mean of many breaths; CT looks for seconds and sees one moment of one. So uptake
 * near the diaphragm is blurred up and down, and is corrected for attenuation by a map whose diaphragm stands
 * elsewhere: where the map has lung and the body had liver, the image is too cold, and the other way round too hot. */
#ifndef PETREL_SIMULATE_BREATHING_H
#define PETREL_SIMULATE_BREATHING_H
#include "datasets/simulate/patient.h"
#include "datasets/simulate/phantom.h"

enum { BREATHING_PHASES = 8 };
struct breathing {
    double down_mm[BREATHING_PHASES]; /* of the diaphragm, from its mean over time: their sum is 0 */
    double ct_down_mm;                /* where it stood while the CT passed */
    double size;                      /* of the patient: what moves ends at a share of it */
};
struct breathing breathing_draw(const struct patient *p);
/* How far a place moves, as a share of what the diaphragm moves: 0 to 1. */
double breathing_share(const struct breathing *b, double front, double up);
/* Organs that lie in row (z, y), a voxel each, when the diaphragm stands so far below its mean. */
const uint8_t *breathing_organs(const struct breathing *b, const struct phantom *ph, double down_mm, int64_t z,
                                int64_t y);
/* Makes ph->suv the mean over time. */
void breathing_blur(const struct breathing *b, struct phantom *ph);
/* Multiplies ph->suv by what the CT's wrong moment makes of it. To first order, a place is wrong by the mean, over all
 * lines through it, of what the map has too much: exp(1/pi sum over the slice of (mu_map - mu) area / distance). */
void breathing_miscorrect(const struct breathing *b, struct phantom *ph);
#endif
