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
    ORGAN_AIR, ORGAN_SOFT, ORGAN_FAT, ORGAN_LUNG, ORGAN_LIVER, ORGAN_SPLEEN, ORGAN_KIDNEY, ORGAN_RENAL_PELVIS, ORGAN_BLADDER,
    ORGAN_HEART, ORGAN_BRAIN, ORGAN_STOMACH, ORGAN_BOWEL, ORGAN_MARROW, ORGAN_AORTA, ORGAN_TONSIL, ORGAN_GLAND,
    ORGAN_TESTIS, ORGAN_URETER, ORGAN_MUSCLE, ORGAN_PROSTATE, ORGANS
};
extern const char *const organ_name[ORGANS];

/* marked: the phantom's organs come from a map (anatomy.h): they get their uptake, and what a map does not show is
 * completed around them. */
void body_paint(struct phantom *ph, const struct patient *p, bool marked);
/* Skin, fat and soft tissue; average, or around marked organs (outline.c). */
void outline_paint(struct phantom *ph, const struct patient *p);
void outline_complete(struct phantom *ph, const struct patient *p);
/* A place of the body, scaled to the patient: (65, -10) is the midline and stays. */
struct place body_place(const struct patient *p, double left, double front, double up);
#endif
