/* SPDX-License-Identifier: Apache-2.0 */
/* organ -- whose a region is: by the scan's organ map, or by a rule where there is none.   property -> [organ] -> regions */
#include "stages/roi/organ.h"
#include "proto/organ.h"

#include <math.h>
#include <string.h>

void organ_of_map(const struct volume *v, const struct extents *x, uint32_t index, const int64_t low[3], double share,
                  struct region *r)
{
    int64_t voxels[256] = {0}, all = 0;
    for (size_t i = x->first[index]; i < x->first[index + 1]; i++) {
        const struct run *run = &x->run[i];
        size_t at = grid_at(&v->grid, run->row / x->dim[1] + low[0], run->row % x->dim[1] + low[1], run->begin + low[2]);
        for (int64_t k = 0; k < run->end - run->begin; k++)
            voxels[v->organ[at + (size_t)k]]++;
        all += run->end - run->begin;
    }
    int most = 1;
    for (int label = 2; label < 256; label++)
        most = voxels[label] > voxels[most] ? label : most;
    bool its = (double)voxels[most] >= share * (double)all;
    r->organ = its ? most : ORGAN_LABEL_NONE;
    r->organ_by = its ? ORGAN_BY_MAP : ORGAN_BY_NOTHING;
}

/* In a slice: 32 bits, so that the compiler makes vectors of it. */
static uint32_t voxels_of(const uint8_t *organ, int64_t count, uint8_t label)
{
    uint32_t all = 0;
    for (int64_t i = 0; i < count; i++)
        all += organ[i] == label;
    return all;
}

void organ_foci(const struct volume *v, const struct region *r, size_t count, bool *focus)
{
    static const uint8_t labels[] = {ORGAN_LABEL_HEART, ORGAN_LABEL_BRAIN};
    for (size_t k = 0; k < COUNT_OF(labels); k++) {
        const struct region *largest = NULL;
        int64_t hot = 0, all = 0;
        for (size_t i = 0; i < count; i++) {
            if (r[i].organ != labels[k])
                continue;
            hot += r[i].voxels;
            largest = !largest || r[i].voxels > largest->voxels ? &r[i] : largest;
        }
        for (int64_t slice = 0; largest && slice < v->grid.dim[0]; slice++)
            all += voxels_of(v->organ + grid_at(&v->grid, slice, 0, 0), v->grid.dim[1] * v->grid.dim[2], labels[k]);
        for (size_t i = 0; i < count; i++)
            focus[i] |= r[i].organ == labels[k] &&
                        ((double)hot < ORGAN_UPTAKE * (double)all || r[i].suv_max >= ORGAN_FOCUS * largest->suv_max);
    }
}

int organ_near(const struct organ_look *o, size_t at, double within_mm)
{
    const struct grid *g = &o->scan->grid;
    int64_t W = o->dim[2], H = o->dim[1], reach[3];
    int64_t middle[3] = {(int64_t)at / (W * H) + o->low[0], (int64_t)at / W % H + o->low[1],
                         (int64_t)at % W + o->low[2]};
    double nearest = within_mm * within_mm;
    int label = ORGAN_LABEL_NONE;
    for (int a = 0; a < 3; a++)
        reach[a] = (int64_t)(within_mm / g->spacing_mm[a]);
    for (int64_t z = middle[0] - reach[0]; z <= middle[0] + reach[0]; z++)
        for (int64_t y = middle[1] - reach[1]; y <= middle[1] + reach[1]; y++)
            for (int64_t x = middle[2] - reach[2]; x <= middle[2] + reach[2]; x++) {
                if (z < 0 || z >= g->dim[0] || y < 0 || y >= g->dim[1] || x < 0 || x >= g->dim[2])
                    continue;
                int here = o->scan->organ[grid_at(g, z, y, x)];
                double dz = (double)(z - middle[0]) * g->spacing_mm[0], dy = (double)(y - middle[1]) * g->spacing_mm[1],
                       dx = (double)(x - middle[2]) * g->spacing_mm[2], mm2 = dz * dz + dy * dy + dx * dx;
                if (here && here < ORGAN_LABELS && o->which >> here & 1 &&
                    (mm2 < nearest || (mm2 <= nearest && label == ORGAN_LABEL_NONE)))
                    nearest = mm2, label = here;
            }
    return label;
}

/* mm: to the patient's left from the body's middle; to the front and up from the liver's centroid. */
struct away {
    double left, front, up;
};

