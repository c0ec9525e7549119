/* SPDX-License-Identifier: Apache-2.0 */
/* method -- the ways to find high-uptake regions.   body -> [method] -> regions */
#include "stages/roi/method.h"
#include "common/log.h"
#include "stages/roi/cut.h"
#include "stages/roi/fcm.h"
#include "stages/roi/grow.h"
#include "stages/roi/noise.h"
#include "stages/roi/organ.h"
#include "stages/roi/peaks.h"
#include "stages/roi/smooth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t crop_voxels(const struct crop *c)
{
    return (size_t)(c->dim[0] * c->dim[1] * c->dim[2]);
}

/* Clusters of the values of one image over the body, which is where `suv` is above air. */
static struct fcm cluster_body(const struct crop *c, const float *image, const struct recipe *r)
{
    size_t const bins = (size_t)ceil(r->fcm_cap_suv / r->fcm_bin_suv - 1e-9);
    uint64_t *count =
        xalloc(bins + 2, sizeof *count); /* the cap itself, and what rounding puts above it, fall behind the last */
    float per_bin = (float)(1 / r->fcm_bin_suv), air = (float)r->body_air_suv, cap = (float)r->fcm_cap_suv;
    for (size_t i = 0, n = crop_voxels(c); i < n; i++)
        if (c->suv[i] >= air)
            count[(int)((image[i] < cap ? image[i] : cap) * per_bin)]++;
    count[bins - 1] += count[bins] + count[bins + 1];
    struct fcm f = fcm_cluster(count, bins, r->fcm_bin_suv, (int)r->fcm_clusters, r->fcm_fuzziness, r->fcm_tolerance,
                               strcmp(r->fcm_start, "even") == 0);
    free(count);
    if (!f.converged)
        log_warn("fuzzy c-means has not settled after %d rounds: its last centres are used", f.rounds);
    return f;
}

/* start = candidates of those connected parts that hold a seed */
static void mark_start(const struct crop *c, const float *smooth, float high, float smooth_high, int connectivity,
                       uint8_t *start)
{
    enum { NEITHER, CANDIDATE, SEED };
    struct runs candidates;
    for (size_t i = 0, n = crop_voxels(c); i < n; i++)
        start[i] = (uint8_t)((c->suv[i] >= high) + (smooth[i] >= smooth_high));
    runs_of(&candidates, start, c->dim);
    uint32_t *component = xalloc(candidates.count + 1, sizeof *component);
    uint32_t count = components_label(&candidates, connectivity, component);
    bool *seeded = xalloc((size_t)count + 1, sizeof *seeded);
    for (size_t i = 0; i < candidates.count; i++) {
        const struct run *run = &candidates.run[i];
        const uint8_t *row = start + run->row * c->dim[2];
        for (int32_t x = run->begin; x < run->end && !seeded[component[i]]; x++)
            seeded[component[i]] = row[x] == SEED;
    }
    for (size_t i = 0; i < candidates.count; i++) {
        const struct run *run = &candidates.run[i];
        if (!seeded[component[i]])
            memset(start + run->row * c->dim[2] + run->begin, NEITHER, (size_t)(run->end - run->begin));
    }
    free(seeded);
    free(component);
    runs_free(&candidates);
}

/* The margin is not the scan's, so it is not smoothed. */
static float *smooth_body(const struct crop *c, const double spacing_mm[3], double sd_mm)
{
    int64_t inner[3] = {c->dim[0] - 2, c->dim[1] - 2, c->dim[2] - 2}, slice = c->dim[1] * c->dim[2], row = c->dim[2];
    size_t origin = (size_t)(slice + row + 1);
    float *smooth = xalloc_aligned(crop_voxels(c), sizeof *smooth);
    const double sd[3] = {sd_mm / spacing_mm[0], sd_mm / spacing_mm[1], sd_mm / spacing_mm[2]};
    gaussian_smooth(c->suv + origin, smooth + origin, inner, slice, row, sd);
    return smooth;
}

/* What every way of finding looks at. */
struct looked {
    const struct volume *scan;
    const struct crop *body;
    const struct recipe *recipe;
    const struct liver *liver;
    unsigned exclude;
};

