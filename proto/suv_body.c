/* SPDX-License-Identifier: Apache-2.0 */
/* suv_body -- what the dose is thought to be shared over: weight, lean mass, surface.   proto
 *
 *     Morgan (SUVType LBM)  men 1.10 W - 120 (W/H)^2       women 1.07 W - 148 (W/H)^2        kg, W in kg, H in cm
 *     James (1976)          men 1.10 W - 128 (W/H)^2       women 1.07 W - 148 (W/H)^2        kg, W in kg, H in cm
 *     Janmahasatian (2005)  men 9270 W / (6680 + 216 BMI)  women 9270 W / (8780 + 244 BMI)   kg, BMI in kg/m2
 *     ideal (SUVType IBW)   men 48.0 + 1.06 (H - 152)      women 45.5 + 0.91 (H - 152)       kg, H in cm
 *     Du Bois (1916)        0.007184 W^0.425 H^0.725                                         m2, W in kg, H in cm */
#include "proto/suv.h"
#include <math.h>
#include <string.h>
#include <strings.h>

static int weight_measure(struct scan_facts *f, double *body, struct error *e)
{
    int const rc = suv_need_weight(f, e);
    *body = f->weight_g;
    return rc;
}

/* What a formula for men and women has for this patient: M, F; of another sex (O) the mean of the two, as the SUV benchmark has it. */
static int sex_need(const struct scan_facts *f, double *woman, struct error *e)
{
    static const struct {
        const char *said;
        double woman;
    } sexes[] = {{"F", 1}, {"female", 1}, {"M", 0}, {"male", 0}, {"O", 0.5}, {"other", 0.5}};
    for (size_t i = 0; i < COUNT_OF(sexes); i++)
        if (strcasecmp(f->sex, sexes[i].said) == 0) {
            *woman = sexes[i].woman;
            return 0;
        }
    return *f->sex ? fail(e, "(0010,0040) PatientSex is '%s': lean mass is known for M, F and O", f->sex)
                   : fail(e, "(0010,0040) PatientSex is missing: lean mass cannot be told without it");
}

/* Weight, height and sex of f, for a formula that wants them all. */
static int all_need(struct scan_facts *f, double *kg, double *cm, double *woman, struct error *e)
{
    if (suv_need_weight(f, e) < 0 || suv_need_height(f, e) < 0 || sex_need(f, woman, e) < 0)
        return -1;
    *kg = f->weight_g / 1000;
    *cm = 100 * f->height_m;
    return 0;
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

/* a W - b (W/H)^2: kg */
static int squared_measure(struct scan_facts *f, double of_man, double *body, struct error *e)
{
    double kg, cm, woman;
    if (all_need(f, &kg, &cm, &woman, e) < 0)
        return -1;
    double const a_cm = kg / cm;
    *body = 1000 * ((1 - woman) * (1.10 * kg - of_man * a_cm * a_cm) + woman * (1.07 * kg - 148 * a_cm * a_cm));
    return lean_check(f, *body, e);
}

static int james_measure(struct scan_facts *f, double *body, struct error *e)
{
    return squared_measure(f, 128, body, e);
}

static int morgan_measure(struct scan_facts *f, double *body, struct error *e)
{
    return squared_measure(f, 120, body, e);
}

static int janmahasatian_measure(struct scan_facts *f, double *body, struct error *e)
{
    double kg, cm, woman;
    if (all_need(f, &kg, &cm, &woman, e) < 0)
        return -1;
    double const bmi = kg / (cm * cm * 1e-4);
    *body = 1000 * 9270 * kg * ((1 - woman) / (6680 + 216 * bmi) + woman / (8780 + 244 * bmi));
    return lean_check(f, *body, e);
}

static int ideal_measure(struct scan_facts *f, double *body, struct error *e)
{
    double kg, cm, woman;
    if (all_need(f, &kg, &cm, &woman, e) < 0)
        return -1;
    *body = 1000 * ((1 - woman) * (48.0 + 1.06 * (cm - 152)) + woman * (45.5 + 0.91 * (cm - 152)));
    return *body > 0 ? 0
                     : fail(e, "(0010,1020) PatientSize is %g m: the ideal weight of so small a patient is not known",
                            f->height_m);
}

static int surface_measure(struct scan_facts *f, double *body, struct error *e)
{
    if (suv_need_weight(f, e) < 0 || suv_need_height(f, e) < 0)
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
        {NULL, "SULmorgan", "lean_g", morgan_measure}, /* volumes come as these two; nobody asked for them yet */
        {NULL, "SUVibw", "ideal_g", ideal_measure},
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        if ((bodies[i].option && strcmp(bodies[i].option, option) == 0) || strcmp(bodies[i].name, option) == 0)
            return &bodies[i];
    return NULL;
}
