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
    int least, most;              /* how many */
    bool both_sides;              /* a side is drawn for each; rows give the left */
    double left[2], front[2], up[2]; /* mm from the liver's centroid, of the average body; the midline is at left 65 */
    double radius_mm[2], longer;  /* longer: up to so many times along the body */
    double suv[2];
    enum organ organ, inside;     /* what it becomes; where its middle lies, or TISSUE */
} rows[] = {
    {"bowel", ANYONE, 26, 62, false, {-48, 178}, {0, 62}, {-268, -72}, {4.5, 10}, 2.0, {3.0, 12.0}, ORGAN_BOWEL, TISSUE},
    {"rectum", ANYONE, 0, 3, false, {55, 75}, {-48, -38}, {-330, -270}, {6, 10}, 1.5, {3.0, 8.0}, ORGAN_BOWEL, TISSUE},
    {"duodenum", ANYONE, 0, 3, false, {25, 75}, {5, 35}, {-75, -35}, {5, 9}, 1.6, {3.0, 8.0}, ORGAN_BOWEL, TISSUE},
    {"stomach wall", ANYONE, 0, 4, false, {75, 155}, {-20, 45}, {-45, 35}, {5, 10}, 1.5, {3.2, 8.0}, ORGAN_STOMACH, ORGAN_STOMACH},
    {"oesophagus", ANYONE, 0, 4, false, {60, 74}, {-42, -28}, {40, 215}, {4, 6}, 2.5, {3.0, 6.0}, ORGAN_MUSCLE, TISSUE},
    {"node, hilum or mediastinum", ANYONE, 2, 9, true, {65, 105}, {-30, 5}, {95, 175}, {4, 8}, 1.5, {3.0, 8.0}, ORGAN_SOFT, TISSUE},
    {"node, axilla", ANYONE, 0, 5, true, {180, 210}, {-30, 10}, {145, 190}, {4, 7}, 1.4, {3.0, 7.0}, ORGAN_SOFT, TISSUE},
    {"node, groin", ANYONE, 1, 6, true, {100, 140}, {20, 55}, {-360, -315}, {4, 7}, 1.6, {3.0, 6.5}, ORGAN_SOFT, TISSUE},
    {"node, neck", ANYONE, 0, 5, true, {85, 108}, {5, 35}, {250, 305}, {4, 6}, 1.6, {3.0, 7.0}, ORGAN_SOFT, TISSUE},
    {"mouth and tongue", ANYONE, 1, 5, true, {65, 88}, {40, 85}, {285, 325}, {4, 8}, 1.2, {3.2, 9.0}, ORGAN_MUSCLE, TISSUE},
    {"vocal cord", ANYONE, 0, 2, true, {68, 74}, {28, 42}, {256, 268}, {4, 6}, 1.2, {3.0, 7.0}, ORGAN_MUSCLE, TISSUE},
    {"eye muscle", ANYONE, 2, 5, true, {78, 102}, {80, 105}, {365, 385}, {4, 6}, 1.0, {3.5, 9.0}, ORGAN_MUSCLE, TISSUE},
    {"neck and shoulder muscle", ANYONE, 0, 6, true, {85, 150}, {-60, -20}, {195, 275}, {5, 9}, 2.5, {3.0, 7.0}, ORGAN_MUSCLE, TISSUE},
    {"shoulder joint", ANYONE, 0, 5, true, {200, 230}, {-30, 10}, {180, 212}, {4, 9}, 1.5, {3.0, 6.0}, ORGAN_MUSCLE, TISSUE},
    {"hip and sacroiliac joint", ANYONE, 1, 7, true, {100, 160}, {-60, -20}, {-330, -190}, {4, 9}, 1.5, {2.9, 6.0}, ORGAN_MUSCLE, TISSUE},
    {"worn vertebra", ANYONE, 2, 9, true, {65, 82}, {-75, -45}, {-240, 260}, {4, 8}, 1.3, {2.9, 6.5}, ORGAN_MARROW, TISSUE},
    {"marrow", ANYONE, 0, 4, true, {65, 80}, {-80, -45}, {-260, 220}, {6, 11}, 1.3, {2.6, 4.5}, ORGAN_MARROW, TISSUE},
    {"rib", ANYONE, 0, 4, true, {185, 215}, {-80, 60}, {-10, 170}, {4, 6}, 1.2, {2.9, 7.0}, ORGAN_MARROW, TISSUE},
    {"vessel wall", ANYONE, 1, 7, true, {65, 85}, {-42, -22}, {-160, 190}, {4, 5.5}, 2.5, {2.8, 5.0}, ORGAN_AORTA, TISSUE},
    {"inflamed lung", ANYONE, 0, 4, true, {85, 190}, {-90, -30}, {40, 130}, {4, 10}, 1.3, {3.0, 8.0}, ORGAN_LUNG, ORGAN_LUNG},
    {"inflamed skin or muscle", ANYONE, 0, 4, true, {80, 225}, {-110, 90}, {-480, 180}, {4, 8}, 1.5, {2.9, 9.0}, ORGAN_SOFT, TISSUE},
    {"thigh muscle", ANYONE, 0, 3, true, {120, 190}, {-60, -20}, {-490, -380}, {6, 12}, 3.0, {2.6, 5.5}, ORGAN_MUSCLE, TISSUE},
    {"uterus and ovaries", WOMEN, 0, 4, true, {65, 95}, {-25, 5}, {-275, -245}, {6, 11}, 1.2, {3.0, 9.0}, ORGAN_SOFT, TISSUE},
    {"breast", WOMEN, 0, 3, true, {125, 165}, {70, 105}, {80, 130}, {5, 9}, 1.0, {2.6, 5.0}, ORGAN_SOFT, TISSUE},
    {"urethra", MEN, 0, 2, false, {62, 68}, {5, 40}, {-350, -322}, {5, 8}, 1.8, {3.0, 20.0}, ORGAN_URETER, TISSUE},
};

