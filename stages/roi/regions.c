/* SPDX-License-Identifier: Apache-2.0 */
/* regions -- one scan's regions, boxes and pictures: everything petrel-roi does to a volume.   suv -> [roi] -> cache, classify */
#include "stages/roi/regions.h"
#include "proto/organ.h"
#include "stages/roi/box.h"
#include "stages/roi/given.h"
#include "stages/roi/lesion.h"
#include "stages/roi/method.h"
#include "stages/roi/mip.h"
#include "stages/roi/organ.h"
#include "stages/roi/property.h"
#include "stages/roi/reference.h"

#include <stdlib.h>
#include <string.h>

/* The label map of the whole scan as runs, made from the crop's so that the whole is never in memory. number[] maps the
 * crop's labels to the message's; 0 where a region was dropped. */
struct label_writer {
    uint32_t *pair;
    size_t pairs, room;
};

static void put_run(struct label_writer *w, uint32_t value, uint64_t length)
{
    while (length) {
        if (w->pairs && w->pair[2 * w->pairs - 2] == value && w->pair[2 * w->pairs - 1] + length <= UINT32_MAX) {
            w->pair[2 * w->pairs - 1] += (uint32_t)length;
            return;
        }
        if (w->pairs == w->room) {
            w->room = 2 * w->room + 1024;
            w->pair = xresize(w->pair, 2 * w->room, sizeof *w->pair);
        }
        uint32_t part = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
        w->pair[2 * w->pairs] = value;
        w->pair[2 * w->pairs + 1] = part;
        w->pairs++;
        length -= part;
    }
}

static void write_labels(const struct grid *g, const struct crop *body, const struct labels *l, const uint32_t *number,
                         struct buffer *runs)
{
    struct label_writer w = {0};
    uint64_t written = 0;
    for (size_t i = 0; i < l->runs.count; i++) {
        if (!number[l->label[i]])
            continue;
        const struct run *r = &l->runs.run[i];
        int64_t z = r->row / body->dim[1] + body->low[0], y = r->row % body->dim[1] + body->low[1];
        uint64_t at = (uint64_t)grid_at(g, z, y, r->begin + body->low[2]), length = (uint64_t)(r->end - r->begin);
        put_run(&w, 0, at - written);
        put_run(&w, number[l->label[i]], length);
        written = at + length;
    }
    put_run(&w, 0, (uint64_t)grid_voxels(g) - written);
    *runs = (struct buffer){.data = (uint8_t *)w.pair, .size = w.pairs * 2 * sizeof *w.pair};
}

/* Measure every region and say whose it is. */
static struct region *measure(const struct volume *v, const struct recipe *r, const struct crop *body,
                              const struct extents *x, const struct liver *liver)
{
    struct ball ball;
    struct region *all = xalloc((size_t)x->count + 1, sizeof *all);
    ball_make(&ball, v->grid.spacing_mm);
    for (uint32_t i = 0; i < x->count; i++) {
        region_measure(v, x, i, body->low, &ball, strcmp(r->position_axes, "itk") == 0, &all[i]);
        box_place(all[i].centroid, strcmp(r->box_centre, "truncate") == 0, all[i].box_low);
        all[i].label = v->mask ? all[i].overlap >= r->tumour_overlap : -1;
        if (v->organ)
            organ_of_map(v, x, i, body->low, r->exclude_overlap, &all[i]);
    }
    if (!v->organ)
        organs_by_rule(&v->grid, liver, all, x->count);
    ball_free(&ball);
    return all;
}

/* Boxes of those that stay: regions of excluded organs are set apart, and where the recipe says so, those whose box leaves the
 * scan are left out. number[]: of each in the message's label map; excluded[]: of those set apart in theirs; 0: not there. */
static void choose(const struct volume *v, const char *border, unsigned exclude, const struct region *all,
                   uint32_t count, struct regions_message *out, uint32_t *number, uint32_t *excluded,
                   struct regions_summary *summary)
{
    for (uint32_t i = 0; i < count; i++) {
        struct region *region = &out->region[out->count];
        *region = all[i];
        if (all[i].organ < ORGAN_LABELS && exclude >> all[i].organ & 1) {
            out->excluded[out->excluded_count] = all[i];
            excluded[i + 1] = (uint32_t)(out->excluded_count + 1);
            out->excluded[out->excluded_count++].component = 0; /* not in the label map */
            summary->excluded[all[i].organ]++;
            summary->excluded_tumours += all[i].label == 1;
            continue;
        }
        region->clipped =
            box_crop(v, region->box_low, out->channels, out->box + out->count * (size_t)out->channels * BOX_VOXELS);
        if ((region->clipped && strcmp(border, "keep") != 0) ||
            (strcmp(border, "touch") == 0 && box_reaches_end(region->box_low, v->grid.dim)))
            continue;
        number[i + 1] = (uint32_t)++out->count;
        region->component = (int32_t)out->count;
        summary->tumours += region->label == 1;
        summary->clipped += region->clipped != 0;
    }
    summary->regions = out->count;
}

