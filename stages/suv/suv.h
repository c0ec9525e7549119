/* suv -- what a volume's values are worth in SUV by body weight.   load -> [suv] -> roi
 *
 *     SUVbw = Bq/mL * weight_g / (dose_bq * 2^(-delay_s / half_life_s))
 * All of it is arithmetic on facts and numbers, without a socket. */
#ifndef PETREL_STAGES_SUV_SUV_H
#define PETREL_STAGES_SUV_SUV_H
#include "proto/message.h"

/* Fills suv_factor, suv_formula and, where decay matters, delay_s. -1: a fact is missing or makes no sense; the sentence
 * names it by DICOM tag. Nothing is ever guessed in place of a missing fact. */
int suv_factor(struct scan_facts *f, struct error *e) MUST_USE;
/* When the scan began, to which a scanner that corrects decay to START has corrected: seconds since midnight of the
 * study's first day (METHOD.md 7). */
int suv_reference(const struct scan_facts *f, double *reference_s, struct error *e) MUST_USE;
/* Mean activity during a frame is that at this time after its start: ln(kT / (1 - exp(-kT))) / k. */
double suv_average_delay(double frame_s, double half_life_s);

/* Multiplies every voxel by f->suv_factor. */
void suv_apply(struct volume *v, const struct scan_facts *f);
/* Fills suv_max, volume_mean and volume_sd (unbiased) of the volume as it leaves: double, one fixed order. */
void suv_statistics(const struct volume *v, struct scan_facts *f);

/* ---- another grid (resample.c) ---- */
/* Linear between voxel centres, nearest for the mask; the new grid covers what the old one did, edge to edge; beyond the
 * outermost centres the outermost value. Writes are then on the new grid. -1: too large or not positive. */
int volume_resample(struct volume *v, const double spacing_mm[3], struct error *e) MUST_USE;
/* Keeps the slices whose centre lies within [low, high] mm above the origin (RAS z). -1: none does. */
int volume_crop(struct volume *v, double low_mm, double high_mm, struct error *e) MUST_USE;
#endif
