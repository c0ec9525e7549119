/* SPDX-License-Identifier: Apache-2.0 */
/* bowel -- colon and small bowel as loops, hot in parts.   body -> [bowel] -> mimic
 *
 * Their course is an anatomy book's; calibre, wall uptake, and how many runs of them are hot, how long and how hot:
 * assumed. Hot runs are what a clusterer finds, and with the urinary tract most of what the paper calls non-tumour
 * regions. */
#include "datasets/simulate/body.h"
#include <math.h>

enum { PATH_MOST = 700, STEP_MM = 6, APART_MM = 20 };
struct path {
    struct tube_point point[PATH_MOST];
    size_t count;
};

static const double midline = 65.0, pi = 3.141592653589793;

/* A smooth curve through the places (Catmull-Rom), a point every STEP_MM. */
static void path_through(struct path *path, const struct point *at, size_t count)
{
    path->count = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        struct point a = at[i == 0 ? 0 : i - 1], b = at[i], c = at[i + 1], d = at[i + 2 < count ? i + 2 : count - 1];
        double length = place_distance(c, b);
        int steps = (int)fmax(ceil(length / STEP_MM), 1.0);
        for (int k = 0; k < steps && path->count < PATH_MOST; k++) {
            double t = (double)k / steps, t2 = t * t, t3 = t2 * t;
            double wa = -0.5 * t3 + t2 - 0.5 * t, wb = 1.5 * t3 - 2.5 * t2 + 1.0, wc = -1.5 * t3 + 2.0 * t2 + 0.5 * t,
                   wd = 0.5 * t3 - 0.5 * t2;
            path->point[path->count++].at = (struct point){wa * a.left + wb * b.left + wc * c.left + wd * d.left,
                                                           wa * a.front + wb * b.front + wc * c.front + wd * d.front,
                                                           wa * a.up + wb * b.up + wc * c.up + wd * d.up};
        }
    }
}

/* Background of the wall: a slow walk about its tone. */
static void path_warm(struct path *path, struct rng *r, double suv, double calibre_mm)
{
    double walk = 0.0;
    for (size_t i = 0; i < path->count; i++) {
        walk = 0.85 * walk + 0.15 * (double)rng_normal(r);
        path->point[i].suv = suv * exp(0.8 * walk);
        path->point[i].radius_mm = calibre_mm * (1.0 + 0.14 * sin(0.95 * (double)i) + 0.35 * walk);
    }
}

/* A stretch of the loop that is hotter, from point `at`, fading at its ends; narrower where it contracts. */
static void path_heat(struct path *path, size_t at, size_t length, double suv, double radius_mm)
{
    for (size_t i = 0; i < length && at + i < path->count; i++) {
        struct tube_point *p = &path->point[at + i];
        double fade = sin(pi * ((double)i + 0.5) / (double)length);
        p->suv = fmax(p->suv, 1.0 + (suv - 1.0) * pow(fade, 0.7));
        p->radius_mm += fade * (fmin(radius_mm, p->radius_mm) - p->radius_mm);
    }
}

/* Two hot segments side by side would be one in the scan. */
static bool is_apart(const struct phantom *ph, struct point at)
{
    for (size_t i = 0; i < ph->hots; i++)
        if (place_distance(at, ph->hot[i].centre) < APART_MM)
            return false;
    return true;
}

/* Paints the loop: its wall with warm stretches; then, on top of whatever loops are there, one hot segment after
 * another, with gaps between them that are the wider the cooler the bowel is, and here and there a long one that is
 * quiet. */
