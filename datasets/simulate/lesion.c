/* SPDX-License-Identifier: Apache-2.0 */
/* lesion -- tumours at sites drawn from the published distribution.   patient -> body -> [lesion] -> scanner
 *
 * Sites of melanoma lesions (188 autoPET studies): lung 9 %, liver 5.7 %, spleen 2.2 %, the rest outside mapped organs; by
 * height thorax 39 %, upper abdomen 26 %, pelvis 20 %, legs 12 %, head and neck 3 %. SUVmax 3-24; sites a study 1/3/6/10 at the
 * 5/25/50/75th percentile. Sizes and shapes: assumed. The drawn SUV is what the scan is to show at the lesion's middle: blur
 * takes more from small lesions, so they are painted hotter by the inverse of their recovery, as the truth of a real
 * cohort holds only lesions somebody saw. */
#include "datasets/simulate/lesion.h"
#include "datasets/simulate/scanner.h"
#include <math.h>
#include <string.h>

/* Where in the body, mm from the liver's centroid; the midline is at left 65, and `both` draws a side (rows give the
 * left). `in`: what its middle lies in. Shares: the names add up to the published ones; within a name assumed. */
enum tissue { IN_LUNG, IN_LIVER, IN_SPLEEN, IN_SOFT, IN_SKIN, IN_BONE, IN_BOWEL };
static const struct site_row {
    const char *name, *what;
    double share;
    bool both;
    double left[2], front[2], up[2];
    enum tissue in;
} site_rows[] = {
    {"lung", "lung", 9.0, true, {85, 210}, {-90, 70}, {20, 200}, IN_LUNG},
    {"liver", "liver", 5.7, false, {-90, 120}, {-70, 70}, {-90, 80}, IN_LIVER},
    {"spleen", "spleen", 2.2, false, {120, 200}, {-90, 0}, {-50, 50}, IN_SPLEEN},
    {"thorax", "mediastinal node", 8.5, true, {65, 100}, {-30, 40}, {70, 205}, IN_SOFT},
    {"thorax", "axillary node", 9.0, true, {145, 190}, {-45, 20}, {110, 205}, IN_SOFT},
    {"thorax", "bone", 6.5, true, {65, 230}, {-110, 90}, {40, 230}, IN_BONE},
    {"thorax", "skin or muscle", 6.0, true, {65, 230}, {-130, 110}, {40, 230}, IN_SKIN},
    {"upper abdomen", "retroperitoneal node", 5.5, true, {65, 105}, {-50, -10}, {-120, 20}, IN_SOFT},
    {"upper abdomen", "bone", 5.0, true, {65, 220}, {-110, 80}, {-120, 40}, IN_BONE},
    {"upper abdomen", "skin or muscle", 5.6, true, {65, 230}, {-130, 110}, {-120, 40}, IN_SKIN},
    {"upper abdomen", "bowel", 2.0, false, {-20, 150}, {0, 60}, {-120, -80}, IN_BOWEL},
    {"pelvis", "iliac node", 6.5, true, {95, 140}, {-30, 30}, {-320, -200}, IN_SOFT},
    {"pelvis", "groin node", 4.0, true, {105, 145}, {25, 60}, {-340, -310}, IN_SOFT},
    {"pelvis", "bone", 4.5, true, {65, 190}, {-90, 40}, {-340, -125}, IN_BONE},
    {"pelvis", "skin or muscle", 3.5, true, {80, 240}, {-130, 110}, {-340, -125}, IN_SKIN},
    {"pelvis", "bowel", 1.5, false, {-20, 150}, {0, 60}, {-260, -125}, IN_BOWEL},
    {"legs", "groin node", 4.0, true, {105, 150}, {15, 60}, {-370, -342}, IN_SOFT},
    {"legs", "skin or muscle", 6.5, true, {80, 240}, {-110, 90}, {-490, -345}, IN_SKIN},
    {"legs", "bone", 1.5, true, {130, 190}, {-40, 20}, {-490, -345}, IN_BONE},
    {"head and neck", "neck node", 2.0, true, {88, 115}, {-30, 30}, {245, 310}, IN_SOFT},
    {"head and neck", "skin or bone", 1.0, true, {65, 145}, {-100, 100}, {250, 480}, IN_SKIN},
};

