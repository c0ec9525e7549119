/* SPDX-License-Identifier: Apache-2.0 */
/* outline -- skin, fat and the soft tissue that everything lies in.   patient -> [outline, body] -> lesion
 *
 * Trunk and head are an oval a slice: as wide and deep as the average body, and wherever marked organs reach further,
 * the organs and a margin. Limbs are tubes with joints. Tissue SUVs, proportions and margins: assumed. */
#include "datasets/simulate/body.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double fat_suv = 0.3, soft_suv = 0.65;

static double fat_depth_mm(const struct patient *p)
{
    return 6.0 + 45.0 * fmax(p->girth - 0.85, 0.0);
}

/* One slice's trunk or head; 0 wide where there is none. square: 0 an ellipse, 1 halfway to a rounded box, as trunks
 * are. */
struct oval {
    double left, front, wide, deep, square;
};

/* Half width and depth of the average trunk by height, mm; where its middle lies; how much of the girth it takes part
 * in. */
static struct oval oval_usual(const struct patient *p, double up)
{
    enum part { REST, HIPS, BELLY, SHOULDERS };
    static const struct {
        double up, wide, deep, front, girth;
        enum part part;
    } row[] = {{-412, 0, 0, -20, 1, HIPS},        {-392, 120, 84, -20, 1, HIPS},
               {-370, 164, 104, -18, 1, HIPS},    {-320, 176, 112, -16, 1, HIPS},
               {-260, 168, 108, -14, 1, HIPS},    {-200, 156, 104, -8, 1, BELLY},
               {-130, 146, 104, -4, 1, BELLY},    {-60, 150, 106, -4, 1, BELLY},
               {20, 158, 110, -8, 1, REST},       {90, 164, 112, -10, 1, REST},
               {145, 170, 106, -12, 1, REST},     {185, 172, 94, -14, 1, SHOULDERS},
               {208, 162, 80, -16, 1, SHOULDERS}, {226, 118, 68, -17, 0.8, SHOULDERS},
               {242, 76, 62, -15, 0.7, REST},     {262, 60, 58, -13, 0.5, REST},
               {286, 57, 58, -6, 0.3, REST},      {300, 58, 72, 6, 0.1, REST},
               {318, 64, 92, 12, 0, REST},        {345, 70, 99, 11, 0, REST},
               {380, 75, 101, 9, 0, REST},        {415, 77, 99, 7, 0, REST},
               {448, 72, 92, 3, 0, REST},         {470, 58, 74, 0, 0, REST},
               {484, 38, 50, -2, 0, REST},        {492, 0, 0, -2, 0, REST}};
    const double part[] = {[REST] = 1.0, [HIPS] = p->hips, [BELLY] = p->belly, [SHOULDERS] = p->shoulders};
    double at = up / p->size;
    if (at <= row[0].up || at >= row[COUNT_OF(row) - 1].up)
        return (struct oval){0};
    size_t i = 1;
    while (row[i].up < at)
        i++;
    double f = (at - row[i - 1].up) / (row[i].up - row[i - 1].up), g = 1.0 - f;
    double girth = 1.0 + (p->girth - 1.0) * (g * row[i - 1].girth + f * row[i].girth);
    double shape = g * part[row[i - 1].part] + f * part[row[i].part];
    struct point middle = body_point(p, 65, g * row[i - 1].front + f * row[i].front, at);
    return (struct oval){middle.left, middle.front, girth * shape * (g * row[i - 1].wide + f * row[i].wide),
                         girth * (g * row[i - 1].deep + f * row[i].deep), at > 235.0 ? 0.0 : 1.0};
}

/* What the marked organs of a slice span; wide 0: none. */
static struct oval oval_of_organs(const struct phantom *ph, int64_t z)
{
    int64_t low[2] = {INT64_MAX, INT64_MAX}, high[2] = {-1, -1};
    for (int64_t y = 0; y < ph->grid.dim[1]; y++) {
        const uint8_t *row = ph->organ + grid_at(&ph->grid, z, y, 0);
        for (int64_t x = 0; x < ph->grid.dim[2]; x++) {
            if (row[x] == ORGAN_AIR)
                continue;
            low[0] = y < low[0] ? y : low[0];
            high[0] = y;
            low[1] = x < low[1] ? x : low[1];
            high[1] = x > high[1] ? x : high[1];
        }
    }
    if (high[0] < 0)
        return (struct oval){0};
    const double *mm = ph->grid.spacing_mm;
    return (struct oval){ph->low_mm[0] + 0.5 * (double)(low[1] + high[1]) * mm[2],
                         ph->low_mm[1] - 0.5 * (double)(low[0] + high[0]) * mm[1],
                         0.5 * (double)(high[1] - low[1] + 1) * mm[2], 0.5 * (double)(high[0] - low[0] + 1) * mm[1],
                         1.0};
}

