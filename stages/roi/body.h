/* SPDX-License-Identifier: Apache-2.0 */
/* body -- the patient without the air around: the small array every later step works on.   [body] -> method -> regions
 *
 * The body is every 6-connected part of the scan at or above air_suv that holds at least `share` of the largest
 * part's voxels (so two legs count when nothing joins them, a syringe on the table does not), its holes filled slice by
 * slice (lungs, bowel gas).  Its bounding box is copied with one voxel of air on every side, so that no later step has to
 * ask where the array ends. */
#ifndef PETREL_ROI_BODY_H
#define PETREL_ROI_BODY_H
#include "common/volume.h"

struct crop {
    int64_t dim[3]; /* D H W, the margin included */
    int64_t low[3]; /* the scan's index of voxel (0,0,0), which is margin: -1 at the least */
    float *suv;     /* 0 outside the body; what was negative or not a number is 0, too */
};

/* -1 and a sentence for an infinite voxel. A scan without a body gives a crop of air, 3x3x3. crop_free() it. */
int body_crop(const struct volume *v, double air_suv, double share, struct crop *c, struct error *e) MUST_USE;
void crop_free(struct crop *c);
#endif
