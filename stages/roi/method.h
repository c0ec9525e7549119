/* SPDX-License-Identifier: Apache-2.0 */
/* method -- the ways to find high-uptake regions.   body -> [method] -> regions
 *
 * fcm       The default (METHOD: an ensemble of fuzzy C-means and region growing). The body's SUV histogram is clustered
 *           twice, as it is and smoothed by a Gaussian of fcm-smooth-mm; "high" is the highest of the four clusters. Seeds are voxels
 *           both call high, candidates those either does. A region grows (peaks.h) from every peak among the candidates that are
 *           joined to a seed: peaks against the scan's own noise, thresholds between a peak and its surroundings, and not under the
 *           second-highest centre of the unsmoothed histogram.
 *           Histograms count body voxels at or above body-air-suv in bins of fcm-bin-suv; whatever is above fcm-cap-suv counts in
 *           the last, so that a bladder of SUV 60 is hot and not a cluster of its own.
 * fixed     Connected voxels at or above fixed-suv.
 * relative  Regions grow (grow.h) from every peak of at least relative-floor-suv down to max(relative-fraction * peak, that SUV):
 *           41 % of SUVmax, of each lesion's own maximum and not the scan's, which is the bladder's.
 * percist   Connected voxels at or above percist-factor * mean + percist-sds * sd of the liver (liver.h).
 * given     What somebody drew (given.h), as it is: no holes are filled, nothing is dropped.
 * After any of the others holes are filled (unless --no-fill-holes) and regions under region-min-ml dropped. */
#ifndef PETREL_ROI_METHOD_H
#define PETREL_ROI_METHOD_H
#include "proto/recipe.h"
#include "stages/roi/body.h"
#include "stages/roi/extent.h"
#include "stages/roi/liver.h"

struct found {
    struct labels labels; /* on the crop's grid, in raster order of first voxels */
    struct extents extents;
    char how[160]; /* thresholds used, as key=value */
};
/* liver: known, where the method is percist (method_wants_liver). */
void method_find(const struct crop *body, const double spacing_mm[3], const struct recipe *r, const struct liver *liver,
                 struct found *f);
bool method_wants_liver(const struct recipe *r);
void found_free(struct found *f);
#endif
