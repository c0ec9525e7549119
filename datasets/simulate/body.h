/* SPDX-License-Identifier: Apache-2.0 */
/* body -- a parametric whole body with its physiological uptake.   patient -> [body] -> lesion -> scanner
 *
 * Sizes and places: autoPET's organ maps; SUVs: published tables (METHOD: facts for a simulated cohort). What has no
 * source is marked `assumed` in body.c's table. */
#ifndef PETREL_SIMULATE_BODY_H
#define PETREL_SIMULATE_BODY_H
#include "datasets/simulate/anatomy.h"
#include "datasets/simulate/patient.h"
#include "datasets/simulate/phantom.h"

enum organ {
    ORGAN_AIR,
    ORGAN_SOFT,
    ORGAN_FAT,
    ORGAN_LUNG,
    ORGAN_LIVER,
    ORGAN_SPLEEN,
    ORGAN_KIDNEY,
    ORGAN_RENAL_PELVIS,
    ORGAN_BLADDER,
    ORGAN_HEART,
    ORGAN_BRAIN,
    ORGAN_STOMACH,
    ORGAN_BOWEL,
    ORGAN_MARROW,
    ORGAN_AORTA,
    ORGAN_TONSIL,
    ORGAN_GLAND,
    ORGAN_TESTIS,
    ORGAN_URETER,
    ORGAN_MUSCLE,
    ORGAN_PROSTATE,
    ORGANS
};
extern const char *const organ_name[ORGANS];

/* marked: the phantom's organs come from a map (anatomy.h): they get their uptake, and what a map does not show is
 * completed around them. */
void body_paint(struct phantom *ph, const struct patient *p, bool marked);
/* Skin, fat and soft tissue, around whatever organs are marked (outline.c). */
void outline_complete(struct phantom *ph, const struct patient *p);
/* The middle of a limb from trunk to tip, and how thick it is; side -1 right, 1 left. */
enum limb { LIMB_ARM, LIMB_LEG };
enum { LIMB_POINTS = 7 };
void limb_place(const struct patient *p, enum limb limb, int side, struct tube_point at[LIMB_POINTS]);
/* Bones with their marrow, and the muscles beside them (skeleton.c); colon and small bowel (bowel.c). `r` is the
 * body's. */
void skeleton_paint(struct phantom *ph, const struct patient *p, struct rng *r);
void bowel_paint(struct phantom *ph, const struct patient *p, struct rng *r);
/* Notes each organ that maps can mark: its middle, size, and mean SUV as painted. */
void body_note_organs(struct phantom *ph);
/* A place of the body, scaled to the patient: (65, -10) is the midline and stays. */
struct point body_point(const struct patient *p, double left, double front, double up);
#endif
