/* SPDX-License-Identifier: Apache-2.0 */
/* body -- a parametric whole body with its physiological uptake.   patient -> [body] -> lesion -> scanner */
#include "datasets/simulate/body.h"
#include "datasets/simulate/anatomy.h"
#include <math.h>

const char *const organ_name[ORGANS] = {"air",    "soft tissue",  "fat",     "lung",   "liver", "spleen",
                                        "kidney", "renal pelvis", "bladder", "heart",  "brain", "stomach",
                                        "bowel",  "marrow",       "aorta",   "tonsil", "gland", "testis",
                                        "ureter", "muscle",       "prostate"};

/* How far a measured body lies off the average one at a height: between its knots. */
static struct point body_shift(const struct patient *p, double up)
{
    if (p->knots == 0)
        return (struct point){0};
    size_t i = 0;
    while (i < p->knots && p->knot[i].up < up)
        i++;
    if (i == 0 || i == p->knots)
        return p->knot[i == 0 ? 0 : i - 1].shift;
    double f = (up - p->knot[i - 1].up) / (p->knot[i].up - p->knot[i - 1].up);
    struct point a = p->knot[i - 1].shift, b = p->knot[i].shift;
    return (struct point){a.left + f * (b.left - a.left), a.front + f * (b.front - a.front), a.up + f * (b.up - a.up)};
}

struct point body_point(const struct patient *p, double left, double front, double up)
{
    struct point shift = body_shift(p, up);
    return (struct point){65.0 + (left - 65.0) * sqrt(p->size * p->girth) + shift.left,
                          -10.0 + (front + 10.0) * p->girth + shift.front, up * p->size + shift.up};
}

/* Organs that are one blob: place, volume and SUV, in painting order. Radii follow from volume and proportions. */
static const struct organ_row {
    enum organ organ;
    double left, front, up; /* mm from the liver's centroid: autoPET organ maps; pairs split by half their distance */
    double volume_ml, volume_sd; /* autoPET organ maps (for one of a pair: half) */
    double wide, deep, tall;     /* proportions: assumed */
    double suv, suv_sd;          /* SUVmean +- SD over patients */
    double heterogeneity, rough; /* assumed */
} organ_rows[] = {
    {ORGAN_LUNG, -14, -12, 104, 1880, 430, 0.78, 0.95, 1.45, 0.45, 0.10, 0.15, 0.05}, /* max 0.7: published */
    {ORGAN_LUNG, 148, -12, 104, 1650, 400, 0.74, 0.95, 1.45, 0.45, 0.10, 0.15, 0.05},
    {ORGAN_LIVER, 0, 0, 0, 1543, 363, 1.20, 0.95, 0.85, 2.2, 0.44, 0.06, 0.10},
    {ORGAN_SPLEEN, 161, -48, 1, 232, 99, 0.70, 1.05, 1.25, 1.7, 0.30, 0.06, 0.08},   /* max 1.9: published */
    {ORGAN_STOMACH, 115, 15, -5, 355, 139, 1.20, 0.85, 0.95, 1.9, 0.55, 0.20, 0.15}, /* SUV assumed */
    {ORGAN_KIDNEY, 8, -45, -65, 151, 36, 0.75, 0.75, 1.65, 3.2, 0.70, 0.25, 0.06},   /* cortex: assumed */
    {ORGAN_KIDNEY, 132, -45, -58, 151, 36, 0.75, 0.75, 1.65, 3.2, 0.70, 0.25, 0.06},
    {ORGAN_BRAIN, 61, 29, 407, 932, 200, 1.00, 1.20, 0.90, 8.0, 2.2, 0.12, 0.04},
    {ORGAN_GLAND, 27, 30, 322, 25, 6, 0.70, 1.0, 1.3, 2.3, 0.9, 0.15, 0.10}, /* parotids: assumed */
    {ORGAN_GLAND, 103, 30, 322, 25, 6, 0.70, 1.0, 1.3, 2.3, 0.9, 0.15, 0.10},
    {ORGAN_GLAND, 65, 62, 298, 5, 1.5, 1.4, 1.0, 0.7, 3.3, 1.5, 0.10, 0.10}, /* sublingual */
    {ORGAN_TONSIL, 50, 42, 315, 2.0, 0.6, 0.8, 1.0, 1.3, 3.45, 1.4, 0.10, 0.10},
    {ORGAN_TONSIL, 80, 42, 315, 2.0, 0.6, 0.8, 1.0, 1.3, 3.45, 1.4, 0.10, 0.10},
    {ORGAN_GLAND, 41, 46, 297, 8, 2, 1.0, 1.3, 0.9, 2.2, 0.7, 0.10, 0.10}, /* submandibular: assumed */
    {ORGAN_GLAND, 89, 46, 297, 8, 2, 1.0, 1.3, 0.9, 2.2, 0.7, 0.10, 0.10},
    {ORGAN_MUSCLE, 65, 48, 312, 45, 12, 1.0, 1.4, 0.9, 1.5, 0.5, 0.20, 0.10}, /* tongue: assumed */
    {ORGAN_SOFT, 49, 4, 238, 7, 3, 0.7, 0.8, 1.4, 1.4, 0.4, 0.10, 0.10},      /* thyroid: assumed */
    {ORGAN_SOFT, 81, 4, 238, 7, 3, 0.7, 0.8, 1.4, 1.4, 0.4, 0.10, 0.10},
};

