/* SPDX-License-Identifier: Apache-2.0 */
/* phantom -- voxels being painted.   patient -> [body on a phantom] -> lesion -> scanner */
#include "datasets/simulate/phantom.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

double place_distance(struct point a, struct point b)
{
    return sqrt((a.left - b.left) * (a.left - b.left) + (a.front - b.front) * (a.front - b.front) +
                (a.up - b.up) * (a.up - b.up));
}

enum { TEXTURE_MM = 20 };

void phantom_open_on(struct phantom *p, const struct grid *g, const double low_mm[3])
{
    *p = (struct phantom){.grid = *g};
    memcpy(p->low_mm, low_mm, sizeof p->low_mm);
    size_t n = grid_voxels(g);
    p->suv = xalloc_aligned(n, sizeof *p->suv);
    p->organ = xalloc(n, 1);
    p->lesion = xalloc(n, 1);
    for (int a = 0; a < 3; a++)
        p->texture_dim[a] = (int64_t)ceil((double)g->dim[a] * g->spacing_mm[a] / TEXTURE_MM) + 2;
}

void phantom_open(struct phantom *p, const double spacing_mm[3], double low_up, double size, double girth)
{
    /* wide enough for arms at the sides; autoPET's matrix is 814 mm wide */
    double half_wide = fmin(330.0 * fmax(girth, 1.0), 407.0), high_up = 500.0 * size;
    low_up *= size;
    double half_deep = fmin(220.0 * fmax(girth, 1.0), 407.0);
    int64_t dim[3] = {(int64_t)ceil((high_up - low_up) / spacing_mm[0]), (int64_t)ceil(2.0 * half_deep / spacing_mm[1]),
                      (int64_t)ceil(2.0 * half_wide / spacing_mm[2])};
    double midline = 65.0; /* the liver's centroid lies so far to the right of it */
    /* y grows to the back: the first row is the front */
    const double low_mm[3] = {midline - half_wide, -10.0 + half_deep, low_up};
    const double origin_ras_mm[3] = {-low_mm[0], low_mm[1], low_mm[2]};
    struct grid g;
    grid_set(&g, dim, spacing_mm, origin_ras_mm);
    phantom_open_on(p, &g, low_mm);
}

void phantom_close(struct phantom *p)
{
    free(p->suv);
    free(p->organ);
    free(p->lesion);
    free(p->texture);
    free(p->hot);
    memset(p, 0, sizeof *p);
}

void phantom_draw_texture(struct phantom *p, struct rng *r)
{
    size_t n = (size_t)(p->texture_dim[0] * p->texture_dim[1] * p->texture_dim[2]);
    free(p->texture);
    p->texture = xalloc(n, sizeof *p->texture);
    for (size_t i = 0; i < n; i++)
        p->texture[i] = rng_normal(r);
}

/* Trilinear between the coarse grid's points. */
static double texture_at(const struct phantom *p, const int64_t zyx[3])
{
    double f[3];
    int64_t i[3];
    for (int a = 0; a < 3; a++) {
        double g = (double)zyx[a] * p->grid.spacing_mm[a] / TEXTURE_MM;
        i[a] = (int64_t)g;
        f[a] = g - (double)i[a];
    }
    double sum = 0.0;
    for (int corner = 0; corner < 8; corner++) {
        double weight = 1.0;
        int64_t at[3];
        for (int a = 0; a < 3; a++) {
            int up = corner >> a & 1;
            weight *= up ? f[a] : 1.0 - f[a];
            at[a] = i[a] + up;
        }
        sum += weight * (double)p->texture[(at[0] * p->texture_dim[1] + at[1]) * p->texture_dim[2] + at[2]];
    }
    return sum;
}

static float textured(const struct phantom *p, double suv, double heterogeneity, int64_t z, int64_t y, int64_t x)
{
    double factor = heterogeneity > 0.0 ? 1.0 + heterogeneity * texture_at(p, (int64_t[3]){z, y, x}) : 1.0;
    return (float)(suv * fmax(factor, 0.2));
}

void phantom_fill(struct phantom *p, int organ, double suv, double heterogeneity)
{
    size_t i = 0;
    for (int64_t z = 0; z < p->grid.dim[0]; z++)
        for (int64_t y = 0; y < p->grid.dim[1]; y++)
            for (int64_t x = 0; x < p->grid.dim[2]; x++, i++)
                if (p->organ[i] == organ)
                    p->suv[i] = textured(p, suv, heterogeneity, z, y, x);
}

void blob_draw_waves(struct blob *b, struct rng *r)
{
    for (size_t w = 0; w < COUNT_OF(b->wave); w++) {
        for (int i = 0; i < 3; i++)
            b->wave[w][i] = 3.0 * (double)rng_normal(r);
        b->wave[w][3] = rng_range(r, 0.0, 6.283185307179586);
    }
}

