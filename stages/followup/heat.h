/* SPDX-License-Identifier: Apache-2.0 */
/* heat -- how hot the place of a region is in either scan, by their body maps.   align -> [heat] -> match
 *
 * A body map is coarse (cells of 8 mm), so what is asked of it is a comparison: the same places in two maps of one kind, small lesions thinned alike. */
#ifndef PETREL_FOLLOWUP_HEAT_H
#define PETREL_FOLLOWUP_HEAT_H
#include "stages/followup/align.h"

struct heat {
    const struct body_map *earlier, *later;
    const struct rigid *motion;
    double from_mm[2][3][4]; /* index z y x of earlier's and later's cells, from mm RAS of each */
};
/* NULL maps: nothing is known, heat_ratio is NAN. -1: a map's grid is flat. */
int heat_open(struct heat *h, const struct body_map *earlier, const struct body_map *later, const struct rigid *motion,
              struct error *e) MUST_USE;
/* Mean SUV at these places (mm RAS as the later scan has them) in the later scan over that in the earlier; NAN: one of the two did not look there. */
double heat_ratio(const struct heat *h, const float (*later_mm)[3], size_t count);
#endif