static void find_fcm(const struct looked *at, struct found *f)
{
    const struct crop *c = at->body;
    const struct recipe *r = at->recipe;
    const double *spacing_mm = at->scan->grid.spacing_mm;
    float *smooth = smooth_body(c, spacing_mm, r->fcm_smooth_mm);

    struct fcm plain = cluster_body(c, c->suv, r), smoothed = cluster_body(c, smooth, r);
    double high = fcm_highest_from(&plain), smooth_high = fcm_highest_from(&smoothed);
    if (!isfinite(high) || !isfinite(smooth_high)) {
        format_into(f->how, sizeof f->how, "high_suv=none");
        free(smooth);
        return;
    }
    double floor_suv = plain.centre[plain.clusters - 2];
    double noise = noise_per_suv(c, spacing_mm);
    format_into(f->how, sizeof f->how, "high_suv=%.3f smooth_high_suv=%.3f floor_suv=%.3f noise_sd=%.3f", high,
                smooth_high, floor_suv, noise_sd(noise, 1));
    uint8_t *start = xalloc(crop_voxels(c), sizeof *start);
    mark_start(c, smooth, (float)high, (float)smooth_high, (int)r->connectivity, start);
    free(smooth);
    struct organ_look organs = {.scan = at->scan, .which = at->exclude};
    memcpy(organs.dim, c->dim, sizeof organs.dim);
    memcpy(organs.low, c->low, sizeof organs.low);
    struct peaks_how how = {.connectivity = (int)r->connectivity,
                            .floor_suv = floor_suv * r->grow_floor_share,
                            .fraction = r->grow_fraction,
                            .small_fraction = r->grow_small_fraction,
                            .small_ml = r->grow_small_ml,
                            .large_ml = r->grow_large_ml,
                            .mean_share = r->grow_mean_share,
                            .mean_ml = r->grow_mean_ml,
                            .around_mm = r->grow_around_mm,
                            .contrast = r->grow_contrast,
                            .valley = r->grow_valley,
                            .lobe_ml = r->grow_lobe_ml,
                            .lobe_valley = r->grow_lobe_valley,
                            .noise_per_suv = noise,
                            .noise_sds = r->grow_noise_sds,
                            .contrast_sds = r->grow_contrast_sds,
                            .again_suv = r->grow_again_suv,
                            .again_mm = r->grow_again_mm,
                            .start = start,
                            .organs = at->scan->organ ? &organs : NULL};
    memcpy(how.spacing_mm, spacing_mm, sizeof how.spacing_mm);
    uint32_t *label = xalloc(crop_voxels(c), sizeof *label);
    uint32_t count = peaks_find(c->suv, c->dim, &how, label);
    if (how.organs)
        count = organs_cut(how.organs, r->exclude_overlap, r->grow_cut_ml, label, count);
    labels_of(&f->labels, label, c->dim, count);
    free(label);
    free(start);
}

static void find_from(const struct crop *c, const struct recipe *r, double floor_suv, struct found *f)
{
    struct runs hot;
    runs_at_least(&hot, c->suv, c->dim, (float)floor_suv);
    uint32_t *component = xalloc(hot.count + 1, sizeof *component);
    uint32_t count = components_label(&hot, (int)r->connectivity, component);
    labels_of_components(&f->labels, &hot, component, count);
    free(component);
    runs_free(&hot);
}

static void find_fixed(const struct looked *at, struct found *f)
{
    const struct recipe *r = at->recipe;
    format_into(f->how, sizeof f->how, "floor_suv=%.3f", r->fixed_suv);
    find_from(at->body, r, r->fixed_suv, f);
}

static void find_percist(const struct looked *at, struct found *f)
{
    const struct recipe *r = at->recipe;
    double floor_suv = r->percist_factor * at->liver->mean + r->percist_sds * at->liver->sd;
    format_into(f->how, sizeof f->how, "floor_suv=%.3f", floor_suv);
    find_from(at->body, r, floor_suv, f);
}

static void find_relative(const struct looked *at, struct found *f)
{
    const struct recipe *r = at->recipe;
    const struct growing how = {.connectivity = (int)r->connectivity,
                                .fraction = r->relative_fraction,
                                .floor_suv = r->relative_floor_suv,
                                .valley = r->relative_valley,
                                .prominence = r->relative_prominence};
    format_into(f->how, sizeof f->how, "floor_suv=%.3f", r->relative_floor_suv);
    const struct crop *c = at->body;
    uint32_t *label = xalloc(crop_voxels(c), sizeof *label);
    uint32_t count = grow_regions(c->suv, c->dim, &how, label);
    labels_of(&f->labels, label, c->dim, count);
    free(label);
}

static const struct method {
    const char *name;
    void (*find)(const struct looked *, struct found *);
} methods[] = {{"fcm", find_fcm}, {"fixed", find_fixed}, {"relative", find_relative}, {"percist", find_percist}};

bool method_wants_liver(const struct recipe *r)
{
    return strcmp(r->roi_method, "percist") == 0;
}

void method_find(const struct volume *v, const struct crop *body, const struct recipe *r, unsigned exclude,
                 const struct liver *liver, struct found *f)
{
    const struct looked at = {v, body, r, liver, exclude};
    struct extents x;
    size_t m = 0;
    while (strcmp(methods[m].name, r->roi_method) != 0)
        m++; /* the option's choices are these */
    methods[m].find(&at, f);

    extents_of(&x, &f->labels);
    if (r->fill_holes && holes_fill(&f->labels, &x)) {
        extents_free(&x);
        extents_of(&x, &f->labels);
    }
    labels_tidy(&f->labels, &x, (int64_t)ceil(r->region_min_ml / grid_voxel_ml(&v->grid) - 1e-9));
    extents_free(&x);
    extents_of(&f->extents, &f->labels);
}

void found_free(struct found *f)
{
    extents_free(&f->extents);
    labels_free(&f->labels);
    memset(f, 0, sizeof *f);
}