/* Above this there is air: the brain's last slice, and skull and scalp. */
static double crown_up(const struct phantom *ph)
{
    size_t slice = (size_t)(ph->grid.dim[1] * ph->grid.dim[2]);
    for (int64_t z = ph->grid.dim[0] - 1; z >= 0; z--)
        if (memchr(ph->organ + (size_t)z * slice, ORGAN_BRAIN, slice))
            return ph->low_mm[2] + (double)z * ph->grid.spacing_mm[0] + 14.0;
    return INFINITY;
}

/* The average oval grown, where it must be, to hold the slice's organs; then a running mean over the slices about it, so that
 * no step shows where an organ ends. */
static struct oval *ovals_make(const struct phantom *ph, const struct patient *p)
{
    int64_t slices = ph->grid.dim[0], reach = (int64_t)ceil(12.0 / ph->grid.spacing_mm[0]);
    struct oval *wanted = xalloc((size_t)slices, sizeof *wanted), *smooth = xalloc((size_t)slices, sizeof *smooth);
    double crown = crown_up(ph);
    for (int64_t z = 0; z < slices; z++) {
        double up = ph->low_mm[2] + (double)z * ph->grid.spacing_mm[0], margin = up > 250.0 * p->size ? 12.0 : 24.0;
        struct oval organs = oval_of_organs(ph, z), *o = &wanted[z];
        if (up > crown)
            break;
        *o = oval_usual(p, up);
        if (organs.wide <= 0.0)
            continue;
        if (o->wide <= 0.0)
            o->left = organs.left, o->front = organs.front;
        o->wide = fmax(o->wide, fabs(organs.left - o->left) + organs.wide + margin);
        o->deep = fmax(o->deep, fabs(organs.front - o->front) + organs.deep + margin);
    }
    for (int64_t z = 0; z < slices; z++) {
        double weight = 0.0;
        struct oval sum = {0};
        for (int64_t k = z - reach; k <= z + reach; k++) {
            if (k < 0 || k >= slices || wanted[k].wide <= 0.0 || wanted[z].wide <= 0.0)
                continue;
            double w = 1.0 - fabs((double)(k - z)) / (double)(reach + 1);
            sum.left += w * wanted[k].left, sum.front += w * wanted[k].front;
            sum.wide += w * wanted[k].wide, sum.deep += w * wanted[k].deep, sum.square += w * wanted[k].square;
            weight += w;
        }
        if (weight > 0.0)
            smooth[z] = (struct oval){sum.left / weight, sum.front / weight, sum.wide / weight, sum.deep / weight,
                                      sum.square / weight};
    }
    free(wanted);
    return smooth;
}

/* Fills one slice's oval, `depth_mm` under its skin, over air. */
static void oval_fill(struct phantom *ph, int64_t z, const struct oval *o, double depth_mm, int organ)
{
    double wide = o->wide - depth_mm, deep = o->deep - depth_mm;
    const double *mm = ph->grid.spacing_mm;
    if (wide <= 0.0 || deep <= 0.0)
        return;
    for (int64_t y = 0; y < ph->grid.dim[1]; y++) {
        double v = (ph->low_mm[1] - (double)y * mm[1] - o->front) / deep;
        if (fabs(v) > 1.0)
            continue;
        uint8_t *row = ph->organ + grid_at(&ph->grid, z, y, 0);
        for (int64_t x = 0; x < ph->grid.dim[2]; x++) {
            double u = (ph->low_mm[0] + (double)x * mm[2] - o->left) / wide, uu = u * u, vv = v * v;
            if (row[x] == ORGAN_AIR && uu + vv + o->square * (uu * uu + vv * vv) <= 1.0 + o->square)
                row[x] = (uint8_t)organ;
        }
    }
}

/* ---- limbs ---- */

