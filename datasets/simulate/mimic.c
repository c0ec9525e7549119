/* SPDX-License-Identifier: Apache-2.0 */
/* mimic -- hot spots that are no tumour.   body -> [mimic] -> lesion -> scanner
 *
 * That these things take up FDG, and where, is in every atlas of its physiological and benign uptake; how many there are, how
 * large and how hot: assumed, and set so that the default clusterer finds as many regions a scan as the paper reports
 * (78 beside 11 tumours at autoPET's voxels; a real scan of 4.7 mm voxels gave 37). SUV is what the scan is to show. */
#include "datasets/simulate/mimic.h"
#include "datasets/simulate/scanner.h"
#include <math.h>

enum who { ANYONE, MEN, WOMEN };
#define TISSUE ORGAN_AIR /* of `inside`: air holds nothing, so it is free to mean any that no map can mark */

static const struct mimic_row {
    const char *what;
    enum who who;
    int least, most;                 /* how many */
    bool both_sides;                 /* a side is drawn for each; rows give the left */
    double left[2], front[2], up[2]; /* mm from the liver's centroid, of the average body; the midline is at left 65 */
    double radius_mm[2], longer;     /* longer: up to so many times along the body */
    double suv[2];
    enum organ organ, inside; /* what it becomes; where its middle lies, or TISSUE */
} rows[] = {
    {"rectum", ANYONE, 0, 1, false, {60, 70}, {-56, -44}, {-335, -285}, {6, 10}, 1.5, {3.0, 8.0}, ORGAN_BOWEL, TISSUE},
    {"duodenum", ANYONE, 1, 5, false, {25, 75}, {5, 35}, {-85, -45}, {5, 9}, 1.6, {3.0, 8.0}, ORGAN_BOWEL, TISSUE},
    {"stomach wall", ANYONE, 1, 6, false, {75, 155}, {-20, 45}, {-45, 35}, {5, 10}, 1.5, {3.2, 8.0}, ORGAN_STOMACH, ORGAN_STOMACH},
    {"oesophagus", ANYONE, 0, 2, false, {60, 74}, {-42, -28}, {20, 215}, {4, 6}, 2.5, {3.0, 6.0}, ORGAN_MUSCLE, TISSUE},
    {"reactive node, hilum", ANYONE, 0, 4, true, {80, 100}, {-25, -5}, {110, 140}, {4, 7}, 1.5, {2.8, 6.0}, ORGAN_SOFT, TISSUE},
    {"reactive node, axilla", ANYONE, 0, 2, true, {140, 165}, {-20, 10}, {140, 185}, {4, 6}, 1.4, {2.6, 5.0}, ORGAN_SOFT, TISSUE},
    {"reactive node, groin", ANYONE, 0, 3, true, {110, 140}, {30, 55}, {-350, -315}, {4, 6}, 1.6, {2.6, 5.0}, ORGAN_SOFT, TISSUE},
    {"reactive node, neck", ANYONE, 0, 4, true, {90, 110}, {5, 35}, {260, 305}, {4, 6}, 1.6, {2.8, 6.0}, ORGAN_SOFT, TISSUE},
    {"mouth and tongue", ANYONE, 3, 9, true, {65, 88}, {40, 85}, {285, 325}, {4, 8}, 1.2, {3.2, 9.0}, ORGAN_MUSCLE, TISSUE},
    {"vocal cord", ANYONE, 0, 2, true, {68, 74}, {14, 28}, {256, 268}, {4, 6}, 1.2, {3.0, 7.0}, ORGAN_MUSCLE, TISSUE},
    {"eye muscle", ANYONE, 3, 7, true, {82, 104}, {78, 98}, {365, 382}, {4, 6}, 1.0, {3.5, 9.0}, ORGAN_MUSCLE, TISSUE},
    {"nose and sinus", ANYONE, 1, 4, true, {65, 85}, {70, 100}, {330, 358}, {4, 7}, 1.3, {3.0, 7.0}, ORGAN_SOFT, TISSUE},
    {"shoulder joint", ANYONE, 0, 2, true, {205, 225}, {-30, 5}, {180, 205}, {4, 9}, 1.5, {2.6, 5.0}, ORGAN_MUSCLE, TISSUE},
    {"hip joint", ANYONE, 0, 2, true, {150, 175}, {-40, 0}, {-330, -290}, {4, 9}, 1.5, {2.6, 5.0}, ORGAN_MUSCLE, TISSUE},
    {"worn vertebra", ANYONE, 0, 4, true, {65, 82}, {-75, -45}, {-225, 260}, {4, 8}, 1.3, {2.6, 5.5}, ORGAN_MARROW, TISSUE},
    {"vessel wall", ANYONE, 0, 3, true, {65, 85}, {-42, -22}, {-160, 190}, {4, 5.5}, 2.5, {2.6, 4.0}, ORGAN_AORTA, TISSUE},
    {"inflamed lung", ANYONE, 0, 2, true, {85, 190}, {-90, -30}, {40, 130}, {4, 10}, 1.3, {2.6, 6.0}, ORGAN_LUNG, ORGAN_LUNG},
    {"inflamed skin or muscle",
     ANYONE,
     0,
     2,
     true,
     {80, 225},
     {-110, 90},
     {-480, 180},
     {4, 8},
     1.5,
     {2.6, 6.0},
     ORGAN_SOFT,
     TISSUE},
    {"uterus and ovaries", WOMEN, 0, 4, true, {65, 95}, {-25, 5}, {-275, -245}, {6, 11}, 1.2, {3.0, 9.0}, ORGAN_SOFT, TISSUE},
    {"breast", WOMEN, 0, 2, true, {125, 165}, {80, 105}, {80, 110}, {5, 9}, 1.0, {2.4, 4.0}, ORGAN_SOFT, TISSUE},
    {"urethra", MEN, 0, 1, false, {62, 68}, {5, 40}, {-350, -322}, {5, 8}, 1.8, {3.0, 20.0}, ORGAN_URETER, TISSUE},
};

