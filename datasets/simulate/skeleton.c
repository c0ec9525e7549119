/* SPDX-License-Identifier: Apache-2.0 */
/* skeleton -- bones with their marrow, and the larger muscles.   body -> [skeleton] -> bowel
 *
 * Marrow's maximum of 1.0 is published; muscle, bones' sizes and places: assumed. Everything goes over soft tissue and
 * fat alone, so organs keep their voxels. */
#include "datasets/simulate/body.h"
#include <math.h>

static const double pi = 3.141592653589793;

struct skeleton {
    struct phantom *ph;
    const struct patient *p;
    struct rng *r;
    double marrow, muscle;
};

static struct tube_point point(const struct skeleton *s, double left, double front, double up, double radius_mm,
                               double suv)
{
    return (struct tube_point){body_point(s->p, left, front, up), radius_mm * sqrt(s->p->size), suv};
}

static double spine_front(double up)
{
    return -62.0 + 14.0 * sin(up / 130.0) + (up > 240.0 ? 0.25 * (up - 240.0) : 0.0);
}

/* Vertebrae: bodies with discs between, an arch and spine behind. */
static void paint_spine(const struct skeleton *s)
{
    for (double up = -225.0; up <= 318.0;) {
        double high = up < -70.0 ? 36.0 : up < 225.0 ? 25.0 : 17.0, half = up < 225.0 ? 0.5 * high : 9.0;
        double radius = up < -70.0 ? 21.0 : up < 225.0 ? 17.0 : 10.0;
        double suv = s->marrow * (1.0 + 0.08 * (double)rng_normal(s->r));
        struct blob body = {.centre = body_point(s->p, 65.0, spine_front(up), up),
                            .radius = {radius * 1.1, radius * 0.85, half * 0.95 * s->p->size}};
        phantom_paint(s->ph, &body, suv, 0.06, ORGAN_MARROW, OVER_SOFT);
        struct tube_point arch[2] = {point(s, 65, spine_front(up) - 26, up - 2, 7, 0.7 * suv),
                                     point(s, 65, spine_front(up) - 42, up - 10, 4, 0.6 * suv)};
        phantom_paint_tube(s->ph, arch, 2, 0.05, ORGAN_MARROW, OVER_SOFT);
        up += high;
    }
}

static void paint_pelvis(const struct skeleton *s)
{
    struct blob sacrum = {.centre = body_point(s->p, 65, -72, -262), .radius = {46, 17, 42 * s->p->size}, .taper = -0.45};
    phantom_paint(s->ph, &sacrum, s->marrow, 0.08, ORGAN_MARROW, OVER_SOFT);
    for (int side = -1; side <= 1; side += 2) {
        double m = s->marrow;
        struct tube_point wing[5] = {
            point(s, 65 + side * 44, -74, -225, 11, m), point(s, 65 + side * 84, -52, -198, 11, m),
            point(s, 65 + side * 122, -12, -205, 9, m), point(s, 65 + side * 112, 18, -240, 9, 0.9 * m),
            point(s, 65 + side * 98, -2, -290, 13, 0.9 * m)};
        struct tube_point blade[3] = {point(s, 65 + side * 60, -66, -238, 10, m),
                                      point(s, 65 + side * 98, -30, -232, 8, m),
                                      point(s, 65 + side * 92, -18, -288, 15, m)};
        struct tube_point ring[4] = {
            point(s, 65 + side * 90, -22, -312, 14, 0.9 * m), point(s, 65 + side * 62, -42, -358, 11, 0.8 * m),
            point(s, 65 + side * 34, 14, -345, 8, 0.8 * m), point(s, 65 + side * 10, 28, -325, 8, 0.8 * m)};
        phantom_paint_tube(s->ph, wing, 5, 0.08, ORGAN_MARROW, OVER_SOFT);
        phantom_paint_tube(s->ph, blade, 3, 0.08, ORGAN_MARROW, OVER_SOFT);
        phantom_paint_tube(s->ph, ring, 4, 0.08, ORGAN_MARROW, OVER_SOFT);
    }
}

