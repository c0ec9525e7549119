/* SPDX-License-Identifier: Apache-2.0 */
/* liver -- where the liver is, and its SUV: the reference of PERCIST, and where other organs are looked for.   body -> [liver] -> method, organ
 *
 * Without an organ map: the body is averaged in cells of about LIVER_CELL_MM. Liver is the largest connected part of cells that
 *     lie in its right half, and
 *     have a mean between LIVER_SUV_LOW and LIVER_SUV_HIGH round them (in a ball 3 cm across), and within a band of
 *     [1/1.25, 1.25] round one level (all levels in turn), and
 *     are alike (standard deviation of the cells in the ball at most LIVER_ALIKE of their mean), and
 *     have lung above: LIVER_LUNG_CELLS cells under LIVER_LUNG of the part's mean within LIVER_LUNG_MM over their top, in LIVER_LUNG_SHARE of the columns.
 * It must hold LIVER_ML at least (less than the whole liver: its rim is not alike). With an organ map the liver is its label.
 * The reference is the sphere of the recipe's size, wholly in the liver's right part, whose voxels vary least (PERCIST 1.0:
 * Wahl et al. 2009, a sphere 3 cm across in the right lobe). */
#ifndef PETREL_ROI_LIVER_H
#define PETREL_ROI_LIVER_H
#include "stages/roi/body.h"

#define LIVER_CELL_MM  8.0
#define LIVER_BALL_MM  15.0
#define LIVER_SUV_LOW  1.0
#define LIVER_SUV_HIGH 4.0
#define LIVER_ALIKE    0.25
#define LIVER_ML       100.0
#define LIVER_RIGHT_MM 15.0 /* of the body's middle its centroid must lie */
#define LIVER_LUNG     0.3
enum { LIVER_LUNG_CELLS = 3 };
#define LIVER_LUNG_MM    100.0 /* the rim of the part is not alike, and the lung's base is blurred by breath */
#define LIVER_LUNG_SHARE 0.2

enum liver_by { LIVER_UNKNOWN, LIVER_BY_RULE, LIVER_BY_MAP, LIVER_GIVEN };
struct liver {
    enum liver_by by;
    double centroid[3]; /* of the part found, the scan's index z y x; where it was given: the place itself */
    double place[3];    /* middle of the reference sphere, likewise */
    double mean, sd;    /* SUV of its voxels, unbiased */
    double ml;          /* of the part found */
    double middle;      /* of the body, the scan's index x */
};
/* organ: the scan's map, or NULL. by stays LIVER_UNKNOWN where none is plausible. */
void liver_find(const struct volume *v, const struct crop *body, double sphere_mm, struct liver *liver);
/* The reference at a place, mm RAS. -1 and a sentence: the sphere is not wholly in the body. */
int liver_at(const struct volume *v, const struct crop *body, const double ras_mm[3], double sphere_mm,
             struct liver *liver, struct error *e) MUST_USE;
#endif