static const struct site_row *draw_site(struct rng *r)
{
    double total = 0.0;
    for (size_t i = 0; i < COUNT_OF(site_rows); i++)
        total += site_rows[i].share;
    double at = total * (double)rng_uniform(r);
    for (size_t i = 0; i < COUNT_OF(site_rows); i++)
        if ((at -= site_rows[i].share) < 0.0)
            return &site_rows[i];
    return &site_rows[COUNT_OF(site_rows) - 1];
}

/* Where tumours grow that lie in no organ. */
static bool is_soft(int organ)
{
    return organ == ORGAN_SOFT || organ == ORGAN_FAT || organ == ORGAN_MARROW || organ == ORGAN_BOWEL ||
           organ == ORGAN_MUSCLE;
}

static bool tissue_fits(enum tissue in, int organ)
{
    switch (in) {
    case IN_LUNG: return organ == ORGAN_LUNG;
    case IN_LIVER: return organ == ORGAN_LIVER;
    case IN_SPLEEN: return organ == ORGAN_SPLEEN;
    case IN_BONE: return organ == ORGAN_MARROW;
    case IN_BOWEL: return organ == ORGAN_BOWEL;
    case IN_SKIN: return organ == ORGAN_FAT || organ == ORGAN_MUSCLE;
    case IN_SOFT: return is_soft(organ) && organ != ORGAN_BOWEL && organ != ORGAN_MARROW;
    }
    return false;
}

/* Two that touch would be one in the scan: half of each and 12 mm between them. */
static bool is_apart(const struct lesion *l, const struct lesion *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (place_distance(l->centre, list[i].centre) < 0.5 * (l->diameter_mm + list[i].diameter_mm) + 12.0)
            return false;
    return true;
}

/* Percentiles 5/25/50/75 of sites a study are 1/3/6/10, counted on lists that end at ten: a log-normal about 5.5 whose upper half
 * is wider, so that the mean comes to the paper's 11. */
static size_t draw_count(struct rng *r)
{
    double normal = (double)rng_normal(r), n = floor(5.5 * exp((normal < 0.0 ? 0.85 : 1.25) * normal) + 0.5);
    return (size_t)fmin(fmax(n, 1.0), LESIONS_MOST);
}

/* How much larger than it is a lesion looks, outlined at about half of its maximum: a point looks as wide as the point spread. */
static double looks_larger(double diameter_mm, double fwhm_mm)
{
    return sqrt(1.0 + fwhm_mm * fwhm_mm / (diameter_mm * diameter_mm));
}

static size_t paint_one(struct phantom *ph, struct rng *r, struct lesion *l, double psf_fwhm_mm)
{
    /* its lobes are narrower than a ball, and cooler at the rim */
    double suv = l->suv / scanner_recovery(0.85 * l->diameter_mm, psf_fwhm_mm),
           reach = looks_larger(l->diameter_mm, psf_fwhm_mm);
    double radius = 0.5 * l->diameter_mm;
    l->shape = *r;
    int lobes = radius > 8.0 ? 1 + (int)rng_below(r, 3) : 1;
    size_t voxels = 0;
    for (int i = 0; i < lobes; i++) {
        struct blob b = {
            .centre = l->centre, .rough = 0.25, .turn_rad = rng_range(r, 0, 3.1), .tilt_rad = rng_range(r, -1.2, 1.2)};
        b.radius.left = radius * rng_range(r, 0.75, 1.1);
        b.radius.front = radius * rng_range(r, 0.7, 1.1);
        b.radius.up = radius * rng_range(r, 0.75, 1.4);
        if (i > 0) {
            b.centre.left += radius * (double)rng_normal(r) * 0.6;
            b.centre.front += radius * (double)rng_normal(r) * 0.6;
            b.centre.up += radius * (double)rng_normal(r) * 0.6;
        }
        if (radius > 14.0 && rng_uniform(r) < 0.25F)
            b.hollow = 0.55; /* necrosis */
        blob_draw_waves(&b, r);
        voxels += phantom_paint_lesion(ph, &b, suv, 0.55, reach);
    }
    return voxels;
}

static struct lesion draw_lesion(struct rng *r, struct point at, const char *site, const char *what, size_t site_number)
{
    struct lesion l = {.centre = at, .site_number = site_number, .what = what};
    format_into(l.site, sizeof l.site, "%s", site);
    l.suv = fmin(fmax(8.0 * exp(0.55 * (double)rng_normal(r)), 3.0), 24.0);
    l.diameter_mm = fmin(fmax(17.0 * exp(0.45 * (double)rng_normal(r)), 8.0), 60.0);
    return l;
}