static double draw_positive(struct rng *r, double mean, double sd)
{
    double v = mean + sd * (double)rng_normal(r);
    return fmin(fmax(v, 0.4 * mean), mean + 2.5 * sd); /* no organ vanishes, none is a giant */
}

static struct point radii(double volume_ml, double wide, double deep, double tall)
{
    double scale = cbrt(volume_ml * 1000.0 / (4.0 / 3.0 * 3.141592653589793 * wide * deep * tall));
    return (struct point){scale * wide, scale * deep, scale * tall};
}

/* Left ventricle: a thick cup round blood. Fasting hearts hardly show; others reach SUV 8 to 13 (measured maxima). */
static void paint_heart(struct phantom *ph, const struct patient *p, struct rng *r, bool marked)
{
    struct blob b = {.centre = body_point(p, 92, 19, 78), .rough = 0.05};
    b.radius = radii(draw_positive(r, 611, 165), 1.0, 0.9, 0.9);
    blob_draw_waves(&b, r);
    double blood = draw_positive(r, 1.55, 0.38);
    if (marked) {
        phantom_fill(ph, ORGAN_HEART, blood, 0.04);
        phantom_centroid(ph, ORGAN_HEART, -1e3, 1e3, &b.centre);
    } else {
        phantom_paint(ph, &b, blood, 0.04, ORGAN_HEART, OVER_ANY);
    }
    double wall = rng_uniform(r) < 0.45F ? rng_range(r, 1.6, 3.2) : rng_range(r, 4.0, 12.0);
    struct blob ventricle = {
        .centre = b.centre, .radius = {42, 36, 44}, .turn_rad = 0.7, .tilt_rad = 0.6, .hollow = 0.62, .rough = 0.05};
    ventricle.centre.left += 12.0;
    blob_draw_waves(&ventricle, r);
    phantom_paint(ph, &ventricle, wall, 0.15, ORGAN_HEART, marked ? ORGAN_HEART : OVER_ANY);
}

/* Urine: renal pelvis 30-44 and bladder 66-90 are measured maxima; lower after voiding or drinking (assumed). */
static void paint_urine(struct phantom *ph, const struct patient *p, struct rng *r, bool marked)
{
    double middle = body_point(p, 65, 0, -65).left;
    for (int side = 0; side < 2; side++) {
        struct blob pelvis = {.centre = body_point(p, side == 0 ? 18 : 122, -38, -65), .rough = 0.15};
        pelvis.radius = radii(rng_range(r, 1.5, 7.0), 0.8, 0.8, 1.4);
        blob_draw_waves(&pelvis, r);
        struct point kidney;
        if (marked &&
            phantom_centroid(ph, ORGAN_KIDNEY, side == 0 ? -1e3 : middle, side == 0 ? middle : 1e3, &kidney) > 0)
            pelvis.centre = (struct point){kidney.left + (side == 0 ? 8.0 : -8.0), kidney.front + 4.0, kidney.up};
        phantom_paint(ph, &pelvis, 6.0 * exp(rng_range(r, 0.0, 1.9)), 0.1, ORGAN_RENAL_PELVIS,
                      marked ? ORGAN_KIDNEY : OVER_ANY);
    }
    struct blob bladder = {.centre = body_point(p, 66, -20, -294), .rough = 0.06};
    bladder.radius = radii(draw_positive(r, 147, 71), 1.25, 1.05, 0.70);
    blob_draw_waves(&bladder, r);
    double urine = 8.0 * exp(rng_range(r, 0.0, 2.3));
    if (marked)
        phantom_fill(ph, ORGAN_BLADDER, urine, 0.03);
    else
        phantom_paint(ph, &bladder, urine, 0.03, ORGAN_BLADDER, OVER_ANY);
}