/* The liver, where anybody asks for it. */
static int reference(const struct volume *v, const struct recipe *r, const struct crop *body, const double *liver_mm,
                     unsigned exclude, struct liver *liver, struct error *e)
{
    bool rules = false;
    for (int label = 0; label < ORGAN_LABELS; label++)
        rules |= exclude >> label & 1 && organ_has_rule(label);
    memset(liver, 0, sizeof *liver);
    if (liver_mm)
        return liver_at(v, body, liver_mm, r->percist_sphere_mm, liver, e);
    if (method_wants_liver(r) || (rules && !v->organ))
        liver_find(v, body, r->percist_sphere_mm, liver);
    if (method_wants_liver(r) && liver->by == LIVER_UNKNOWN)
        return v->organ
                   ? fail(e, "the organ map has no liver that a sphere of %g mm fits in: give its place with --liver X,Y,Z (mm)",
                          r->percist_sphere_mm)
                   : fail(e,
                          "no liver was found (a large even part of SUV %g to %g on the right, below the lungs): give "
                          "its place "
                          "with --liver X,Y,Z (mm), or an organ map (--organs)",
                          LIVER_SUV_LOW, LIVER_SUV_HIGH);
    return 0;
}

/* Numbers and place of the reference, and what was left out by which rule: for the log and the cache. */
static void tell(const struct volume *v, unsigned exclude, const struct liver *liver, const char *how,
                 struct regions_summary *s)
{
    static const char *const by[] = {
        [LIVER_BY_RULE] = "by rule", [LIVER_BY_MAP] = "by organ map", [LIVER_GIVEN] = "as given"};
    char *text = xstrdup("");
    memcpy(s->how, how, sizeof s->how);
    if (liver->by != LIVER_UNKNOWN) {
        double mm[3];
        grid_to_mm(&v->grid, liver->place, mm);
        format_into(s->liver, sizeof s->liver, "mean %.3f sd %.3f SUV at %.0f,%.0f,%.0f mm, %s", liver->mean, liver->sd,
                    mm[0], mm[1], mm[2], by[liver->by]);
    }
    for (int label = 1; label < ORGAN_LABELS; label++) {
        if (!(exclude >> label & 1))
            continue;
        bool looked = v->organ || (organ_has_rule(label) && liver->by != LIVER_UNKNOWN);
        char *more = looked ? xprintf("%s%s%s %zu", text, *text ? ", " : "", organ_label_name(label), s->excluded[label])
                            : xprintf("%s%s%s not looked for", text, *text ? ", " : "", organ_label_name(label));
        free(text);
        text = more;
    }
    if (exclude)
        format_into(s->left_out, sizeof s->left_out, "%.120s; %s", text,
                    v->organ                     ? "by organ map"
                    : liver->by != LIVER_UNKNOWN ? "by rule"
                                                 : "no liver was found to look from");
    free(text);
}

int regions_find(const struct volume *v, const struct recipe *r, const double *liver_mm, struct regions_message *out,
                 struct regions_summary *summary, struct error *e)
{
    struct crop body;
    struct found found = {0};
    struct liver liver;
    struct mip mip;
    unsigned exclude;
    if (recipe_channels(r) > BOX_CT && !v->ct)
        return fail(e, "it came without a CT, but channels = pet,ct: give petrel-load the same --channels");
    if (organ_list_read("exclude", r->exclude, &exclude, e) || body_crop(v, r->body_air_suv, r->body_share, &body, e))
        return -1;
    if (reference(v, r, &body, liver_mm, exclude, &liver, e)) {
        crop_free(&body);
        return -1;
    }
    struct given_parts parts = {0};
    if (strcmp(r->roi_method, "given") == 0) {
        if (given_find(v, r, &body, &found, &parts, e)) {
            crop_free(&body);
            return -1;
        }
    } else {
        method_find(&body, v->grid.spacing_mm, r, &liver, &found);
    }

    memset(out, 0, sizeof *out);
    memset(summary, 0, sizeof *summary);
    out->grid = v->grid;
    out->turned = v->turned;
    out->channels = recipe_channels(r);
    size_t const room = (size_t)found.extents.count + 1;
    out->region = xalloc(room, sizeof *out->region);
    out->excluded = xalloc(room, sizeof *out->excluded);
    out->box = xalloc(room * (size_t)out->channels * BOX_VOXELS, sizeof *out->box);
    uint32_t *number = xalloc(room, sizeof *number);
    uint32_t *excluded = xalloc(room, sizeof *excluded);
    struct region *all = measure(v, r, &body, &found.extents, &liver);
    choose(v, r->border, exclude, all, found.extents.count, out, number, excluded, summary);
    tell(v, exclude, &liver, found.how, summary);
    lesions_find(v, &body, &found.labels, number, excluded, &liver, out);
    write_labels(&v->grid, &body, &found.labels, number, &out->label_runs);
    if (out->excluded_count)
        write_labels(&v->grid, &body, &found.labels, excluded, &out->excluded_runs);
    out->scan.given = given_tell(v->given, &parts, number, excluded);
    free(all);
    free(number);
    free(excluded);
    found_free(&found);
    references_measure(v, &body, &liver, r->percist_sphere_mm, &out->references);

    mip_make(&body, v->grid.spacing_mm, &mip);
    out->mip_angles = mip.angles, out->mip_height = mip.height, out->mip_width = mip.width;
    out->mip_mm = mip.mm;
    out->mip_z = mip.middle[0], out->mip_y = mip.middle[1], out->mip_x = mip.middle[2];
    out->mip = mip.image;
    crop_free(&body);
    return 0;
}