/* Tumours come in company, as a chain of nodes does: six sites of ten have 1 to 4 smaller lesions 2 to 5 cm off
 * (assumed). */
static size_t paint_company(struct phantom *ph, struct rng *r, double psf_fwhm_mm, struct lesion first,
                            struct lesion *list, size_t count)
{
    int more = rng_uniform(r) < 0.6F ? 1 + (int)rng_below(r, 4) : 0;
    int home = phantom_organ_at(ph, first.centre);
    for (int tries = 0; more > 0 && tries < 30 && count < LESIONS_MOST; tries++) {
        struct point at = first.centre;
        at.left += 18.0 * (double)rng_normal(r), at.front += 14.0 * (double)rng_normal(r),
            at.up += 24.0 * (double)rng_normal(r);
        int organ = phantom_organ_at(ph, at);
        double off = place_distance(at, first.centre);
        if (off < 20.0 || off > 50.0 || (organ != home && !is_soft(organ)))
            continue;
        struct lesion l = draw_lesion(r, at, first.site, first.what, first.site_number);
        l.diameter_mm = fmax(0.7 * l.diameter_mm, 8.0);
        if (!is_apart(&l, list, count))
            continue;
        l.suv = first.suv * rng_range(r, 0.6, 1.1);
        l.voxels = paint_one(ph, r, &l, psf_fwhm_mm);
        if (l.voxels > 0)
            list[count++] = l, more--;
    }
    return count;
}

/* A site, and a place in it until it fits, so that small organs keep their share. */
static bool draw_place(const struct phantom *ph, const struct patient *p, struct rng *r, size_t site_number,
                       const struct lesion *list, size_t count, struct lesion *l)
{
    const struct site_row *row = draw_site(r);
    *l = draw_lesion(r, (struct point){0}, row->name, row->what, site_number);
    bool fits = false;
    for (int look = 0; !fits && look < 400; look++) {
        double left = rng_range(r, row->left[0], row->left[1]);
        if (row->both && rng_uniform(r) < 0.5F)
            left = 130.0 - left;
        l->centre =
            body_point(p, left, rng_range(r, row->front[0], row->front[1]), rng_range(r, row->up[0], row->up[1]));
        fits = tissue_fits(row->in, phantom_organ_at(ph, l->centre)) && is_apart(l, list, count);
    }
    return fits;
}

size_t lesions_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, struct lesion list[LESIONS_MOST])
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_LESIONS);
    if (!p->diseased)
        return 0;
    size_t wanted = draw_count(&r), count = 0, sites = 0;
    for (int tries = 0; sites < wanted && count < LESIONS_MOST && tries < 4000; tries++) {
        struct lesion l;
        if (!draw_place(ph, p, &r, sites + 1, list, count, &l))
            continue;
        l.voxels = paint_one(ph, &r, &l, psf_fwhm_mm);
        if (l.voxels == 0)
            continue;
        list[count++] = l;
        sites++;
        count = paint_company(ph, &r, psf_fwhm_mm, l, list, count);
    }
    return count;
}

/* ---- at another visit ---- */

void lesion_paint_again(struct phantom *ph, struct lesion *l, double psf_fwhm_mm)
{
    struct rng r = l->shape;
    l->voxels = paint_one(ph, &r, l, psf_fwhm_mm);
}

bool lesion_paint_more(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm,
                       size_t site_number, const struct lesion *list, size_t count, struct lesion *l)
{
    for (int tries = 0; tries < 100; tries++)
        if (draw_place(ph, p, r, site_number, list, count, l)) {
            l->voxels = paint_one(ph, r, l, psf_fwhm_mm);
            return l->voxels > 0;
        }
    return false;
}

/* ---- where real tumours were ---- */

static const char *site_name(const struct phantom *ph, const struct patient *p, struct point at)
{
    static const struct {
        double above;
        const char *name;
    } height[] = {{240, "head and neck"}, {40, "thorax"}, {-120, "upper abdomen"}, {-340, "pelvis"}};
    int organ = phantom_organ_at(ph, at);
    if (anatomy_label(organ) != 0)
        return organ_name[organ];
    for (size_t i = 0; i < COUNT_OF(height); i++)
        if (at.up > height[i].above * p->size)
            return height[i].name;
    return "legs";
}

