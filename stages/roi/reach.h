/* SPDX-License-Identifier: Apache-2.0 */
/* reach -- how far the region of a peak reaches.   basins -> [reach] -> peaks
 *
 * A region grows from its peak, always by the highest voxel of its basin beside it, and ends where the next one lies under
 *     max(floor_suv, around + f * (peak - around))
 * and what it holds by then stands out: its mean is `contrast` times `around` and more, and its peak contrast_sds standard deviations
 * of the noise above it. Where it does not stand out it grows on: so a lesion in the liver ends at the liver, and a spot of a mottled
 * mass goes on to the mass's own rim.
 * `around` is the median of voxels on a sphere about the peak, around_mm outside that of the volume grown so far (shells.h). f is `fraction` for large_ml and more, small_fraction for small_ml and less, and between them goes with the logarithm:
 * voxel and point spread take from a small lesion's rim what they leave to a large one's. From mean_ml up the end is no higher than
 * `mean_share` of the way from the surroundings up to the region's mean: of a large uneven mass the peak says little. */
#ifndef PETREL_ROI_REACH_H
#define PETREL_ROI_REACH_H
#include "stages/roi/basins.h"
#include "stages/roi/order.h"
#include "stages/roi/peaks.h"
#include "stages/roi/shells.h"

struct reach {
    const struct flood_place *place;
    const struct peaks_how *how;
    struct basins *basins;
    struct order order;
    struct shells shells;
    uint32_t *grown; /* places of the region grown last */
};
/* how, place and basins are borrowed. suv: the image, dim[0] x dim[1] x dim[2]. */
void reach_open(struct reach *r, const float *suv, const int64_t dim[3], const struct flood_place *place, size_t places,
                const struct peaks_how *how, struct basins *b);
void reach_close(struct reach *r);
/* Basins have become part of others. */
void reach_renew(struct reach *r, size_t places);
/* Grows the region of a root, of the places whose home it is, into r->grown and says in its basin what came of it; afterwards known. */
void reach_grow(struct reach *r, uint32_t root);
/* The region of a root that is known into r->grown. */
void reach_list(struct reach *r, uint32_t root);
#endif
