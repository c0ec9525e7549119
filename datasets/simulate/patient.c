/* SPDX-License-Identifier: Apache-2.0 */
/* patient -- who is simulated.   [patient] -> body -> lesion -> scanner
 *
 * Height, weight, age and build: assumed (European adults). Dose 300-350 MBq and 60 min +- 10 uptake: the autoPET
 * protocol. One patient in ten has no lesion: autoPET has 513 negative studies of 1014, but a cohort of melanoma
 * patients few. */
#include "datasets/simulate/patient.h"
#include <math.h>

struct rng draw_rng(uint64_t seed, int64_t number, enum draw what)
{
    return rng_make(seed, RNG_SIMULATE, (uint64_t)number << 8 | (uint64_t)what);
}

static double clamp(double v, double low, double high)
{
    return fmin(fmax(v, low), high);
}

struct patient patient_draw(uint64_t seed, int64_t number)
{
    struct rng r = draw_rng(seed, number, DRAW_PATIENT);
    struct patient p = {.seed = seed, .number = number};
    format_into(p.id, sizeof p.id, "SIMULATED_%04lld", (long long)number);
    format_into(p.study, sizeof p.study, "SIMULATED_PETCT");
    p.male = rng_uniform(&r) < 0.55F;
    p.arms_down = rng_uniform(&r) < 0.3F;
    p.diseased = rng_uniform(&r) < 0.9F;
    p.height_m = clamp((p.male ? 1.77 : 1.64) + 0.07 * (double)rng_normal(&r), 1.45, 2.0);
    double bmi = clamp(26.0 + 4.0 * (double)rng_normal(&r), 18.0, 38.0);
    p.weight_g = 1000.0 * bmi * p.height_m * p.height_m;
    p.age_y = floor(clamp(60.0 + 14.0 * (double)rng_normal(&r), 20.0, 92.0));
    p.size = p.height_m / 1.70;
    p.girth = sqrt(bmi / 24.2);
    p.dose_bq = 1e6 * rng_range(&r, 300.0, 350.0);
    p.half_life_s = 6586.2;
    p.injection_s = 3600.0 * 8.0 + floor(3600.0 * 6.0 * (double)rng_uniform(&r));
    p.series_s = p.injection_s + floor(60.0 * clamp(60.0 + 5.0 * (double)rng_normal(&r), 50.0, 90.0));
    p.shoulders = (p.male ? 1.03 : 0.94) + 0.03 * (double)rng_normal(&r);
    p.hips = (p.male ? 0.97 : 1.05) + 0.03 * (double)rng_normal(&r);
    p.belly = 1.0 + clamp(0.12 * (p.girth - 1.0) + 0.05 * (double)rng_normal(&r), -0.12, 0.2);
    return p;
}

double patient_bqml_per_suv(const struct patient *p)
{
    return p->dose_bq * exp2(-(p->series_s - p->injection_s) / p->half_life_s) / p->weight_g;
}