/* group[i]: the first click that click i is joined to by steps of less than LESION_APART_MM. Returns how many groups. */
static size_t group_clicks(const struct spots *s, size_t group[CLICKS_MOST])
{
    size_t groups = 0;
    for (size_t i = 0; i < s->count; i++) {
        group[i] = i;
        for (size_t j = 0; j < i; j++) {
            if (group[j] == group[i] || place_distance(s->at[i], s->at[j]) >= LESION_APART_MM)
                continue;
            size_t low = group[i] < group[j] ? group[i] : group[j], high = group[i] < group[j] ? group[j] : group[i];
            for (size_t k = 0; k <= i; k++)
                group[k] = group[k] == high ? low : group[k];
        }
    }
    for (size_t i = 0; i < s->count; i++)
        groups += group[i] == i;
    return groups;
}

/* A tumour outside the outline (skin, an arm): tissue round it first, so that there is a body to lie in. */
static void paint_bed(struct phantom *ph, struct point at, double radius_mm)
{
    struct blob bed = {.centre = at, .radius = {radius_mm, radius_mm, radius_mm}};
    phantom_paint(ph, &bed, 0.65, 0.1, ORGAN_SOFT, OVER_AIR);
}

/* A lesion as large as its clicks lie apart: one more lobe at each of them that the middle does not reach. */
static void paint_at_clicks(struct phantom *ph, struct rng *r, const struct spots *s, const size_t *group, size_t which,
                            struct lesion *l, double psf_fwhm_mm)
{
    for (size_t i = 0; i < s->count; i++) {
        if (group[i] != which || place_distance(s->at[i], l->centre) < 0.4 * l->diameter_mm)
            continue;
        struct lesion lobe = *l;
        lobe.centre = s->at[i];
        lobe.diameter_mm *= rng_range(r, 0.5, 0.9);
        paint_bed(ph, lobe.centre, lobe.diameter_mm);
        l->voxels += paint_one(ph, r, &lobe, psf_fwhm_mm);
    }
}

size_t lesions_paint_at(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct spots *tumour,
                        struct lesion list[LESIONS_MOST])
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_LESIONS);
    size_t group[CLICKS_MOST], count = 0, sites = 0, wanted = group_clicks(tumour, group);
    if (wanted >= 10) /* as many again, more or fewer: assumed */
        wanted += (size_t)floor(fmin(8.0 * exp(0.8 * (double)rng_normal(&r)), LESIONS_MOST));
    for (size_t i = 0; i < tumour->count; i++) {
        if (group[i] != i)
            continue;
        struct point middle = {0};
        double share = 0.0;
        for (size_t k = i; k < tumour->count; k++)
            if (group[k] == i)
                middle.left += tumour->at[k].left, middle.front += tumour->at[k].front, middle.up += tumour->at[k].up,
                    share += 1.0;
        middle = (struct point){middle.left / share, middle.front / share, middle.up / share};
        struct lesion l = draw_lesion(&r, middle, site_name(ph, p, middle), "as in the study", sites + 1);
        paint_bed(ph, middle, l.diameter_mm);
        l.voxels = paint_one(ph, &r, &l, psf_fwhm_mm);
        paint_at_clicks(ph, &r, tumour, group, i, &l, psf_fwhm_mm);
        if (l.voxels > 0)
            list[count++] = l, sites++;
    }
    for (size_t i = 0, first = count; i < first; i++) /* after all the real sites, so that these have room */
        count = paint_company(ph, &r, psf_fwhm_mm, list[i], list, count);
    for (int tries = 0; tumour->count > 0 && sites < wanted && count < LESIONS_MOST && tries < 1000; tries++) {
        struct point at = tumour->at[rng_below(&r, (uint32_t)tumour->count)];
        at.left += 40.0 * (double)rng_normal(&r), at.front += 30.0 * (double)rng_normal(&r),
            at.up += 40.0 * (double)rng_normal(&r);
        int organ = phantom_organ_at(ph, at);
        if (organ == ORGAN_AIR || organ == ORGAN_BRAIN || organ == ORGAN_HEART || organ == ORGAN_BLADDER ||
            organ == ORGAN_KIDNEY)
            continue;
        struct lesion l = draw_lesion(&r, at, site_name(ph, p, at), "beside those of the study", sites + 1);
        if (!is_apart(&l, list, count))
            continue;
        l.voxels = paint_one(ph, &r, &l, psf_fwhm_mm);
        if (l.voxels > 0)
            list[count++] = l, sites++;
    }
    return count;
}
