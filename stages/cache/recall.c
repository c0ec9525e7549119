/* SPDX-License-Identifier: Apache-2.0 */
/* recall -- of the truth's lesions, those that regions hold: what no network can find again.   directory -> [recall]
 *
 * A lesion is a 26-connected component of the truth mask; it is found by a region that holds half of it, by one of its own if that
 * holds half of no other (proto/message.h). Lesions that lie in regions left out as an organ's are missed, too, and counted apart. */
#include "stages/cache/recall.h"
#include "common/log.h"
#include <math.h>
#include <stdio.h>

/* Those that a reader would hardly miss. */
static const double least_ml = 0.5, least_suv = 4;

static void tally_add(struct tally *t, const struct lesion *l)
{
    double voxels = (double)l->voxels;
    t->lesions++;
    t->left_out += lesion_left_out(l);
    t->found += lesion_found(l);
    t->alone += lesion_found_alone(l);
    t->tumour += l->in_tumours >= LESION_HALF;
    t->voxels += voxels;
    t->held += voxels * l->in_regions;
    t->in_tumours += voxels * l->in_tumours;
}

static const double ml_from[BANDS] = {0, 0.5, 2, 10}, suv_from[BANDS] = {0, 4, 8, 16};
static const char *const ml_name[BANDS] = {"under 0.5 ml", "0.5 to 2 ml", "2 to 10 ml", "10 ml and more"};
static const char *const suv_name[BANDS] = {"SUVmax under 4", "SUVmax 4 to 8", "SUVmax 8 to 16", "SUVmax 16 and more"};

static int band_of(const double from[BANDS], double value)
{
    int band = BANDS - 1;
    while (band > 0 && value < from[band])
        band--;
    return band;
}

/* Outside mapped organs a site is a height, mm from the liver's middle up. */
static const char *const height_name[HEIGHTS] = {"legs", "pelvis", "upper abdomen", "thorax", "head", "height unknown"};
static int height_of(const struct lesion *l)
{
    static const double from_mm[] = {-340, -125, 40, 230};
    if (isnan(l->from_liver_mm[2]))
        return HEIGHTS - 1;
    int height = 0;
    while (height < (int)COUNT_OF(from_mm) && l->from_liver_mm[2] >= from_mm[height])
        height++;
    return height;
}

static void recall_add(struct recall *r, const struct lesion *l)
{
    tally_add(&r->row[ALL], l);
    if (l->ml >= least_ml && l->suv_max >= least_suv)
        tally_add(&r->row[MARKED], l);
    tally_add(&r->row[ML + band_of(ml_from, l->ml)], l);
    tally_add(&r->row[SUV + band_of(suv_from, l->suv_max)], l);
    if (l->organ > 0 && l->organ < ORGAN_LABELS && l->organ != ORGAN_LABEL_REST)
        tally_add(&r->row[ORGAN + l->organ], l);
    else
        tally_add(&r->row[HEIGHT + height_of(l)], l);
}

static void row_name(struct tally *t, const char *before, const char *name)
{
    format_into(t->name, sizeof t->name, "%s%s", before, name);
}

static void recall_name(struct recall *r)
{
    row_name(&r->row[ALL], "all", "");
    format_into(r->row[MARKED].name, sizeof r->row[MARKED].name, "%g ml and SUVmax %g and more", least_ml, least_suv);
    for (int i = 0; i < BANDS; i++) {
        row_name(&r->row[ML + i], ml_name[i], "");
        row_name(&r->row[SUV + i], suv_name[i], "");
    }
    for (int i = 0; i < ORGAN_LABELS; i++)
        row_name(&r->row[ORGAN + i], "in ", organ_label_name(i));
    for (int i = 0; i < HEIGHTS; i++)
        row_name(&r->row[HEIGHT + i], height_name[i], "");
}

double recall_share(double of, double all)
{
    return all > 0 ? of / all : NAN;
}

static void tally_print(const struct tally *t)
{
    double n = (double)t->lesions, apart = n - (double)t->left_out;
    if (t->lesions)
        printf("%-28s %7zu %8.3f %8.3f %8.3f %9zu %8.3f %8.3f %8.3f\n", t->name, t->lesions,
               recall_share((double)t->found, n), recall_share((double)t->alone, n), recall_share((double)t->tumour, n),
               t->left_out, recall_share((double)t->alone, apart), recall_share(t->held, t->voxels),
               recall_share(t->in_tumours, t->voxels));
}

static void recall_print(const struct cache *c, const struct recall *r)
{
    printf("%zu scans with a truth, %.1f regions a scan, %zu without%s\n\n", r->scans,
           (double)r->regions / (double)r->scans, r->unknown, cohort_words(c));
    printf("%-28s %7s %8s %8s %8s %9s %8s %8s %8s\n", "lesions", "number", "in one", "its own", "tumour", "in organs",
           "own*", "voxels", "tumour");
    for (int i = 0; i < ROWS; i++)
        tally_print(&r->row[i]);
    printf("\nin one: a region holds half of it; its own: one that holds half of no other; tumour: half of it lies in "
           "regions "
           "that truth\ncalls tumour; in organs: half of it was left out as an organ's (own*: apart from these); "
           "voxels: share of "
           "all their voxels\nin any region, and in regions that truth calls tumour\n");
}

int cache_recall(const char *dir, const struct cache_options *o, const struct opts_common *common)
{
    (void)o;
    struct cache c;
    struct recall r = {0};
    struct error e = {0};
    if (cache_open(&c, dir, &e))
        die_of(&e);
    recall_name(&r);
    for (size_t i = 0; i < c.shard_count; i++) {
        struct lesions l;
        if (cache_read_lesions(&c, i, &l, &e))
            die_of(&e);
        if (l.known) {
            r.scans++;
            r.regions += (size_t)c.shard[i].regions;
        } else
            r.unknown++;
        for (size_t k = 0; k < l.count; k++)
            recall_add(&r, &l.lesion[k]);
        lesions_free(&l);
    }
    if (!r.scans)
        die(EX_NOINPUT,
            "cache '%s' holds no lesions: its scans have no truth mask, or it was made by a petrel that did not keep "
            "them. "
            "Run rois again, with masks, into an empty directory",
            dir);
    int code = EX_OK;
    if (common->json)
        code = recall_json(&c, &r);
    else
        recall_print(&c, &r);
    cache_close(&c);
    return code;
}