static const struct rule {
    int label;
    struct away at, within;
    double hot;               /* SUVmax at least this times the liver's mean */
    double ml_least, ml_most; /* of the region with the most activity */
    double reach_mm, wide;    /* others this near its bounding box, in a window this much larger, are the organ's */
} rules[] = {
    {ORGAN_LABEL_BRAIN, {0, 20, 420}, {75, 130, 110}, 1.8, 100, 2500, 0, 1},
    {ORGAN_LABEL_BLADDER, {2, -19, -299}, {45, 85, 95}, 1.8, 5, 1500, 5, 1},
    {ORGAN_LABEL_KIDNEYS, {-66, -45, -67}, {45, 50, 70}, 1.2, 1, 300, 15, 1.25},
    {ORGAN_LABEL_KIDNEYS, {76, -45, -67}, {45, 50, 70}, 1.2, 1, 300, 15, 1.25},
    {ORGAN_LABEL_HEART, {28, 10, 82}, {50, 60, 60}, 1.2, 8, 700, 5, 1},
};

bool organ_has_rule(int label)
{
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (rules[i].label == label)
            return true;
    return false;
}

#define CUT_MM 10.0
/* wide: how much larger the window is. */
static bool in_window(const struct rule *rule, const struct grid *g, const struct liver *l, const struct region *r,
                      double wide)
{
    struct away d = {(r->centroid[2] - l->middle) * g->spacing_mm[2],
                     (l->centroid[1] - r->centroid[1]) * g->spacing_mm[1],
                     (r->centroid[0] - l->centroid[0]) * g->spacing_mm[0]};
    double left = (d.left - rule->at.left) / rule->within.left, front = (d.front - rule->at.front) / rule->within.front,
           up = (d.up - rule->at.up) / rule->within.up;
    return left * left + front * front + up * up <= wide * wide;
}

/* Whether a region's centroid lies in the ellipsoid that fills another's bounding box, made larger by reach_mm all round. */
static bool in_ellipsoid(const struct grid *g, const struct region *r, const struct region *box, double reach_mm)
{
    double sum = 0;
    for (int a = 0; a < 3; a++) {
        double half_mm = 0.5 * (double)(box->high[a] - box->low[a] + 1) * g->spacing_mm[a] + reach_mm;
        double off_mm = (r->centroid[a] - 0.5 * (double)(box->low[a] + box->high[a])) * g->spacing_mm[a];
        sum += off_mm * off_mm / (half_mm * half_mm);
    }
    return sum <= 1;
}

/* The scan ends within the brain: what is as hot as brain alone, in its last slices, is the brain's whatever its volume. */
static bool cut_brain(const struct rule *rule, const struct grid *g, const struct liver *l, const struct region *r)
{
    return rule->label == ORGAN_LABEL_BRAIN && (double)(g->dim[0] - 1 - r->high[0]) * g->spacing_mm[0] <= CUT_MM &&
           r->suv_max >= 2 * rule->hot * l->mean && in_window(rule, g, l, r, 1);
}

/* Regions in the window near one that is the organ's are, too, and those near them. */
static void neighbours_take(const struct rule *rule, const struct grid *g, const struct liver *liver, struct region *r,
                            size_t count)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < count && r[i].organ == ORGAN_LABEL_NONE; k++)
                if (r[k].organ == rule->label && in_window(rule, g, liver, &r[k], rule->wide) &&
                    in_window(rule, g, liver, &r[i], rule->wide) && in_ellipsoid(g, &r[i], &r[k], rule->reach_mm)) {
                    r[i].organ = rule->label, r[i].organ_by = ORGAN_BY_RULE;
                    more = true;
                }
    }
}

void organs_by_rule(const struct grid *g, const struct liver *liver, struct region *r, size_t count)
{
    for (size_t k = 0; k < COUNT_OF(rules) && liver->by != LIVER_UNKNOWN; k++) {
        const struct rule *rule = &rules[k];
        const struct region *main = NULL;
        for (size_t i = 0; i < count; i++)
            if (in_window(rule, g, liver, &r[i], 1) && r[i].suv_max >= rule->hot * liver->mean &&
                r[i].ml >= rule->ml_least && r[i].ml <= rule->ml_most &&
                (!main || r[i].ml * r[i].suv_mean > main->ml * main->suv_mean))
                main = &r[i];
        for (size_t i = 0; i < count; i++)
            if (&r[i] == main || (!main && cut_brain(rule, g, liver, &r[i])))
                r[i].organ = rule->label, r[i].organ_by = ORGAN_BY_RULE;
        neighbours_take(rule, g, liver, r, count);
    }
}
