/* SPDX-License-Identifier: Apache-2.0 */
/* organ -- whose a region is: by the scan's organ map, or by a rule where there is none.   property -> [organ] -> regions
 *
 * With a map a region is the organ's that holds at least exclude_overlap of its voxels; what stands out of heart and brain
 * (organ_foci) is not left out with them.
 * Without, brain, heart, kidneys and bladder are looked for where they lie in people, from the body's middle and from the liver's
 * centroid: means of the organ maps of 81 autoPET studies, in ellipsoids of about 2.5 standard deviations and more. Of the regions
 * in an organ's ellipsoid that are hot and large enough and not too large, the one with the most activity (ml * SUVmean) is the
 * organ's; others there are, too, where their centroid lies in the ellipsoid that fills its bounding box, or that of another that is,
 * made larger by reach_mm (a kidney's poles may lie a quarter farther off than its middle may). A brain that the scan's end cuts is too small to be known by volume: what lies in its ellipsoid and in the
 * last slices and is twice as hot as it must be, is brain.
 * The left and the right kidney are looked for each by itself. */
#ifndef PETREL_ROI_ORGAN_H
#define PETREL_ROI_ORGAN_H
#include "proto/message.h"
#include "stages/roi/extent.h"
#include "stages/roi/liver.h"

/* organ and organ_by of *r by the map. x, index: the region in the body's coordinates; low: of body (scan's index of its voxel 0). */
void organ_of_map(const struct volume *v, const struct extents *x, uint32_t index, const int64_t low[3], double share,
                  struct region *r);
/* focus[i]: region i lies in the map's heart or brain, but is no part of what these take up: all regions there together hold less than
 * ORGAN_UPTAKE of the organ, or it is ORGAN_FOCUS times as hot (SUVmax) as the largest of them. Kidneys and bladder hold urine, which may
 * be anywhere in them. */
#define ORGAN_UPTAKE 0.05
#define ORGAN_FOCUS  2.0
void organ_foci(const struct volume *v, const struct region *r, size_t count, bool *focus);
/* organ and organ_by of all by the rule; none where the liver is unknown. */
void organs_by_rule(const struct grid *g, const struct liver *liver, struct region *r, size_t count);
/* An image, such as the body, within a scan that has an organ map. */
struct organ_look {
    const struct volume *scan;
    int64_t dim[3], low[3]; /* of the image; the scan's index of its voxel 0 */
    unsigned which;         /* organs that are looked for: 1 << label */
};
/* Which of them is nearest to the image's voxel `at`, within_mm at the most; ORGAN_LABEL_NONE: none is. */
int organ_near(const struct organ_look *o, size_t at, double within_mm);
/* Whether the rule knows this organ. */
bool organ_has_rule(int label);
#endif