static struct blob small_blob(struct rng *r, struct point centre, double low_mm, double high_mm, double longer)
{
    struct blob b = {
        .centre = centre, .rough = 0.2, .turn_rad = rng_range(r, 0, 3.1), .tilt_rad = rng_range(r, -0.8, 0.8)};
    b.radius.left = rng_range(r, low_mm, high_mm);
    b.radius.front = b.radius.left * rng_range(r, 0.7, 1.3);
    b.radius.up = b.radius.left * rng_range(r, 0.8, fmax(longer, 1.0));
    blob_draw_waves(&b, r);
    return b;
}

/* As hot as is needed for the blurred spot to show `suv`. */
static void paint_spot(struct phantom *ph, const struct blob *b, const char *what, double suv, double psf_fwhm_mm,
                       enum organ organ, int over)
{
    double diameter = 2.0 * cbrt(b->radius.left * b->radius.front * b->radius.up);
    size_t voxels = phantom_paint(ph, b, suv / scanner_recovery(diameter, psf_fwhm_mm), 0.12, organ, over);
    if (voxels > 0)
        phantom_note(ph, what, b->centre, suv, diameter, voxels);
}

static void paint_row(struct phantom *ph, const struct patient *p, struct rng *r, const struct mimic_row *row,
                      double psf_fwhm_mm)
{
    int count = row->least + (int)rng_below(r, (uint32_t)(row->most - row->least + 1));
    if ((row->who == MEN && !p->male) || (row->who == WOMEN && p->male))
        count = 0;
    for (int i = 0; i < count; i++) {
        struct point at;
        int organ, look = 0;
        do {
            double left = rng_range(r, row->left[0], row->left[1]);
            if (row->both_sides && rng_uniform(r) < 0.5F)
                left = 130.0 - left;
            at = body_point(p, left, rng_range(r, row->front[0], row->front[1]), rng_range(r, row->up[0], row->up[1]));
            organ = phantom_organ_at(ph, at);
        } while ((row->inside == TISSUE ? (ph->tissue >> organ & 1) == 0 : organ != (int)row->inside) && ++look < 40);
        if (look >= 40)
            continue;
        struct blob b = small_blob(r, at, row->radius_mm[0], row->radius_mm[1], row->longer);
        double suv = row->suv[0] * pow(row->suv[1] / row->suv[0], (double)rng_uniform(r));
        paint_spot(ph, &b, row->what, suv, psf_fwhm_mm, row->organ,
                   row->inside == TISSUE ? OVER_TISSUE : (int)row->inside);
    }
}