static bool is_tissue(int organ)
{
    return organ != ORGAN_AIR && anatomy_label(organ) == 0;
}

static struct blob small_blob(struct rng *r, struct place centre, double low_mm, double high_mm, double longer)
{
    struct blob b = {.centre = centre, .rough = 0.2, .turn_rad = rng_range(r, 0, 3.1), .tilt_rad = rng_range(r, -0.8, 0.8)};
    b.radius.left = rng_range(r, low_mm, high_mm);
    b.radius.front = b.radius.left * rng_range(r, 0.7, 1.3);
    b.radius.up = b.radius.left * rng_range(r, 0.8, fmax(longer, 1.0));
    blob_draw_waves(&b, r);
    return b;
}

/* As hot as is needed for the blurred spot to show `suv`. */
static void paint_spot(struct phantom *ph, const struct blob *b, double suv, double psf_fwhm_mm, enum organ organ, int over)
{
    double diameter = 2.0 * cbrt(b->radius.left * b->radius.front * b->radius.up);
    phantom_paint(ph, b, suv / scanner_recovery(diameter, psf_fwhm_mm), 0.12, organ, over);
}

static void paint_row(struct phantom *ph, const struct patient *p, struct rng *r, const struct mimic_row *row, double psf_fwhm_mm)
{
    int count = row->least + (int)rng_below(r, (uint32_t)(row->most - row->least + 1));
    if ((row->who == MEN && !p->male) || (row->who == WOMEN && p->male))
        count = 0;
    for (int i = 0; i < count; i++) {
        struct place at;
        int organ, look = 0;
        do {
            double left = rng_range(r, row->left[0], row->left[1]);
            if (row->both_sides && rng_uniform(r) < 0.5F)
                left = 130.0 - left;
            at = body_place(p, left, rng_range(r, row->front[0], row->front[1]), rng_range(r, row->up[0], row->up[1]));
            organ = phantom_organ_at(ph, at);
        } while ((row->inside == TISSUE ? !is_tissue(organ) : organ != (int)row->inside) && ++look < 40);
        if (look >= 40)
            continue;
        struct blob b = small_blob(r, at, row->radius_mm[0], row->radius_mm[1], row->longer);
        double suv = row->suv[0] * pow(row->suv[1] / row->suv[0], (double)rng_uniform(r));
        paint_spot(ph, &b, suv, psf_fwhm_mm, row->organ, row->inside == TISSUE ? OVER_TISSUE : (int)row->inside);
    }
}

/* Urine between kidney and bladder, in beads. */
static void paint_ureters(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm)
{
    int beads = 1 + (int)rng_below(r, 9);
    for (int i = 0; i < beads; i++) {
        double side = rng_uniform(r) < 0.5F ? 30.0 : 105.0, down = rng_range(r, 0.1, 0.95);
        struct place at = body_place(p, side + (66.0 - side) * down * down, -48.0 + 15.0 * down, -90.0 - 190.0 * down);
        struct blob b = small_blob(r, at, 3.0, 5.5, 3.0);
        paint_spot(ph, &b, 3.0 * exp(rng_range(r, 0.0, 1.9)), psf_fwhm_mm, ORGAN_URETER, OVER_TISSUE);
    }
}

/* Brown fat and tensed muscle come in pairs either side of neck and shoulders, in some. */
static void paint_pairs(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm)
{
    int pairs = rng_uniform(r) < 0.35F ? 1 + (int)rng_below(r, 5) : 0;
    for (int i = 0; i < pairs; i++) {
        double out = rng_range(r, 25, 110), up = rng_range(r, 180, 275), front = rng_range(r, -55, 15), suv = rng_range(r, 2.8, 9.0);
        for (int side = -1; side <= 1; side += 2) {
            struct blob b = small_blob(r, body_place(p, 65.0 + side * out, front, up), 5, 11, 1.8);
            paint_spot(ph, &b, suv * (1.0 + 0.1 * (double)rng_normal(r)), psf_fwhm_mm, ORGAN_MUSCLE, OVER_TISSUE);
        }
    }
}

/* A spill where the tracer went in, in an arm held at the side. */
static void paint_injection(struct phantom *ph, const struct patient *p, struct rng *r, double psf_fwhm_mm)
{
    if (!p->arms_down || rng_uniform(r) >= 0.4F)
        return;
    struct blob b = small_blob(r, body_place(p, rng_uniform(r) < 0.5F ? -145 : 275, 5, -60), 5, 9, 2.0);
    paint_spot(ph, &b, rng_range(r, 5, 40), psf_fwhm_mm, ORGAN_SOFT, OVER_TISSUE);
}

void mimics_paint(struct phantom *ph, const struct patient *p, double psf_fwhm_mm, const struct spots *seen)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_MIMICS);
    for (int organ = 0; organ < ORGANS; organ++)
        ph->tissue |= is_tissue(organ) ? UINT32_C(1) << organ : 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        paint_row(ph, p, &r, &rows[i], psf_fwhm_mm);
    paint_ureters(ph, p, &r, psf_fwhm_mm);
    paint_pairs(ph, p, &r, psf_fwhm_mm);
    paint_injection(ph, p, &r, psf_fwhm_mm);
    for (size_t i = 0; seen && i < seen->count; i++) {
        struct blob b = small_blob(&r, seen->at[i], 5, 10, 1.6);
        paint_spot(ph, &b, 2.6 * exp(rng_range(&r, 0.0, 1.3)), psf_fwhm_mm, ORGAN_BOWEL, OVER_TISSUE);
    }
}
