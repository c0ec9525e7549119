/* SPDX-License-Identifier: Apache-2.0 */
/* suv_body -- what the dose is thought to be shared over: weight, lean mass, surface.   proto
 *
 *     James (1976)          men 1.10 W - 128 (W/H)^2       women 1.07 W - 148 (W/H)^2        kg, W in kg, H in cm
 *     Janmahasatian (2005)  men 9270 W / (6680 + 216 BMI)  women 9270 W / (8780 + 244 BMI)   kg, BMI in kg/m2
 *     Du Bois (1916)        0.007184 W^0.425 H^0.725                                         m2, W in kg, H in cm */
#include "proto/suv.h"
#include <math.h>
#include <string.h>
#include <strings.h>

int suv_need(double value, const struct suv_wanted *w, struct error *e)
{
    if (!isfinite(value))
        return fail(e, "%s is missing: SUV cannot be made without it", w->tag);
    if (value >= w->low && value <= w->high)
        return 0;
    for (size_t i = 0; i < COUNT_OF(w->slip) && w->slip[i].unit; i++)
        if (value / w->slip[i].times >= w->low && value / w->slip[i].times <= w->high)
            return fail(e, "%s is %g %s: written in %s, it seems (%g to %g %s wanted); correct it in the files", w->tag,
                        value, w->unit, w->slip[i].unit, w->low, w->high, w->unit);
    return fail(e, "%s is %g %s: between %g and %g wanted (another unit, perhaps?)", w->tag, value, w->unit, w->low,
                w->high);
}

static int weight_measure(const struct scan_facts *f, double *body, struct error *e)
{
    static const struct suv_wanted weight = {
        "(0010,1030) PatientWeight", "kg", 0.5, 500, {{1e3, "grams"}, {1e-3, "tonnes"}}};
    *body = f->weight_g;
    return suv_need(f->weight_g / 1000, &weight, e);
}

static int height_need(const struct scan_facts *f, struct error *e)
{
    static const struct suv_wanted height = {
        "(0010,1020) PatientSize", "m", 0.4, 2.6, {{1e2, "centimetres"}, {1e3, "millimetres"}}};
    return suv_need(f->height_m, &height, e);
}

static int sex_need(const struct scan_facts *f, bool *woman, struct error *e)
{
    *woman = strcasecmp(f->sex, "F") == 0 || strcasecmp(f->sex, "female") == 0;
    if (*woman || strcasecmp(f->sex, "M") == 0 || strcasecmp(f->sex, "male") == 0)
        return 0;
    return *f->sex ? fail(e, "(0010,0040) PatientSex is '%s': lean mass is known for M and F", f->sex)
                   : fail(e, "(0010,0040) PatientSex is missing: lean mass cannot be told without it");
}

/* Far from the people they were fitted to, the formulas turn down or below nothing. */
static int lean_check(const struct scan_facts *f, double lean_g, struct error *e)
{
    if (lean_g > 0 && lean_g <= f->weight_g)
        return 0;
    return fail(e,
                "lean mass of %g kg at %g m comes out as %g kg: (0010,1030) PatientWeight or (0010,1020) PatientSize "
                "is wrong, or "
                "the formula does not hold for this patient",
                f->weight_g / 1000, f->height_m, lean_g / 1000);
}

static int james_measure(const struct scan_facts *f, double *body, struct error *e)
{
    bool woman;
    if (weight_measure(f, body, e) < 0 || height_need(f, e) < 0 || sex_need(f, &woman, e) < 0)
        return -1;
    double kg = f->weight_g / 1000, kg_a_cm = kg / (100 * f->height_m);
    *body = 1000 * (woman ? 1.07 * kg - 148 * kg_a_cm * kg_a_cm : 1.10 * kg - 128 * kg_a_cm * kg_a_cm);
    return lean_check(f, *body, e);
}

static int janmahasatian_measure(const struct scan_facts *f, double *body, struct error *e)
{
    bool woman;
    if (weight_measure(f, body, e) < 0 || height_need(f, e) < 0 || sex_need(f, &woman, e) < 0)
        return -1;
    double kg = f->weight_g / 1000, bmi = kg / (f->height_m * f->height_m);
    *body = 1000 * 9270 * kg / (woman ? 8780 + 244 * bmi : 6680 + 216 * bmi);
    return lean_check(f, *body, e);
}

static int surface_measure(const struct scan_facts *f, double *body, struct error *e)
{
    if (weight_measure(f, body, e) < 0 || height_need(f, e) < 0)
        return -1;
    *body = 1e4 * 0.007184 * pow(f->weight_g / 1000, 0.425) * pow(100 * f->height_m, 0.725);
    return 0;
}

const struct suv_body *suv_body_find(const char *option)
{
    static const struct suv_body bodies[] = {
        {"bw", "SUVbw", "weight_g", weight_measure},
        {"james", "SULjames", "lean_g", james_measure},
        {"janmahasatian", "SULjanma", "lean_g", janmahasatian_measure},
        {"bsa", "SUVbsa", "surface_cm2", surface_measure},
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        if (strcmp(bodies[i].option, option) == 0 || strcmp(bodies[i].name, option) == 0)
            return &bodies[i];
    return NULL;
}
