/* SPDX-License-Identifier: Apache-2.0 */
/* align -- how a patient lay at a later scan, as seen from an earlier one: a rigid motion.   body maps -> [align] -> match
 *
 * The motion under which the two body maps (stages/classify/body_map.h) differ least: the sum over the earlier body's cells of the squared difference of SUV, both cut
 * at ALIGN_SUV (what is hotter, lesions and bladder, may have changed) and smoothed. Gauss-Newton with Levenberg's damping, from coarse to fine,
 * from several heights, for two scans need not begin at one. Motion within the body (arms, breath, a filling bladder) is no part of it. */
#ifndef PETREL_FOLLOWUP_ALIGN_H
#define PETREL_FOLLOWUP_ALIGN_H
#include "common/volume.h"

#define ALIGN_SUV 2.5
#define ALIGN_DOUBT                                                                                                    \
    0.93 /* below, it is asked whether they are one patient's: of 12 pairs of simulated patients none came above 0.91, of 8 patients' two scans none under 0.98 */
#define ALIGN_CORRELATION 0.7 /* below, the two are not the same body, or not enough of it */

/* later = middle + shift + turn * (earlier - middle), mm RAS */
struct rigid {
    double turn[3][3], shift_mm[3], middle_mm[3];
};
struct body_map {
    struct grid grid;
    float *suv; /* [D][H][W], mean of a cell */
};
struct alignment {
    struct rigid rigid;
    double correlation; /* of the two maps where both are */
    double shared;      /* share of the earlier body's cells that the later scan covers */
};
int body_map_read(const char *dir, struct body_map *b, struct error *e) MUST_USE;
void body_map_free(struct body_map *b);
void rigid_apply(const struct rigid *r, const double earlier_mm[3], double later_mm[3]);
void rigid_back(const struct rigid *r, const double later_mm[3], double earlier_mm[3]); /* its inverse */
/* -1 and a sentence: they are not alike however they are laid. */
int align_find(const struct body_map *earlier, const struct body_map *later, struct alignment *a,
               struct error *e) MUST_USE;
#endif