static const struct limb_row {
    double out, front, up, radius_mm;
} /* out: from the midline, mm of the average body */
arm_down[LIMB_POINTS] = {{165, -18, 190, 50}, {192, -22, 60, 46},  {212, -20, -90, 40}, {222, 0, -200, 36},
                         {222, 20, -320, 25}, {214, 28, -370, 27}, {208, 32, -425, 20}},
    arm_up[LIMB_POINTS] = {{160, -18, 192, 52}, {205, -10, 270, 46}, {232, 0, 350, 42}, {200, 12, 420, 38},
                           {150, 18, 500, 28},  {125, 20, 545, 27},  {105, 20, 590, 20}},
    leg[LIMB_POINTS] = {{92, -14, -330, 92}, {94, -8, -470, 86},   {84, -4, -640, 66},  {78, -8, -790, 52},
                        {80, -22, -910, 53}, {74, -22, -1090, 34}, {74, -20, -1170, 35}};

void limb_place(const struct patient *p, enum limb limb, int side, struct tube_point at[LIMB_POINTS])
{
    const struct limb_row *row = limb == LIMB_LEG ? leg : p->arms_down ? arm_down : arm_up;
    double wide = limb == LIMB_LEG ? p->hips : p->shoulders, thick = sqrt(p->girth) * (p->male ? 1.0 : 0.94);
    for (int i = 0; i < LIMB_POINTS; i++)
        at[i] = (struct tube_point){.at = body_point(p, 65.0 + side * row[i].out * wide, row[i].front, row[i].up),
                                    .radius_mm = row[i].radius_mm * thick};
}

/* Flesh `depth_mm` under the skin. */
static void limbs_paint(struct phantom *ph, const struct patient *p, double depth_mm, int organ)
{
    struct tube_point at[LIMB_POINTS];
    for (enum limb limb = LIMB_ARM; limb <= LIMB_LEG; limb++)
        for (int side = -1; side <= 1; side += 2) {
            limb_place(p, limb, side, at);
            for (int i = 0; i < LIMB_POINTS; i++)
                at[i].radius_mm -= depth_mm;
            phantom_paint_tube(ph, at, LIMB_POINTS, 0.0, organ, OVER_AIR);
            if (limb == LIMB_LEG) { /* and a foot */
                struct tube_point foot[2] = {at[LIMB_POINTS - 1], at[LIMB_POINTS - 1]};
                foot[1].at.front += 130.0, foot[1].at.up -= 22.0, foot[1].radius_mm *= 0.6;
                phantom_paint_tube(ph, foot, 2, 0.0, organ, OVER_AIR);
            }
        }
}

/* A nose, and breasts. */
static void face_and_chest(struct phantom *ph, const struct patient *p)
{
    struct blob nose = {.centre = body_point(p, 65, 112, 346), .radius = {11, 14, 17}, .taper = 0.4};
    phantom_paint(ph, &nose, soft_suv, 0.05, ORGAN_SOFT, OVER_AIR);
    for (int side = -1; side <= 1 && !p->male; side += 2) {
        struct blob breast = {.centre = body_point(p, 65.0 + side * 78.0, 88, 95),
                              .radius = {62 * p->girth, 38 * p->girth, 56 * p->girth},
                              .taper = 0.2};
        phantom_paint(ph, &breast, fat_suv, 0.1, ORGAN_FAT, OVER_AIR);
    }
}

void outline_complete(struct phantom *ph, const struct patient *p)
{
    struct oval *trunk = ovals_make(ph, p);
    for (int layer = 0; layer < 2; layer++) { /* flesh, then fat round it */
        for (int64_t z = 0; z < ph->grid.dim[0]; z++) {
            double up = ph->low_mm[2] + (double)z * ph->grid.spacing_mm[0];
            double depth_mm = layer == 1 ? 0.0 : up > 240.0 * p->size ? 5.0 : fat_depth_mm(p);
            oval_fill(ph, z, &trunk[z], depth_mm,
                      layer == 0 ? ORGAN_SOFT : ORGAN_FAT); /* above the crown there is none */
        }
        limbs_paint(ph, p, layer == 0 ? 7.0 : 0.0, layer == 0 ? ORGAN_SOFT : ORGAN_FAT);
    }
    face_and_chest(ph, p);
    free(trunk);
    phantom_fill(ph, ORGAN_FAT, fat_suv, 0.08);
    phantom_fill(ph, ORGAN_SOFT, soft_suv, 0.12);
}