/* Grey matter round white, and hot nuclei in the middle, so that the whole has the mean drawn; cerebellum below. */
static void paint_brain_inside(struct phantom *ph, const struct patient *p, struct rng *r, double suv)
{
    struct point middle = body_point(p, 61, 29, 407);
    size_t voxels = phantom_centroid(ph, ORGAN_BRAIN, -1e3, 1e3, &middle);
    if (voxels == 0)
        return;
    double cortex = suv / 0.86, ml = (double)voxels * grid_voxel_ml(&ph->grid);
    phantom_fill(ph, ORGAN_BRAIN, cortex, 0.12);
    struct point whole = radii(ml, 1.0, 1.25, 0.95);
    for (int side = -1; side <= 1; side += 2) {
        struct blob white = {.centre = middle, .rough = 0.35};
        white.centre.left += side * 0.42 * whole.left, white.centre.up += 0.1 * whole.up;
        white.radius = (struct point){0.40 * whole.left, 0.72 * whole.front, 0.60 * whole.up};
        blob_draw_waves(&white, r);
        phantom_paint(ph, &white, 0.5 * cortex, 0.08, ORGAN_BRAIN, ORGAN_BRAIN);
        struct blob nuclei = {
            .centre = {middle.left + side * 0.25 * whole.left, middle.front + 4.0, middle.up - 0.1 * whole.up},
            .radius = {9, 20, 11}};
        phantom_paint(ph, &nuclei, 1.1 * cortex, 0.05, ORGAN_BRAIN, ORGAN_BRAIN);
    }
}

/* Besides the table's lobe, a left one that reaches over the midline, and a tip that hangs down at the right. */
static void paint_liver(struct phantom *ph, const struct patient *p, const struct organ_row *row, struct rng *r)
{
    double ml = draw_positive(r, row->volume_ml, row->volume_sd), suv = draw_positive(r, row->suv, row->suv_sd);
    double grow = cbrt(ml / row->volume_ml);
    static const struct {
        struct point at, radius;
        double tilt, taper;
    } lobes[] = {{{-22, -8, 6}, {62, 72, 66}, 0.0, 0.0},
                 {{-40, 0, -50}, {38, 52, 62}, 0.15, -0.30},
                 {{58, 36, 34}, {72, 36, 34}, 0.30, 0.0}};
    for (size_t i = 0; i < COUNT_OF(lobes); i++) {
        struct blob b = {.centre = body_point(p, lobes[i].at.left, lobes[i].at.front, lobes[i].at.up),
                         .rough = 0.08,
                         .tilt_rad = lobes[i].tilt,
                         .taper = lobes[i].taper};
        b.radius = (struct point){grow * lobes[i].radius.left, grow * lobes[i].radius.front, grow * lobes[i].radius.up};
        blob_draw_waves(&b, r);
        phantom_paint(ph, &b, suv, row->heterogeneity, ORGAN_LIVER, OVER_ANY);
    }
}

/* Ascending, arch, descending, and the fork in the pelvis; blood pool. */
static void paint_aorta(struct phantom *ph, const struct patient *p, struct rng *r)
{
    static const struct {
        double left, front, up, radius;
    } course[] = {{76, 10, 105, 16},    {60, 14, 140, 16}, {66, 0, 168, 14},   {84, -28, 165, 13},
                  {84, -44, 130, 12.5}, {78, -44, 40, 12}, {72, -32, -60, 10}, {68, -30, -150, 9}};
    struct tube_point at[COUNT_OF(course)];
    double suv = draw_positive(r, 1.55, 0.38);
    for (size_t i = 0; i < COUNT_OF(course); i++)
        at[i] = (struct tube_point){body_point(p, course[i].left, course[i].front, course[i].up), course[i].radius, suv};
    phantom_paint_tube(ph, at, COUNT_OF(course), 0.04, ORGAN_AORTA, OVER_SOFT);
    for (int side = -1; side <= 1; side += 2) {
        struct tube_point iliac[3] = {at[COUNT_OF(course) - 1],
                                      {body_point(p, 65 + side * 34, -18, -225), 6.5, suv},
                                      {body_point(p, 65 + side * 75, 22, -320), 5.5, suv}};
        struct tube_point femoral[2] = {iliac[2], {body_point(p, 65 + side * 92, 24, -480), 4.5, suv}};
        phantom_paint_tube(ph, iliac, 3, 0.04, ORGAN_AORTA, OVER_SOFT);
        phantom_paint_tube(ph, femoral, 2, 0.04, ORGAN_AORTA, OVER_SOFT);
    }
    struct tube_point cava[3] = {{body_point(p, 46, -28, -150), 10, suv},
                                 {body_point(p, 48, -26, -20), 11, suv},
                                 {body_point(p, 52, 0, 60), 12, suv}};
    phantom_paint_tube(ph, cava, 3, 0.04, ORGAN_AORTA, OVER_SOFT);
}

