/* SPDX-License-Identifier: Apache-2.0 */
/* suv -- a volume in SUV, and on another grid.   load -> [suv] -> roi
 *
 * The factor, the volume multiplied by it and the gate it must pass are proto/suv.h's.
 *     resample.c   other voxels          crop.c   fewer slices
 * All of it is arithmetic on numbers, without a socket. */
#ifndef PETREL_STAGES_SUV_SUV_H
#define PETREL_STAGES_SUV_SUV_H
#include "proto/suv.h"

/* ---- another grid ---- */
/* Linear between voxel centres, nearest for mask and organs, linear and in whole HU for the CT; the new grid covers what the
 * old one did, edge to edge; beyond the outermost centres the outermost value. -1: too large or not positive. */
int volume_resample(struct volume *v, const double spacing_mm[3], struct error *e) MUST_USE;
/* Keeps the slices whose centre lies within [low, high] mm above the origin (RAS z). -1: none does. */
int volume_crop(struct volume *v, double low_mm, double high_mm, struct error *e) MUST_USE;
/* From the lowest slice up, the last one where two legs lie side by side, seen from the front; false: the scan ends above
 * that place, or shows nothing but legs. v: SUV. */
bool legs_part(const struct volume *v, int64_t *slice);
/* Cuts off what lies more than below_mm under the place where the legs part; a scan that ends above is left whole.
 * how: says where it cut, or why it did not. */
void volume_crop_thighs(struct volume *v, double below_mm, char *how, size_t size);
#endif