static void path_paint(struct phantom *ph, struct path *path, struct rng *r, const char *what, double gap_steps)
{
    for (int i = 0; i < 4; i++)
        path_heat(path, rng_below(r, (uint32_t)path->count), 10 + rng_below(r, 25), rng_range(r, 1.3, 2.1), 15.0);
    phantom_paint_tube(ph, path->point, path->count, 0.15, ORGAN_BOWEL, OVER_SOFT);
    uint32_t walls = ph->soft;
    ph->soft |= UINT32_C(1) << ORGAN_BOWEL;
    size_t at = 2 + rng_below(r, 4);
    while (at + 7 < path->count) {
        size_t length = 2 + rng_below(r, 2);
        double suv = 4.6 * exp(1.4 * (double)rng_uniform(r) * (double)rng_uniform(r)), radius = rng_range(r, 3.5, 6.5);
        if (!is_apart(ph, path->point[at + length / 2].at)) {
            at++;
            continue;
        }
        /* as hot as is needed for a tube so thin to show `suv` after a blur of 5.5 mm */
        path_heat(path, at, length, suv / (1.0 - exp(-radius * radius / (2.0 * 2.34 * 2.34))), radius);
        size_t voxels = phantom_paint_tube(ph, path->point + at, length, 0.15, ORGAN_BOWEL, OVER_SOFT);
        phantom_note(ph, what, path->point[at + length / 2].at, suv, 2.0 * radius, voxels);
        at += length + 1 + (size_t)(gap_steps * (double)rng_uniform(r) * 2.0);
        at += rng_uniform(r) < 0.06F ? 15 + rng_below(r, 25) : 0;
    }
    ph->soft = walls;
}

static void colon_path(struct path *path, const struct patient *p, struct rng *r)
{
    static const struct {
        double left, front, up;
    } course[] = {{-22, 22, -252},  {-34, 20, -225}, {-42, 2, -165},  {-44, -4, -110}, {-30, 22, -88},
                  {10, 52, -112},   {62, 60, -132},  {112, 54, -112}, {150, 24, -72},  {168, -14, -52},
                  {174, -18, -110}, {170, -6, -175}, {156, 12, -222}, {122, 24, -256}, {92, 16, -232},
                  {72, -18, -246},  {65, -46, -272}, {65, -52, -312}, {65, -44, -340}};
    struct point at[COUNT_OF(course)];
    double sag = 22.0 * (double)rng_normal(r), sway = 14.0 * (double)rng_normal(r);
    for (size_t i = 0; i < COUNT_OF(course); i++) {
        double loose = i >= 5 && i <= 8 ? 1.0 : i >= 12 && i <= 15 ? 0.8 : 0.0; /* what hangs moves */
        at[i] = body_point(p, course[i].left + loose * sway + 4.0 * (double)rng_normal(r),
                           course[i].front + 4.0 * (double)rng_normal(r),
                           course[i].up + loose * sag + 5.0 * (double)rng_normal(r));
    }
    path_through(path, at, COUNT_OF(course));
}

/* A tangle of loops in the middle of the abdomen: from place to place in it, never too near, never right across. */
static void small_bowel_path(struct path *path, const struct patient *p, struct rng *r)
{
    struct point at[52];
    double before[3] = {80.0, 10.0, -92.0};
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        double next[3] = {before[0], before[1], before[2]}, off = 0.0, out = 2.0;
        for (int look = 0; look < 200 && (off < 38.0 || off > 95.0 || out > 1.0); look++) {
            next[0] = midline + rng_range(r, -88.0, 88.0), next[1] = rng_range(r, -12.0, 66.0),
            next[2] = rng_range(r, -268.0, -92.0);
            off = sqrt((next[0] - before[0]) * (next[0] - before[0]) + (next[1] - before[1]) * (next[1] - before[1]) +
                       (next[2] - before[2]) * (next[2] - before[2]));
            double u = (next[0] - midline) / 88.0, v = (next[2] + 180.0) / 88.0;
            out = u * u + v * v;
        }
        at[i] = body_point(p, next[0], next[1], next[2]);
        for (int a = 0; a < 3; a++)
            before[a] = next[a];
    }
    path_through(path, at, COUNT_OF(at));
}

void bowel_paint(struct phantom *ph, const struct patient *p, struct rng *r)
{
    struct blob mesentery = {.centre = body_point(p, midline, 22, -165),
                             .radius = {105 * p->girth, 62 * p->girth, 105 * p->size}};
    phantom_paint(ph, &mesentery, 0.4, 0.1, ORGAN_FAT, ORGAN_SOFT);
    /* metformin and meals: the whole bowel is more or less hot */
    double tone = exp(0.25 * (double)rng_normal(r)), hot = exp(0.35 * (double)rng_normal(r));
    struct path path;
    colon_path(&path, p, r);
    path_warm(&path, r, 0.9 * tone, 17.0);
    path_paint(ph, &path, r, "colon", 1.1 / hot);
    small_bowel_path(&path, p, r);
    path_warm(&path, r, 0.95 * tone, 11.5);
    path_paint(ph, &path, r, "small bowel", 1.1 / hot);
}
