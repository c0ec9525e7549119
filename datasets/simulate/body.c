/* body -- a parametric whole body with its physiological uptake.   patient -> [body] -> lesion -> scanner */
#include "datasets/simulate/body.h"
#include "datasets/simulate/anatomy.h"
#include <math.h>

const char *const organ_name[ORGANS] = {"air",    "soft tissue", "fat",    "lung",   "liver",  "spleen", "kidney",
                                        "renal pelvis", "bladder", "heart", "brain",  "stomach", "bowel", "marrow",
                                        "aorta",  "tonsil",      "gland",  "testis", "ureter", "muscle", "prostate"};

/* How far a measured body lies off the average one at a height: between its knots. */
static struct place body_shift(const struct patient *p, double up)
{
    if (p->knots == 0)
        return (struct place){0};
    size_t i = 0;
    while (i < p->knots && p->knot[i].up < up)
        i++;
    if (i == 0 || i == p->knots)
        return p->knot[i == 0 ? 0 : i - 1].shift;
    double f = (up - p->knot[i - 1].up) / (p->knot[i].up - p->knot[i - 1].up);
    struct place a = p->knot[i - 1].shift, b = p->knot[i].shift;
    return (struct place){a.left + f * (b.left - a.left), a.front + f * (b.front - a.front), a.up + f * (b.up - a.up)};
}

struct place body_place(const struct patient *p, double left, double front, double up)
{
    struct place shift = body_shift(p, up);
    return (struct place){65.0 + (left - 65.0) * sqrt(p->size * p->girth) + shift.left,
                          -10.0 + (front + 10.0) * p->girth + shift.front, up * p->size + shift.up};
}

/* Organs that are one blob: place, volume and SUV, in painting order. Radii follow from volume and proportions. */
static const struct organ_row {
    enum organ organ;
    double left, front, up;       /* mm from the liver's centroid: autoPET organ maps; pairs split by half their distance */
    double volume_ml, volume_sd;  /* autoPET organ maps (for one of a pair: half) */
    double wide, deep, tall;      /* proportions: assumed */
    double suv, suv_sd;           /* SUVmean +- SD over patients */
    double heterogeneity, rough;  /* assumed */
} organ_rows[] = {
    {ORGAN_LUNG, -22, -15, 116, 1650, 380, 0.72, 0.95, 1.35, 0.45, 0.10, 0.15, 0.05},   /* max 0.7: published */
    {ORGAN_LUNG, 150, -15, 116, 1400, 360, 0.68, 0.95, 1.35, 0.45, 0.10, 0.15, 0.05},
    {ORGAN_LIVER, 0, 0, 0, 1543, 363, 1.20, 0.95, 0.85, 2.2, 0.44, 0.06, 0.10},
    {ORGAN_SPLEEN, 161, -48, 1, 232, 99, 0.70, 1.05, 1.25, 1.7, 0.30, 0.06, 0.08},      /* max 1.9: published */
    {ORGAN_STOMACH, 115, 15, -5, 355, 139, 1.20, 0.85, 0.95, 1.9, 0.55, 0.20, 0.15},    /* SUV assumed */
    {ORGAN_KIDNEY, 8, -45, -65, 151, 36, 0.75, 0.75, 1.65, 3.2, 0.70, 0.10, 0.04},      /* cortex: assumed */
    {ORGAN_KIDNEY, 132, -45, -58, 151, 36, 0.75, 0.75, 1.65, 3.2, 0.70, 0.10, 0.04},
    {ORGAN_BRAIN, 61, 29, 407, 932, 200, 1.00, 1.20, 0.90, 8.0, 2.2, 0.12, 0.04},
    {ORGAN_GLAND, 27, 30, 322, 25, 6, 0.70, 1.0, 1.3, 2.3, 0.9, 0.15, 0.10},            /* parotids: assumed */
    {ORGAN_GLAND, 103, 30, 322, 25, 6, 0.70, 1.0, 1.3, 2.3, 0.9, 0.15, 0.10},
    {ORGAN_GLAND, 65, 62, 298, 5, 1.5, 1.4, 1.0, 0.7, 3.3, 1.5, 0.10, 0.10},            /* sublingual */
    {ORGAN_TONSIL, 50, 42, 315, 2.0, 0.6, 0.8, 1.0, 1.3, 3.45, 1.4, 0.10, 0.10},
    {ORGAN_TONSIL, 80, 42, 315, 2.0, 0.6, 0.8, 1.0, 1.3, 3.45, 1.4, 0.10, 0.10},
    {ORGAN_AORTA, 72, -35, 20, 130, 30, 0.22, 0.22, 4.2, 1.55, 0.38, 0.04, 0.02},       /* blood pool */
};

