/* outline -- skin, fat and the soft tissue that everything lies in.   patient -> [outline, body] -> lesion
 *
 * The average body is overlapping ellipsoids. Around marked organs each slice gets an outline of its own: as wide and deep
 * as the average body, and wherever organs reach further, the organs and a margin. Tissue SUVs, proportions and margins:
 * assumed. */
#include "datasets/simulate/body.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double fat_suv = 0.3, soft_suv = 0.65;

static double fat_depth_mm(const struct patient *p)
{
    return 6.0 + 45.0 * fmax(p->girth - 0.85, 0.0);
}

void outline_paint(struct phantom *ph, const struct patient *p)
{
    static const struct { double left, front, up, wide, deep, tall; } part[] = {
        {65, 15, 395, 80, 100, 110},   /* head */
        {65, -5, 270, 62, 62, 90},     /* neck */
        {65, -10, 200, 195, 85, 75},   /* shoulders */
        {65, -10, 80, 165, 115, 230},  /* chest */
        {65, -8, -110, 158, 112, 230}, /* abdomen */
        {65, -12, -270, 178, 118, 140},/* pelvis */
        {-25, -12, -450, 88, 92, 210}, /* thighs */
        {155, -12, -450, 88, 92, 210},
        {-145, -15, -60, 45, 45, 300}, /* arms at the sides */
        {275, -15, -60, 45, 45, 300},
    };
    for (int layer = 0; layer < 2; layer++) /* fat first, then what is under it */
        for (size_t i = 0; i < COUNT_OF(part); i++) {
            if (i >= 8 && !p->arms_down)
                continue;
            bool trunk = i >= 2 && i < 6;
            double depth_mm = layer == 0 ? 0.0 : (trunk ? fat_depth_mm(p) : 7.0);
            double grow = i == 0 ? 1.0 : p->girth;
            struct blob b = {.centre = body_place(p, part[i].left, part[i].front, part[i].up)};
            b.radius = (struct place){part[i].wide * grow - depth_mm, part[i].deep * grow - depth_mm,
                                      part[i].tall * p->size - depth_mm};
            phantom_paint(ph, &b, layer == 0 ? fat_suv : soft_suv, layer == 0 ? 0.05 : 0.10,
                          layer == 0 ? ORGAN_FAT : ORGAN_SOFT, OVER_ANY);
        }
}

/* ---- around marked organs ---- */

/* One slice's trunk or head, or a limb: an oval; 0 wide where there is none. */
struct oval { double left, front, wide, deep; };

/* Half width and depth of the average trunk by height, mm. */
static struct oval oval_usual(const struct patient *p, double up)
{
    static const struct { double up, wide, deep, girth;
    } row[] = {{-400, 0, 0, 1},    {-380, 165, 105, 1}, {-280, 178, 118, 1}, {-110, 158, 112, 1}, {80, 165, 115, 1},
               {170, 190, 100, 1}, {215, 170, 78, 1},   {245, 75, 66, 1},    {265, 60, 62, 0.5},  {310, 60, 68, 0.5},
               {335, 70, 88, 0},   {400, 78, 98, 0},    {450, 76, 94, 0},    {480, 55, 70, 0},    {500, 0, 0, 0}};
    double at = up / p->size;
    if (at <= row[0].up || at >= row[COUNT_OF(row) - 1].up)
        return (struct oval){0};
    size_t i = 1;
    while (row[i].up < at)
        i++;
    double f = (at - row[i - 1].up) / (row[i].up - row[i - 1].up);
    double girth = 1.0 + (p->girth - 1.0) * (row[i - 1].girth + f * (row[i].girth - row[i - 1].girth));
    struct place middle = body_place(p, 65, at > 320 ? 15 : -10, at);
    return (struct oval){middle.left, middle.front, girth * (row[i - 1].wide + f * (row[i].wide - row[i - 1].wide)),
                         girth * (row[i - 1].deep + f * (row[i].deep - row[i - 1].deep))};
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
                         0.5 * (double)(high[1] - low[1] + 1) * mm[2], 0.5 * (double)(high[0] - low[0] + 1) * mm[1]};
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
    int64_t slices = ph->grid.dim[0], reach = (int64_t)ceil(25.0 / ph->grid.spacing_mm[0]);
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
            sum.wide += w * wanted[k].wide, sum.deep += w * wanted[k].deep;
            weight += w;
        }
        if (weight > 0.0)
            smooth[z] = (struct oval){sum.left / weight, sum.front / weight, sum.wide / weight, sum.deep / weight};
    }
    free(wanted);
    return smooth;
}

/* Fills one slice's oval, `depth_mm` under its skin, over air; between an ellipse and a rounded box, as trunks are. */
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
            if (row[x] == ORGAN_AIR && uu + vv + uu * uu + vv * vv <= 2.0)
                row[x] = (uint8_t)organ;
        }
    }
}

/* Limbs of one slice: round, tapering; each is skipped where it does not reach. */
static size_t limbs_at(const struct patient *p, double up, struct oval limb[4])
{
    size_t count = 0;
    double at = up / p->size;
    for (int side = -1; side <= 1; side += 2) {
        if (at < -320.0) { /* thigh to foot */
            double taper = fmin((-320.0 - at) / 850.0, 1.0), radius = (90.0 - 48.0 * taper) * sqrt(p->girth);
            struct place c = body_place(p, 65.0 + side * (90.0 - 15.0 * taper), -12, -330);
            limb[count++] = (struct oval){c.left, c.front, radius, radius};
        }
        if (p->arms_down ? at > -420.0 && at < 200.0 : at > 185.0) { /* at the sides, or beside the head */
            double out = p->arms_down ? 212.0 : 165.0;
            struct place c = body_place(p, 65.0 + side * out, p->arms_down ? -15 : 5, p->arms_down ? -60 : 200);
            limb[count++] = (struct oval){c.left, c.front, 43, 43};
        }
    }
    return count;
}

void outline_complete(struct phantom *ph, const struct patient *p)
{
    struct oval *trunk = ovals_make(ph, p), limb[4];
    for (int64_t z = 0; z < ph->grid.dim[0]; z++) {
        double up = ph->low_mm[2] + (double)z * ph->grid.spacing_mm[0];
        size_t limbs = limbs_at(p, up, limb);
        oval_fill(ph, z, &trunk[z], up > 250.0 * p->size ? 5.0 : fat_depth_mm(p), ORGAN_SOFT);
        for (size_t i = 0; i < limbs; i++)
            oval_fill(ph, z, &limb[i], 8.0, ORGAN_SOFT);
        oval_fill(ph, z, &trunk[z], 0.0, ORGAN_FAT);
        for (size_t i = 0; i < limbs; i++)
            oval_fill(ph, z, &limb[i], 0.0, ORGAN_FAT);
    }
    free(trunk);
    phantom_fill(ph, ORGAN_FAT, fat_suv, 0.05);
    phantom_fill(ph, ORGAN_SOFT, soft_suv, 0.10);
}