/* Urine on its way from kidney to bladder: a column that peristalsis breaks. */
static void paint_ureters(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm)
{
    int pieces = 3 + (int)rng_below(r, 12);
    for (int i = 0; i < pieces; i++) {
        double side = rng_uniform(r) < 0.5F ? 28.0 : 104.0, from = rng_range(r, 0.05, 0.95),
               length = rng_range(r, 0.03, 0.14);
        struct tube_point piece[3];
        double suv = 3.0 * exp(rng_range(r, 0.0, 1.9)), radius = rng_range(r, 2.5, 4.0);
        for (int k = 0; k < 3; k++) {
            double down = fmin(from + 0.5 * k * length, 1.0), wander = 5.0 * sin(9.0 * down + side);
            piece[k] = (struct tube_point){
                body_point(p, side + wander + (64.0 + (side < 65.0 ? -14.0 : 14.0) - side) * down * down,
                           -42.0 + 18.0 * down, -90.0 - 185.0 * down),
                radius, suv / scanner_recovery(2.6 * radius, psf_fwhm_mm)};
        }
        size_t voxels = phantom_paint_tube(ph, piece, 3, 0.1, ORGAN_URETER, OVER_TISSUE);
        if (voxels > 0)
            phantom_note(ph, "ureter", piece[1].at, suv, 2.0 * radius, voxels);
    }
}

/* Brown fat and tensed muscle come in pairs either side of neck and shoulders, in some. */
static void paint_pairs(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm)
{
    bool brown = rng_uniform(r) < 0.15F;
    int pairs = brown ? 4 + (int)rng_below(r, 6) : rng_uniform(r) < 0.25F ? 1 + (int)rng_below(r, 3) : 0;
    for (int i = 0; i < pairs; i++) {
        double out = rng_range(r, 25, 110), up = rng_range(r, 195, 275), front = rng_range(r, -50, 10),
               suv = rng_range(r, 2.8, 9.0);
        if (brown && i % 4 == 3) /* beside the spine, too */
            out = rng_range(r, 22, 30), up = rng_range(r, 40, 190), front = rng_range(r, -75, -65);
        for (int side = -1; side <= 1; side += 2) {
            struct blob b = small_blob(r, body_point(p, 65.0 + side * out, front, up), 5, 10, brown ? 1.8 : 3.0);
            paint_spot(ph, &b, brown ? "brown fat" : "tensed muscle", suv * (1.0 + 0.1 * (double)rng_normal(r)),
                       psf_fwhm_mm, brown ? ORGAN_FAT : ORGAN_MUSCLE, OVER_TISSUE);
        }
    }
}

/* A spill where the tracer went in: the crook of an arm. */
static void paint_injection(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm)
{
    bool spilt = rng_uniform(r) < 0.3F;
    struct tube_point arm[LIMB_POINTS];
    limb_place(p, LIMB_ARM, rng_uniform(r) < 0.5F ? -1 : 1, arm);
    struct point at = arm[2].at;
    at.front += 0.6 * arm[2].radius_mm;
    struct blob b = small_blob(r, at, 5, 9, 2.0);
    if (spilt)
        paint_spot(ph, &b, "injection site", rng_range(r, 5, 40), psf_fwhm_mm, ORGAN_SOFT, OVER_TISSUE);
}

void mimics_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct spots *seen)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_MIMICS);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        paint_row(ph, p, &r, &rows[i], psf_fwhm_mm);
    paint_ureters(ph, p, &r, psf_fwhm_mm);
    paint_pairs(ph, p, &r, psf_fwhm_mm);
    paint_injection(ph, p, &r, psf_fwhm_mm);
    for (size_t i = 0; seen && i < seen->count; i++) {
        struct blob b = small_blob(&r, seen->at[i], 5, 10, 1.6);
        paint_spot(ph, &b, "as in the study", 2.6 * exp(rng_range(&r, 0.0, 1.3)), psf_fwhm_mm, ORGAN_BOWEL, OVER_TISSUE);
    }
}