static double draw_positive(struct rng *r, double mean, double sd)
{
    double v = mean + sd * (double)rng_normal(r);
    return fmin(fmax(v, 0.4 * mean), mean + 2.5 * sd); /* no organ vanishes, none is a giant */
}

static struct place radii(double volume_ml, double wide, double deep, double tall)
{
    double scale = cbrt(volume_ml * 1000.0 / (4.0 / 3.0 * 3.141592653589793 * wide * deep * tall));
    return (struct place){scale * wide, scale * deep, scale * tall};
}

/* Marked organs are left as they are: what is completed goes over soft tissue only. */
static void paint_spine(struct phantom *ph, const struct patient *p, struct rng *r, int only)
{
    double suv = draw_positive(r, 0.9, 0.2); /* marrow: SUVmax 1.0 published for the mean patient */
    for (double up = -250.0; up <= 300.0; up += 30.0) {
        struct blob b = {.centre = body_place(p, 65.0, -62.0 + 15.0 * sin(up / 130.0), up), .radius = {20, 16, 13.5 * p->size}};
        phantom_paint(ph, &b, suv * (1.0 + 0.08 * (double)rng_normal(r)), 0.05, ORGAN_MARROW, only);
    }
}

/* Left ventricle: a thick cup round blood. Fasting hearts hardly show; others reach SUV 8 to 13 (measured maxima). */
static void paint_heart(struct phantom *ph, const struct patient *p, struct rng *r, bool marked)
{
    struct blob b = {.centre = body_place(p, 92, 19, 78), .rough = 0.05};
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
    struct blob ventricle = {.centre = b.centre, .radius = {42, 36, 44}, .turn_rad = 0.7, .tilt_rad = 0.6, .hollow = 0.62, .rough = 0.05};
    ventricle.centre.left += 12.0;
    blob_draw_waves(&ventricle, r);
    phantom_paint(ph, &ventricle, wall, 0.15, ORGAN_HEART, marked ? ORGAN_HEART : OVER_ANY);
}

/* Urine: renal pelvis 30-44 and bladder 66-90 are measured maxima; lower after voiding or drinking (assumed). */
static void paint_urine(struct phantom *ph, const struct patient *p, struct rng *r, bool marked)
{
    double middle = body_place(p, 65, 0, -65).left;
    for (int side = 0; side < 2; side++) {
        struct blob pelvis = {.centre = body_place(p, side == 0 ? 18 : 122, -38, -65), .rough = 0.15};
        pelvis.radius = radii(rng_range(r, 1.5, 7.0), 0.8, 0.8, 1.4);
        blob_draw_waves(&pelvis, r);
        struct place kidney;
        if (marked && phantom_centroid(ph, ORGAN_KIDNEY, side == 0 ? -1e3 : middle, side == 0 ? middle : 1e3, &kidney) > 0)
            pelvis.centre = (struct place){kidney.left + (side == 0 ? 8.0 : -8.0), kidney.front + 4.0, kidney.up};
        phantom_paint(ph, &pelvis, 6.0 * exp(rng_range(r, 0.0, 1.9)), 0.1, ORGAN_RENAL_PELVIS, marked ? ORGAN_KIDNEY : OVER_ANY);
    }
    struct blob bladder = {.centre = body_place(p, 66, -20, -294), .rough = 0.06};
    bladder.radius = radii(draw_positive(r, 147, 71), 1.15, 1.0, 0.85);
    blob_draw_waves(&bladder, r);
    double urine = 8.0 * exp(rng_range(r, 0.0, 2.3));
    if (marked)
        phantom_fill(ph, ORGAN_BLADDER, urine, 0.03);
    else
        phantom_paint(ph, &bladder, urine, 0.03, ORGAN_BLADDER, OVER_ANY);
}

