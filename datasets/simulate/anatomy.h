/* SPDX-License-Identifier: Apache-2.0 */
/* anatomy -- real organ maps and places of real tumours, to simulate on.   [anatomy] -> body -> lesion -> scanner
 *
 *   DIR/studies.tsv            study, patient, diagnosis, sex, age_y, voxel_clicks_tumour, voxel_clicks_background: clicks are
 *                              x,y,z voxels of the map, joined by ';'
 *   DIR/organs/STUDY.nii.gz    on the PET grid: 1 spleen 2 kidneys 3 liver 4 bladder 5 lungs 6 brain 7 heart 8 stomach
 *                              9 prostate 10 head glands
 *
 * Each simulated patient has one real patient's anatomy. When every one of them has been used, the next simulated scan
 * is another study of the first: the same name, so that no anatomy is on both sides of a split. */
#ifndef PETREL_SIMULATE_ANATOMY_H
#define PETREL_SIMULATE_ANATOMY_H
#include "datasets/simulate/patient.h"
#include "proto/organ.h"

enum { CLICKS_MOST = 16, ANATOMY_LABELS = ORGAN_LABEL_GLANDS + 1 };
/* Label 0..10 of a map -> enum organ, and back (0 for what the maps do not have). */
extern const uint8_t anatomy_organ[ANATOMY_LABELS];
uint8_t anatomy_label(int organ);

struct clicks {
    size_t count;
    int32_t xyz[CLICKS_MOST][3];
};
struct study {
    char name[64], patient[64], diagnosis[24], sex[8];
    double age_y;
    struct clicks tumour, background;
};
struct anatomy {
    char *dir;
    struct study *study; /* those of one patient stand together */
    size_t count;
    size_t *first; /* [patients + 1] */
    size_t patients;
    uint64_t digest; /* of the table */
};
int anatomy_open(struct anatomy *a, const char *dir, struct error *e) MUST_USE;
void anatomy_close(struct anatomy *a);

/* Whose anatomy *p gets: sets what the table says of *p, and its names. A pure function of the table, p->seed, p->number. */
const struct study *anatomy_assign(const struct anatomy *a, struct patient *p);

/* Places clicked in the study, mm from the liver's centroid. */
struct spots {
    size_t count;
    struct point at[CLICKS_MOST];
};
/* Opens the phantom on the map's grid (cropped to the body's middle, and sampled at about spacing_mm), marks its organs, and
 * fits *p to them: size, girth, height, weight, knots. Refuses a map without liver or lungs. */
int anatomy_load(const struct anatomy *a, const struct study *s, const double spacing_mm[3], struct patient *p,
                 struct phantom *ph, struct spots *tumour, struct spots *background, struct error *e) MUST_USE;
#endif