/* Inside the trunk, before anything: which organs a painter may go over. */
static void name_tissues(struct phantom *ph)
{
    for (int organ = 1; organ < ORGANS; organ++)
        ph->tissue |= anatomy_label(organ) == 0 ? UINT32_C(1) << organ : 0;
    ph->soft = UINT32_C(1) << ORGAN_SOFT | UINT32_C(1) << ORGAN_FAT;
}

void body_paint(struct phantom *ph, const struct patient *p, bool marked)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_ORGANS), texture = draw_rng(p->seed, p->number, DRAW_TEXTURE);
    name_tissues(ph);
    phantom_draw_texture(ph, &texture);
    outline_complete(ph, p);
    bool filled[ORGANS] = {false};
    double brain = 8.0;
    for (size_t i = 0; i < COUNT_OF(organ_rows); i++) {
        const struct organ_row *row = &organ_rows[i];
        struct blob b = {.centre = body_point(p, row->left, row->front, row->up),
                         .rough = row->rough,
                         .taper = row->organ == ORGAN_LUNG ? 0.22 : 0.0}; /* apices */
        b.centre.left += 4.0 * (double)rng_normal(&r);
        b.centre.front += 4.0 * (double)rng_normal(&r);
        b.centre.up += 6.0 * (double)rng_normal(&r);
        b.radius = radii(draw_positive(&r, row->volume_ml, row->volume_sd), row->wide, row->deep, row->tall);
        blob_draw_waves(&b, &r);
        double suv = draw_positive(&r, row->suv, row->suv_sd);
        bool mapped = anatomy_label(row->organ) != 0;
        if (row->organ == ORGAN_BRAIN)
            brain = suv;
        if (row->organ == ORGAN_LIVER && !marked)
            paint_liver(ph, p, row, &r);
        else if (!marked)
            phantom_paint(ph, &b, suv, row->heterogeneity, row->organ,
                          mapped && row->volume_ml > 100.0 ? OVER_ANY : OVER_SOFT);
        else if (!mapped)
            phantom_paint(ph, &b, suv, row->heterogeneity, row->organ, OVER_SOFT);
        else if (!filled[row->organ])
            phantom_fill(ph, row->organ, suv, row->heterogeneity);
        filled[row->organ] = true;
    }
    if (marked) /* the parametric body has none of its own */
        phantom_fill(ph, ORGAN_PROSTATE, draw_positive(&r, 2.0, 0.5), 0.10); /* assumed */
    paint_brain_inside(ph, p, &r, brain);
    paint_heart(ph, p, &r, marked);
    paint_urine(ph, p, &r, marked);
    skeleton_paint(ph, p, &r);
    paint_aorta(ph, p, &r);
    bowel_paint(ph, p, &r);
    if (p->male)
        for (int side = 0; side < 2; side++) {
            struct blob b = {.centre = body_point(p, side == 0 ? 47 : 83, 62, -375), .radius = {12, 14, 18}};
            double suv = draw_positive(&r, 2.57, 0.56);
            phantom_paint(ph, &b, 0.4, 0.08, ORGAN_SOFT, OVER_AIR);
            phantom_paint(ph, &b, suv, 0.08, ORGAN_TESTIS, OVER_SOFT);
        }
}

void body_note_organs(struct phantom *ph)
{
    double suv[ORGANS] = {0}, voxels[ORGANS] = {0};
    size_t n = grid_voxels(&ph->grid);
    for (size_t i = 0; i < n; i++)
        suv[ph->organ[i]] += (double)ph->suv[i], voxels[ph->organ[i]] += 1.0;
    for (int organ = 1; organ < ORGANS; organ++) {
        if (voxels[organ] <= 0.0 || anatomy_label(organ) == 0)
            continue;
        struct point middle;
        phantom_centroid(ph, organ, -1e3, 1e3, &middle);
        double mm3 = 1000.0 * voxels[organ] * grid_voxel_ml(&ph->grid);
        phantom_note(ph, organ_name[organ], middle, suv[organ] / voxels[organ], cbrt(6.0 / 3.141592653589793 * mm3),
                     (size_t)voxels[organ]);
        ph->hot[ph->hots - 1].whole_organ = true;
    }
}
