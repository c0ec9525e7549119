/* SPDX-License-Identifier: Apache-2.0 */
/* measure -- every quantity of a scan's regions.   result -> [measure] -> region, outlines, scan */
#include "proto/organ.h"
#include "stages/classify/quantities/outlines.h"
#include "stages/classify/quantities/quantities.h"
#include "stages/classify/quantities/region.h"
#include "stages/classify/quantities/scan.h"
#include <stdlib.h>

static const double site_top_mm[SITES] = {
#define SITE(name, ending, top_mm) [SITE_##name] = top_mm,
#include "stages/classify/quantities/sites.def"
#undef SITE
};

/* By how far its centroid is over the liver's, in a patient as tall as the table's. */
static const char *site_word(const struct regions_message *m, const struct region_quantities *q)
{
    double const tall = m->facts.height_m > 0 ? m->facts.height_m / 1.70 : 1;
    double const over_mm = (q->z_ras_mm - m->references.liver_centroid_mm[2]) / tall;
    for (enum site s = SITE_UNPLACED + 1; s < SITES; s++)
        if (over_mm < site_top_mm[s])
            return site_ending(s);
    return ""; /* no liver: NAN is below nothing */
}

/* What a box of the message knows, too: for scans that came without their voxels. */
static void message_take(const struct region *r, struct region_quantities *q)
{
    *q = (struct region_quantities){.suv_median = NAN, .suv_sd = NAN, .suv_peak_local = NAN, .mesh_ml = NAN};
    q->surface_mm2 = q->sphericity = q->diameter_mm = q->diameter_axial_mm = NAN;
    q->x_ras_mm = r->centroid_mm[0], q->y_ras_mm = r->centroid_mm[1], q->z_ras_mm = r->centroid_mm[2];
    q->x_lps_mm = -r->centroid_mm[0], q->y_lps_mm = -r->centroid_mm[1], q->z_lps_mm = r->centroid_mm[2];
    q->voxels = (double)r->voxels;
    q->ml = r->ml;
    q->suv_max = r->suv_max;
    q->suv_mean = r->suv_mean;
    q->suv_peak = r->suv_peak;
    q->tlg_g = r->suv_mean * r->ml;
}

static double deauville_like(double qpet)
{
    return isnan(qpet) ? NAN : qpet < 0.95 ? 2 : qpet < 1.3 ? 3 : qpet < 2.0 ? 4 : 5;
}

/* What is told by the scan's references and the patient's body. */
static void compare(const struct regions_message *m, const struct region *r, double lean, struct region_quantities *q)
{
    const struct references *f = &m->references;
    double const least = percist_least_sul(f, lean);
    q->site = site_word(m, q);
    q->organ = r->organ > ORGAN_LABEL_NONE && r->organ != ORGAN_LABEL_REST ? organ_label_name(r->organ) : "";
    q->height_fraction = (r->centroid[0] - f->body_low) / (f->body_high - f->body_low);
    q->to_liver = q->suv_max / f->liver_mean;
    q->to_blood = q->suv_max / f->blood_mean;
    q->qpet = q->suv_peak / f->liver_mean;
    q->deauville_like = deauville_like(q->qpet);
    q->sul_peak = q->suv_peak * lean;
    q->percist_measurable = isnan(q->sul_peak) || isnan(least) ? NAN : q->sul_peak >= least;
}

static double region_threshold(enum rule r, const struct references *f, double suv_max)
{
    return r == RULE_RELATIVE_41 ? 0.41 * suv_max : rule_threshold(r, f);
}

static void rules_measure(const struct regions_message *m, const struct voxels *x, struct region_quantities *record)
{
    double *threshold = xalloc(x->count + 1, sizeof *threshold);
    struct outline *outline = xalloc(m->count + 1, sizeof *outline);
    for (enum rule r = 0; r < RULES; r++) {
        for (size_t i = 0; i < x->count; i++)
            threshold[i] = region_threshold(r, &m->references,
                                            i < m->count ? record[i].suv_max : m->excluded[i - m->count].suv_max);
        if (m->scan.voxel && r != RULE_OWN)
            outlines_measure(&m->scan, x, m->count, threshold, outline);
        for (size_t i = 0; i < m->count; i++) {
            record[i].ml_by[r] = r == RULE_OWN ? record[i].ml : m->scan.voxel ? outline[i].ml : NAN;
            record[i].tlg_g_by[r] = r == RULE_OWN ? record[i].tlg_g : m->scan.voxel ? outline[i].tlg_g : NAN;
        }
    }
    free(outline);
    free(threshold);
}

int quantities_measure(const struct regions_message *m, const float *probability, const bool *tumour,
                       struct region_quantities *record, struct scan_quantities *scan, struct error *e)
{
    struct voxels x;
    const struct voxels_map map[2] = {{&m->label_runs, m->region, m->count},
                                      {&m->excluded_runs, m->excluded, m->excluded_count}};
    int rc = voxels_of(&x, &m->grid, map, e);
    struct ball ball;
    double const lean = lean_factor(&m->facts);
    ball_make(&ball, m->grid.spacing_mm);
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        const size_t *index = x.index + x.first[i];
        size_t const n = x.first[i + 1] - x.first[i];
        message_take(&m->region[i], &record[i]);
        if (n > 0)
            region_shape(&m->grid, index, n, &record[i]);
        if (n > 0 && m->scan.voxel)
            region_uptake(&m->scan, &ball, index, n, &record[i]);
        record[i].region = m->region[i].component;
        record[i].probability = (double)probability[i];
        record[i].tumour = tumour[i];
        compare(m, &m->region[i], lean, &record[i]);
    }
    if (rc == 0) {
        rules_measure(m, &x, record);
        scan_measure(m, record, scan);
    }
    ball_free(&ball);
    voxels_free(&x);
    return rc;
}
