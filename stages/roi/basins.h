/* SPDX-License-Identifier: Apache-2.0 */
/* basins -- a basin for every peak that is no noise, and where basins meet.   flood -> [basins] -> reach, peaks */
#ifndef PETREL_ROI_BASINS_H
#define PETREL_ROI_BASINS_H
#include "stages/roi/flood.h"

/* Numbered in the order of their peaks, highest first; the smaller number is the root of a merge. */
struct basin {
    float peak,
        joined_at; /* SUV; joined_at: the lowest that other basins became part of it at: its region does not end above */
    uint32_t peak_at, place; /* its voxel, and which place that is */
    bool known,
        ends; /* the rest is as the basin is now (reach.h); its region ends where it stands out, not with the basin */
    double around, threshold, mean; /* SUV; mean: of its region */
    double body, core;              /* SUV: the threshold by its peak alone, never lower; mean of what is above */
    int64_t voxels;                 /* that its region would hold */
};
struct meeting {
    uint32_t high, low;
    float suv;
};
/* A place of basin `one` has a higher one of basin `other` beside it. */
struct border {
    uint32_t one, other, place;
};
struct basins {
    uint32_t *parent;
    struct basin *basin;
    uint32_t count, room;
    struct meeting *meeting; /* of roots; highest first; a pair may meet often */
    size_t meeting_count, meeting_room;
    struct border *border; /* highest first; all that tell on which highest way a basin is reached from another (order.h) */
    size_t border_count, border_room;
    uint32_t *basin_of; /* [places]: the basin it joined */
    uint32_t *home;     /* [places]: the root of that, as it was when they were settled */
};
/* All places grow at once, from the highest down: one with no visited neighbour founds a basin, any other joins the basin of its
 * highest neighbour. Where two meet and the lower one's peak rises less than noise_sds standard deviations of the noise (noise.h) above
 * the meeting, it is noise and its root becomes part of the other's; any other meeting is kept. place: highest first. label: zeros at the
 * places, and wherever no place is; left as basin + 1. To be settled. basins_free() it. */
void basins_of(struct basins *b, const float *suv, const int64_t dim[3], const struct flood_place *place, size_t count,
               int connectivity, double noise_per_suv, double noise_sds, uint32_t *label);
/* Every place's home is its root; until the next merge. */
void basins_settle(struct basins *b, size_t count);
void basins_free(struct basins *b);
#endif