/* Distance from the centre in radii, the surface's waves taken out: 1 on the surface. */
static double blob_depth(const struct blob *b, double left, double front, double up)
{
    double x = left - b->centre.left, y = front - b->centre.front, z = up - b->centre.up;
    double c = cos(b->turn_rad), s = sin(b->turn_rad);
    double tx = c * x + s * y, ty = c * y - s * x;
    double ct = cos(b->tilt_rad), st = sin(b->tilt_rad);
    double uz = (ct * z - st * tx) / b->radius.up, narrow = 1.0 - b->taper * fmin(fmax(uz, -1.0), 1.0);
    double ux = (ct * tx + st * z) / (narrow * b->radius.left), uy = ty / (narrow * b->radius.front);
    double d = sqrt(ux * ux + uy * uy + uz * uz);
    if (b->rough <= 0.0 || d < 1e-9)
        return d;
    double wave = 0.0;
    for (size_t w = 0; w < COUNT_OF(b->wave); w++)
        wave += cos((b->wave[w][0] * ux + b->wave[w][1] * uy + b->wave[w][2] * uz) / d + b->wave[w][3]);
    return d / (1.0 + b->rough * wave / (double)COUNT_OF(b->wave));
}

struct span {
    int64_t low[3], high[3];
};

/* Voxels of a box, as far as they lie on the grid. */
static struct span span_round(const struct phantom *p, struct point low, struct point high)
{
    const double from[3] = {low.up - p->low_mm[2], p->low_mm[1] - high.front, low.left - p->low_mm[0]};
    const double to[3] = {high.up - p->low_mm[2], p->low_mm[1] - low.front, high.left - p->low_mm[0]};
    struct span s;
    for (int a = 0; a < 3; a++) {
        s.low[a] = (int64_t)fmax(floor(from[a] / p->grid.spacing_mm[a]), 0.0);
        s.high[a] = (int64_t)fmin(ceil(to[a] / p->grid.spacing_mm[a]), (double)p->grid.dim[a] - 1.0);
    }
    return s;
}

/* Voxels a blob can reach: a cube of its largest radius. */
static struct span blob_span(const struct phantom *p, const struct blob *b)
{
    double grown = (1.0 + b->rough) * (1.0 + fabs(b->taper));
    double reach = fmax(b->radius.left, fmax(b->radius.front, b->radius.up)) * grown;
    /* an unturned blob reaches no further than each radius */
    bool turned = b->turn_rad != 0.0 || b->tilt_rad != 0.0;
    struct point half = turned ? (struct point){reach, reach, reach}
                               : (struct point){b->radius.left * grown, b->radius.front * grown, b->radius.up * grown};
    return span_round(p,
                      (struct point){b->centre.left - half.left, b->centre.front - half.front, b->centre.up - half.up},
                      (struct point){b->centre.left + half.left, b->centre.front + half.front, b->centre.up + half.up});
}

static double depth_at(const struct phantom *p, const struct blob *b, int64_t z, int64_t y, int64_t x)
{
    return blob_depth(b, p->low_mm[0] + (double)x * p->grid.spacing_mm[2],
                      p->low_mm[1] - (double)y * p->grid.spacing_mm[1],
                      p->low_mm[2] + (double)z * p->grid.spacing_mm[0]);
}

static bool paints_over(const struct phantom *p, uint8_t organ, int only)
{
    switch (only) {
    case OVER_ANY: return true;
    case OVER_AIR: return organ == 0;
    case OVER_TISSUE: return (p->tissue >> organ & 1) != 0;
    case OVER_SOFT: return (p->soft >> organ & 1) != 0;
    default: return organ == only;
    }
}

size_t phantom_paint(struct phantom *p, const struct blob *b, double suv, double heterogeneity, int organ, int only)
{
    struct span s = blob_span(p, b);
    size_t painted = 0;
    for (int64_t z = s.low[0]; z <= s.high[0]; z++)
        for (int64_t y = s.low[1]; y <= s.high[1]; y++)
            for (int64_t x = s.low[2]; x <= s.high[2]; x++) {
                size_t i = grid_at(&p->grid, z, y, x);
                if (!paints_over(p, p->organ[i], only))
                    continue;
                double d = depth_at(p, b, z, y, x);
                if (d > 1.0 || d < b->hollow)
                    continue;
                p->suv[i] = textured(p, suv, heterogeneity, z, y, x);
                p->organ[i] = (uint8_t)organ;
                painted++;
            }
    return painted;
}