/* Ten ribs a side, falling as they come round; and what they meet in front. */
static void paint_cage(const struct skeleton *s)
{
    for (int rib = 0; rib < 10; rib++) {
        double up = 205.0 - 25.0 * rib, wide = (rib < 3 ? 96.0 + 18.0 * rib : 146.0),
               deep = rib < 3 ? 66.0 + 10.0 * rib : 92.0;
        for (int side = -1; side <= 1; side += 2) {
            struct tube_point arc[9];
            int points = rib < 7 ? 9 : 7;
            for (int i = 0; i < points; i++) {
                double turn = pi * (0.06 + 0.88 * i / 8.0);
                arc[i] = point(s, 65.0 + side * wide * sin(turn), -12.0 - deep * cos(turn),
                               up + 14.0 - 58.0 * i / 8.0 + (i > 6 ? 12.0 * (i - 6) : 0), i > 6 ? 4.0 : 5.0,
                               0.75 * s->marrow);
            }
            phantom_paint_tube(s->ph, arc, (size_t)points, 0.05, ORGAN_MARROW, OVER_SOFT);
        }
    }
    struct tube_point sternum[3] = {point(s, 65, 62, 190, 11, s->marrow), point(s, 65, 78, 130, 10, s->marrow),
                                    point(s, 65, 84, 60, 8, 0.8 * s->marrow)};
    phantom_paint_tube(s->ph, sternum, 3, 0.06, ORGAN_MARROW, OVER_SOFT);
    for (int side = -1; side <= 1; side += 2) {
        struct tube_point clavicle[3] = {point(s, 65 + side * 18, 52, 205, 7, 0.7 * s->marrow),
                                         point(s, 65 + side * 80, 34, 222, 6, 0.6 * s->marrow),
                                         point(s, 65 + side * 140, -8, 214, 7, 0.6 * s->marrow)};
        struct tube_point scapula[3] = {point(s, 65 + side * 150, -18, 205, 12, 0.7 * s->marrow),
                                        point(s, 65 + side * 108, -78, 175, 6, 0.6 * s->marrow),
                                        point(s, 65 + side * 98, -84, 95, 5, 0.6 * s->marrow)};
        phantom_paint_tube(s->ph, clavicle, 3, 0.05, ORGAN_MARROW, OVER_SOFT);
        phantom_paint_tube(s->ph, scapula, 3, 0.05, ORGAN_MARROW, OVER_SOFT);
    }
}

static void paint_limb_bones(const struct skeleton *s)
{
    struct tube_point at[LIMB_POINTS];
    for (enum limb limb = LIMB_ARM; limb <= LIMB_LEG; limb++)
        for (int side = -1; side <= 1; side += 2) {
            limb_place(s->p, limb, side, at);
            double thick = limb == LIMB_LEG ? 14.0 : 10.0;
            for (int i = 0; i < LIMB_POINTS; i++) {
                at[i].radius_mm = i == 0                       ? 1.7 * thick
                                  : i == 3 && limb == LIMB_LEG ? 2.0 * thick
                                                               : thick * (i < 3 ? 1.0 : 0.8);
                at[i].suv = s->marrow * (i < 2 ? 0.7 : 0.35); /* red marrow ends in the shafts */
            }
            phantom_paint_tube(s->ph, at, LIMB_POINTS, 0.05, ORGAN_MARROW, OVER_SOFT);
        }
}

static void skull_paint(struct phantom *ph, const struct patient *p, double suv)
{
    struct blob skull = {.centre = body_point(p, 65, 8, 398), .radius = {71, 92, 84}, .hollow = 0.90};
    phantom_paint(ph, &skull, suv, 0.05, ORGAN_MARROW, OVER_SOFT);
    struct tube_point jaw[5];
    for (int i = 0; i < 5; i++) {
        double turn = pi * (i - 2) / 4.0;
        jaw[i] = (struct tube_point){
            body_point(p, 65.0 + 50.0 * sin(turn), 18.0 + 66.0 * cos(turn), 304.0 + 10.0 * fabs(i - 2.0)), 7.0, suv};
    }
    phantom_paint_tube(ph, jaw, 5, 0.05, ORGAN_MARROW, OVER_SOFT);
}

/* Beside the spine, in the loin, over the buttocks, in the thighs and shoulders. */
static void paint_muscles(const struct skeleton *s)
{
    static const struct {
        double out[2], front[2], up[2], radius_mm;
    } rows[] = {{{30, 36}, {-98, -98}, {-220, 200}, 20},  {{26, 34}, {-100, -84}, {200, 270}, 15},
                {{34, 46}, {-52, -30}, {-110, -230}, 20}, {{46, 80}, {-30, 0}, {-230, -330}, 20},
                {{62, 90}, {-84, -70}, {-240, -330}, 36}, {{95, 95}, {26, 14}, {-350, -640}, 36},
                {{92, 88}, {-62, -46}, {-380, -640}, 32}, {{40, 110}, {60, 20}, {150, 175}, 16},
                {{60, 120}, {-92, -60}, {220, 195}, 14},  {{100, 120}, {-88, -84}, {60, 150}, 16},
                {{30, 44}, {-20, 10}, {300, 330}, 9}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int side = -1; side <= 1; side += 2) {
            struct tube_point belly[2];
            for (int k = 0; k < 2; k++)
                belly[k] =
                    point(s, 65 + side * rows[i].out[k], rows[i].front[k], rows[i].up[k], rows[i].radius_mm, s->muscle);
            phantom_paint_tube(s->ph, belly, 2, 0.12, ORGAN_MUSCLE, ORGAN_SOFT);
        }
}

void skeleton_paint(struct phantom *ph, const struct patient *p, struct rng *r)
{
    struct skeleton s = {ph, p, r, fmax(0.95 + 0.2 * (double)rng_normal(r), 0.5),
                         fmax(0.75 + 0.12 * (double)rng_normal(r), 0.5)};
    paint_spine(&s);
    paint_pelvis(&s);
    paint_cage(&s);
    paint_limb_bones(&s);
    skull_paint(ph, p, 0.5 * s.marrow);
    paint_muscles(&s);
}
