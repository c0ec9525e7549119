/* SPDX-License-Identifier: Apache-2.0 */
/* scan -- what is told of a whole scan: sums over its tumours, references, the patient's body.   measure -> [scan] */
#include "stages/classify/quantities/scan.h"
#include "proto/suv.h"

/* A body quantity of the patient's; NAN where a fact is missing. */
static double body_of(const struct scan_facts *f, const char *formula)
{
    struct scan_facts copy = *f; /* measuring may tell, and mend */
    struct error unused = {0};
    const struct suv_body *b = suv_body_find(formula);
    double body;
    return b && b->measure(&copy, &body, &unused) == 0 ? body : NAN;
}

double lean_factor(const struct scan_facts *f)
{
    char name[16] = "";
    return sscanf(f->suv_formula, "%15s", name) == 1 ? body_of(f, "james") / body_of(f, name) : NAN;
}

double rule_threshold(enum rule r, const struct references *f)
{
    switch (r) {
    case RULE_FIXED_2_5: return 2.5;
    case RULE_FIXED_4_0: return 4.0;
    case RULE_PERCIST: return 1.5 * f->liver_mean + 2 * f->liver_sd;
    case RULE_LIVER: return f->liver_mean + 2 * f->liver_sd;
    default: return NAN;
    }
}

double percist_least_sul(const struct references *f, double lean)
{
    return (1.5 * f->liver_mean + 2 * f->liver_sd) * lean;
}

/* The largest so far of what is known. */
static double larger(double most, double value)
{
    return isnan(most) || value > most ? value : most;
}

static void tumour_add(const struct region_quantities *q, struct scan_quantities *s)
{
    enum site const site = site_of(q->site);
    s->tumours++;
    for (enum rule r = 0; r < RULES; r++) {
        s->tmtv_ml_by[r] += q->ml_by[r];
        s->tlg_g_by[r] += q->tlg_g_by[r];
        s->lesions_by[r] += isnan(q->ml_by[r]) ? NAN : q->ml_by[r] > 0;
    }
    s->tmtv_ml_at[site] += q->ml;
    s->tlg_g_at[site] += q->tlg_g;
    s->tumours_at[site]++;
    s->suv_max = larger(s->suv_max, q->suv_max);
    s->suv_peak = larger(s->suv_peak, q->suv_peak);
    s->sul_peak = larger(s->sul_peak, q->sul_peak);
    s->percist_measurable = larger(s->percist_measurable, q->percist_measurable);
    s->deauville_like = larger(s->deauville_like, q->deauville_like);
}

static double apart_mm(const struct region_quantities *a, const struct region_quantities *b)
{
    double const x = a->x_ras_mm - b->x_ras_mm, y = a->y_ras_mm - b->y_ras_mm, z = a->z_ras_mm - b->z_ras_mm;
    return sqrt(x * x + y * y + z * z);
}

static double dmax(const struct region_quantities *record, size_t count)
{
    double most = NAN;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i; record[i].tumour > 0 && k < count; k++)
            if (record[k].tumour > 0)
                most = larger(most, apart_mm(&record[i], &record[k]));
    return most;
}

void scan_measure(const struct regions_message *m, const struct region_quantities *record, struct scan_quantities *s)
{
    static const char *const by[REFERENCE_WAYS] = {"", "rule", "map", "given"};
    const struct references *f = &m->references;
    *s = (struct scan_quantities){.regions = (double)m->count,
                                  .suv_max = NAN,
                                  .suv_peak = NAN,
                                  .sul_peak = NAN,
                                  .percist_measurable = NAN,
                                  .deauville_like = NAN};
    for (enum rule r = 0; r < RULES; r++)
        s->threshold_suv_by[r] = rule_threshold(r, f);
    for (size_t i = 0; i < m->count; i++)
        if (record[i].tumour > 0)
            tumour_add(&record[i], s);
    bool const liver = f->liver_by != REFERENCE_UNKNOWN;
    for (enum rule r = 0; r < RULES; r++) /* without a tumour nothing was added: and yet nobody could have told */
        if ((r != RULE_OWN && !m->scan.voxel) || ((r == RULE_PERCIST || r == RULE_LIVER) && !liver))
            s->tmtv_ml_by[r] = s->tlg_g_by[r] = s->lesions_by[r] = NAN;
    s->dmax_mm = dmax(record, m->count);
    s->body_surface_m2 = body_of(&m->facts, "bsa") * 1e-4;
    s->sdmax_per_m = s->dmax_mm / 1000 / s->body_surface_m2;
    s->lean_body_mass_kg = body_of(&m->facts, "james") / 1000;
    s->liver_mean = f->liver_mean;
    s->liver_sd = f->liver_sd;
    s->liver_by = by[f->liver_by];
    s->blood_mean = f->blood_mean;
    s->blood_sd = f->blood_sd;
    s->spleen_to_liver = f->spleen_mean / f->liver_mean;
    s->marrow_to_liver = f->marrow_mean / f->liver_mean;
}