/* One piece, from a to b. */
static size_t paint_piece(struct phantom *p, const struct tube_point *a, const struct tube_point *b,
                          double heterogeneity, int organ, int only)
{
    double reach = fmax(a->radius_mm, b->radius_mm);
    struct point d = {b->at.left - a->at.left, b->at.front - a->at.front, b->at.up - a->at.up};
    double length2 = d.left * d.left + d.front * d.front + d.up * d.up;
    struct span s = span_round(p,
                               (struct point){fmin(a->at.left, b->at.left) - reach,
                                              fmin(a->at.front, b->at.front) - reach, fmin(a->at.up, b->at.up) - reach},
                               (struct point){fmax(a->at.left, b->at.left) + reach,
                                              fmax(a->at.front, b->at.front) + reach, fmax(a->at.up, b->at.up) + reach});
    size_t painted = 0;
    for (int64_t z = s.low[0]; z <= s.high[0]; z++)
        for (int64_t y = s.low[1]; y <= s.high[1]; y++) {
            size_t i = grid_at(&p->grid, z, y, s.low[2]);
            double front = p->low_mm[1] - (double)y * p->grid.spacing_mm[1] - a->at.front,
                   up = p->low_mm[2] + (double)z * p->grid.spacing_mm[0] - a->at.up;
            for (int64_t x = s.low[2]; x <= s.high[2]; x++, i++) {
                double left = p->low_mm[0] + (double)x * p->grid.spacing_mm[2] - a->at.left;
                double t = length2 > 0.0 ? (left * d.left + front * d.front + up * d.up) / length2 : 0.0;
                t = fmin(fmax(t, 0.0), 1.0);
                double ox = left - t * d.left, oy = front - t * d.front, oz = up - t * d.up;
                double radius = a->radius_mm + t * (b->radius_mm - a->radius_mm);
                if (ox * ox + oy * oy + oz * oz > radius * radius || !paints_over(p, p->organ[i], only))
                    continue;
                p->suv[i] = textured(p, a->suv + t * (b->suv - a->suv), heterogeneity, z, y, x);
                p->organ[i] = (uint8_t)organ;
                painted++;
            }
        }
    return painted;
}

size_t phantom_paint_tube(struct phantom *p, const struct tube_point *point, size_t points, double heterogeneity,
                          int organ, int only)
{
    size_t painted = 0;
    for (size_t i = 0; i + 1 < points; i++)
        painted += paint_piece(p, &point[i], &point[i + 1], heterogeneity, organ, only);
    return painted;
}

void phantom_note(struct phantom *p, const char *what, struct point centre, double suv, double diameter_mm,
                  size_t voxels)
{
    if (p->hots == p->hot_room)
        p->hot = xresize(p->hot, p->hot_room = p->hot_room ? 2 * p->hot_room : 128, sizeof *p->hot);
    p->hot[p->hots++] = (struct hot_spot){what, centre, suv, diameter_mm, voxels, false};
}

size_t phantom_paint_lesion(struct phantom *p, const struct blob *b, double suv, double edge, double reach)
{
    struct blob wide = *b;
    wide.radius = (struct point){b->radius.left * reach, b->radius.front * reach, b->radius.up * reach};
    struct span s = blob_span(p, &wide);
    size_t painted = 0;
    for (int64_t z = s.low[0]; z <= s.high[0]; z++)
        for (int64_t y = s.low[1]; y <= s.high[1]; y++)
            for (int64_t x = s.low[2]; x <= s.high[2]; x++) {
                size_t i = grid_at(&p->grid, z, y, x);
                double d = depth_at(p, b, z, y, x);
                if (d > reach || p->organ[i] == 0)
                    continue;
                if (d <= 1.0) {
                    double here = d < b->hollow ? 0.4 * suv : suv * (1.0 - (1.0 - edge) * d * d);
                    if (here > (double)p->suv[i] || d < b->hollow)
                        p->suv[i] = (float)here;
                }
                p->lesion[i] = 1;
                painted++;
            }
    return painted;
}

int phantom_organ_at(const struct phantom *p, struct point at)
{
    int64_t x = llround((at.left - p->low_mm[0]) / p->grid.spacing_mm[2]);
    int64_t y = llround((p->low_mm[1] - at.front) / p->grid.spacing_mm[1]);
    int64_t z = llround((at.up - p->low_mm[2]) / p->grid.spacing_mm[0]);
    if (x < 0 || y < 0 || z < 0 || z >= p->grid.dim[0] || y >= p->grid.dim[1] || x >= p->grid.dim[2])
        return 0;
    return p->organ[grid_at(&p->grid, z, y, x)];
}

size_t phantom_centroid(const struct phantom *p, int organ, double left_from, double left_to, struct point *centroid)
{
    const double *mm = p->grid.spacing_mm;
    int64_t low = (int64_t)fmax(ceil((left_from - p->low_mm[0]) / mm[2]), 0.0);
    int64_t high = (int64_t)fmin(floor((left_to - p->low_mm[0]) / mm[2]), (double)p->grid.dim[2] - 1.0);
    double sum[3] = {0};
    size_t count = 0;
    for (int64_t z = 0; z < p->grid.dim[0]; z++)
        for (int64_t y = 0; y < p->grid.dim[1]; y++) {
            const uint8_t *row = p->organ + grid_at(&p->grid, z, y, 0);
            for (int64_t x = low; x <= high; x++)
                if (row[x] == organ)
                    sum[0] += (double)x, sum[1] += (double)y, sum[2] += (double)z, count++;
        }
    if (count > 0)
        *centroid =
            (struct point){p->low_mm[0] + sum[0] / (double)count * mm[2], p->low_mm[1] - sum[1] / (double)count * mm[1],
                           p->low_mm[2] + sum[2] / (double)count * mm[0]};
    return count;
}
