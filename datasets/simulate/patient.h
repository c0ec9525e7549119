/* SPDX-License-Identifier: Apache-2.0 */
/* patient -- who is simulated: body, injection, times; all drawn from (seed, number).   patient -> body -> lesion -> scanner */
#ifndef PETREL_SIMULATE_PATIENT_H
#define PETREL_SIMULATE_PATIENT_H
#include "datasets/simulate/phantom.h"

/* What each draw is for: the low bits of RNG_SIMULATE's index, so that adding a draw to one does not move another. */
enum draw {
    DRAW_PATIENT,
    DRAW_ORGANS,
    DRAW_MIMICS,
    DRAW_LESIONS,
    DRAW_TEXTURE,
    DRAW_NOISE,
    DRAW_ANATOMY,
    DRAW_CT,
    DRAW_BREATH,
    DRAW_FOLLOW_UP
};
struct rng draw_rng(uint64_t seed, int64_t number, enum draw what);

struct patient {
    uint64_t seed;
    int64_t number;         /* from 1 */
    char id[32], study[32]; /* "SIMULATED_0001", "SIMULATED_PETCT" */
    bool male, arms_down, diseased;
    double height_m, weight_g, age_y;
    double size;                   /* bone lengths, relative to 1.70 m */
    double girth;                  /* trunk width, relative to 70 kg at 1.70 m */
    double shoulders, hips, belly; /* widths beside that: about 1 */
    double dose_bq, half_life_s;
    double injection_s, series_s; /* since midnight */
    int days;                     /* from the first visit */
    /* a body that was measured: where its brain, lungs and bladder lie off the average body, by rising height */
    struct {
        double up;
        struct point shift;
    } knot[4];
    size_t knots;
};
struct patient patient_draw(uint64_t seed, int64_t number);
/* The activity concentration of SUV 1 at scan time, Bq/mL: dose decayed to series time, over body weight. */
double patient_bqml_per_suv(const struct patient *p);
#endif