/* Colon and small bowel: a tube along a wandering path, with segments that are hotter (assumed throughout). */
static void paint_bowel(struct phantom *ph, const struct patient *p, struct rng *r)
{
    double tone = exp(0.35 * (double)rng_normal(r)); /* metformin and meals: the whole bowel is more or less hot */
    double left = -45, front = 25, up = -250, heading[3] = {0, 0, 1};
    for (int i = 0; i < 130; i++) {
        struct blob b = {.centre = body_place(p, left, front, up), .radius = {14, 14, 14}, .rough = 0.1};
        blob_draw_waves(&b, r);
        double wave = 1.0 + 0.35 * sin(0.35 * i + 5.0 * tone);
        phantom_paint(ph, &b, 1.1 * tone * wave, 0.15, ORGAN_BOWEL, ORGAN_SOFT);
        for (int a = 0; a < 3; a++)
            heading[a] = 0.8 * heading[a] + 0.5 * (double)rng_normal(r);
        /* turn back at the walls of the abdomen */
        left += 9.0 * heading[0], front += 5.0 * heading[1], up += 9.0 * heading[2];
        if (left < -50 || left > 180)
            heading[0] = -heading[0], left = fmin(fmax(left, -50), 180);
        if (front < -15 || front > 60)
            heading[1] = -heading[1], front = fmin(fmax(front, -15), 60);
        if (up < -270 || up > -75)
            heading[2] = -heading[2], up = fmin(fmax(up, -270), -75);
    }
}

void body_paint(struct phantom *ph, const struct patient *p, bool marked)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_ORGANS), texture = draw_rng(p->seed, p->number, DRAW_TEXTURE);
    phantom_draw_texture(ph, &texture);
    if (marked)
        outline_complete(ph, p);
    else
        outline_paint(ph, p);
    bool filled[ORGANS] = {false};
    for (size_t i = 0; i < COUNT_OF(organ_rows); i++) {
        const struct organ_row *row = &organ_rows[i];
        struct blob b = {.centre = body_place(p, row->left, row->front, row->up), .rough = row->rough};
        b.centre.left += 4.0 * (double)rng_normal(&r);
        b.centre.front += 4.0 * (double)rng_normal(&r);
        b.centre.up += 6.0 * (double)rng_normal(&r);
        b.radius = radii(draw_positive(&r, row->volume_ml, row->volume_sd), row->wide, row->deep, row->tall);
        blob_draw_waves(&b, &r);
        double suv = draw_positive(&r, row->suv, row->suv_sd);
        if (!marked)
            phantom_paint(ph, &b, suv, row->heterogeneity, row->organ, OVER_ANY);
        else if (anatomy_label(row->organ) == 0)
            phantom_paint(ph, &b, suv, row->heterogeneity, row->organ, ORGAN_SOFT);
        else if (!filled[row->organ])
            phantom_fill(ph, row->organ, suv, row->heterogeneity);
        filled[row->organ] = true;
    }
    if (marked) /* the parametric body has none of its own */
        phantom_fill(ph, ORGAN_PROSTATE, draw_positive(&r, 2.0, 0.5), 0.10); /* assumed */
    paint_spine(ph, p, &r, marked ? ORGAN_SOFT : OVER_ANY);
    paint_heart(ph, p, &r, marked);
    paint_bowel(ph, p, &r);
    paint_urine(ph, p, &r, marked);
    if (p->male)
        for (int side = 0; side < 2; side++) {
            struct blob b = {.centre = body_place(p, side == 0 ? 47 : 83, 62, -375), .radius = {12, 14, 18}};
            phantom_paint(ph, &b, draw_positive(&r, 2.57, 0.56), 0.08, ORGAN_TESTIS, marked ? ORGAN_SOFT : OVER_ANY);
        }
}
