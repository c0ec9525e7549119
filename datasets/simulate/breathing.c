/* SPDX-License-Identifier: Apache-2.0 */
/* breathing -- what moves with the diaphragm.   lesion -> [breathing] -> scanner
 *
 * Trace: Lujan's cos^4 (longer out than in). Diaphragm 6 to 16 mm in quiet breathing, the moment of the CT between
 * breathed out and half in, one patient in ten deeper: assumed. Attenuation at 511 keV: tissue 0.096, bone 0.13, lung
 * 0.028 per cm (tables). */
#include "datasets/simulate/breathing.h"
#include "datasets/simulate/body.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.141592653589793;

struct breathing breathing_draw(const struct patient *p)
{
    struct rng r = draw_rng(p->seed, p->number, DRAW_BREATH);
    struct breathing b = {.size = p->size};
    double amplitude_mm = rng_range(&r, 6.0, 16.0), mean = 0.0;
    for (int k = 0; k < BREATHING_PHASES; k++) {
        double c = cos(pi * (k + 0.5) / BREATHING_PHASES);
        b.down_mm[k] = amplitude_mm * c * c * c * c;
        mean += b.down_mm[k] / BREATHING_PHASES;
    }
    for (int k = 0; k < BREATHING_PHASES; k++)
        b.down_mm[k] -= mean;
    b.ct_down_mm = rng_uniform(&r) < 0.1F ? rng_range(&r, 12.0, 25.0) : rng_range(&r, 0.0, 0.5 * amplitude_mm) - mean;
    return b;
}

/* Most at the diaphragm's dome, nothing at the apex of the lungs, in the pelvis and at the spine. */
double breathing_share(const struct breathing *b, double front, double up)
{
    double at = up / b->size, high = (205.0 - at) / 145.0, low = (at + 230.0) / 160.0, deep = (front + 78.0) / 60.0;
    return fmin(fmax(fmin(high, low), 0.0), 1.0) * fmin(fmax(deep, 0.0), 1.0);
}

static double share_at(const struct breathing *b, const struct phantom *ph, int64_t z, int64_t y)
{
    return breathing_share(b, ph->low_mm[1] - (double)y * ph->grid.spacing_mm[1],
                           ph->low_mm[2] + (double)z * ph->grid.spacing_mm[0]);
}

static int64_t clamped(int64_t v, int64_t below)
{
    return v < 0 ? 0 : v >= below ? below - 1 : v;
}

const uint8_t *breathing_organs(const struct breathing *b, const struct phantom *ph, double down_mm, int64_t z,
                                int64_t y)
{
    double from = (double)z + down_mm * share_at(b, ph, z, y) / ph->grid.spacing_mm[0];
    return ph->organ + grid_at(&ph->grid, clamped((int64_t)floor(from + 0.5), ph->grid.dim[0]), y, 0);
}

void breathing_blur(const struct breathing *b, struct phantom *ph)
{
    const struct grid *g = &ph->grid;
    int64_t depth = g->dim[0], wide = g->dim[2];
    size_t slice = (size_t)(g->dim[1] * wide);
    float *line = xalloc((size_t)(depth * wide), sizeof *line); /* all the heights of one row */
    for (int64_t y = 0; y < g->dim[1]; y++) {
        for (int64_t z = 0; z < depth; z++)
            memcpy(line + z * wide, ph->suv + (size_t)z * slice + (size_t)(y * wide), (size_t)wide * sizeof *line);
        for (int64_t z = 0; z < depth; z++) {
            double share = share_at(b, ph, z, y) / g->spacing_mm[0];
            if (share <= 0.0)
                continue;
            float *to = ph->suv + (size_t)z * slice + (size_t)(y * wide);
            memset(to, 0, (size_t)wide * sizeof *to);
            for (int k = 0; k < BREATHING_PHASES; k++) {
                double from = (double)z + share * b->down_mm[k], whole = floor(from);
                const float *low = line + clamped((int64_t)whole, depth) * wide,
                            *high = line + clamped((int64_t)whole + 1, depth) * wide;
                float h = (float)((from - whole) / BREATHING_PHASES), l = (float)(1.0 / BREATHING_PHASES) - h;
                for (int64_t x = 0; x < wide; x++)
                    to[x] += l * low[x] + h * high[x];
            }
        }
    }
    free(line);
}

/* ---- attenuation ---- */

static double mu_per_cm(int organ)
{
    return organ == ORGAN_AIR ? 0.0 : organ == ORGAN_LUNG ? 0.028 : organ == ORGAN_MARROW ? 0.115 : 0.096;
}

enum { CELL_MM = 8 };
struct cells {
    int64_t high, wide;
    double *excess, *factor;
};

/* What the map has too much of in each cell of a slice, per cm; false: nothing anywhere. */
static bool cells_compare(struct cells *c, const struct breathing *b, const struct phantom *ph, int64_t z)
{
    const struct grid *g = &ph->grid;
    bool any = false;
    memset(c->excess, 0, (size_t)(c->high * c->wide) * sizeof *c->excess);
    for (int64_t y = 0; y < g->dim[1]; y++) {
        double share = share_at(b, ph, z, y) / g->spacing_mm[0];
        if (share <= 0.0)
            continue;
        const uint8_t *at[BREATHING_PHASES + 1];
        bool moves = false;
        for (int k = 0; k <= BREATHING_PHASES; k++) {
            double from = (double)z + share * (k < BREATHING_PHASES ? b->down_mm[k] : b->ct_down_mm);
            at[k] = ph->organ + grid_at(g, clamped((int64_t)floor(from + 0.5), g->dim[0]), y, 0);
            moves = moves || at[k] != at[0];
        }
        if (!moves)
            continue;
        double *row = c->excess + (int64_t)((double)y * g->spacing_mm[1] / CELL_MM) * c->wide;
        for (int64_t x = 0; x < g->dim[2]; x++) {
            double mean = 0.0;
            for (int k = 0; k < BREATHING_PHASES; k++)
                mean += mu_per_cm(at[k][x]) / BREATHING_PHASES;
            double excess = mu_per_cm(at[BREATHING_PHASES][x]) - mean;
            if (fabs(excess) > 1e-9)
                row[(int64_t)((double)x * g->spacing_mm[2] / CELL_MM)] += excess, any = true;
        }
    }
    double share_of_cell = g->spacing_mm[1] * g->spacing_mm[2] / (CELL_MM * CELL_MM);
    for (int64_t i = 0; i < c->high * c->wide; i++)
        c->excess[i] *= share_of_cell;
    return any;
}

/* Sum of excess * area / distance over the cells; a cell itself counts as a square seen from its middle. */
static void cells_spread(struct cells *c)
{
    /* mm^2 / mm, in cm; a square of side a, seen from its middle: 4 a ln(1 + sqrt 2) */
    double area_cm = CELL_MM * CELL_MM / 10.0, own = 0.1 * CELL_MM * 4.0 * log(1.0 + sqrt(2.0));
    memset(c->factor, 0, (size_t)(c->high * c->wide) * sizeof *c->factor);
    for (int64_t sy = 0; sy < c->high; sy++)
        for (int64_t sx = 0; sx < c->wide; sx++) {
            double excess = c->excess[sy * c->wide + sx];
            if (fabs(excess) < 1e-6)
                continue;
            for (int64_t y = 0; y < c->high; y++)
                for (int64_t x = 0; x < c->wide; x++) {
                    double dy = (double)((y - sy) * CELL_MM), dx = (double)((x - sx) * CELL_MM),
                           d = sqrt(dy * dy + dx * dx);
                    c->factor[y * c->wide + x] += excess * (d > 0.0 ? area_cm / d : own);
                }
        }
    for (int64_t i = 0; i < c->high * c->wide; i++)
        c->factor[i] = exp(c->factor[i] / pi);
}

static double cells_at(const struct cells *c, double y, double x)
{
    double fy = fmin(fmax(y - 0.5, 0.0), (double)(c->high - 1)), fx = fmin(fmax(x - 0.5, 0.0), (double)(c->wide - 1));
    int64_t iy = (int64_t)fy, ix = (int64_t)fx, jy = iy + 1 < c->high ? iy + 1 : iy, jx = ix + 1 < c->wide ? ix + 1 : ix;
    fy -= (double)iy, fx -= (double)ix;
    const double *f = c->factor;
    return (1.0 - fy) * ((1.0 - fx) * f[iy * c->wide + ix] + fx * f[iy * c->wide + jx]) +
           fy * ((1.0 - fx) * f[jy * c->wide + ix] + fx * f[jy * c->wide + jx]);
}

void breathing_miscorrect(const struct breathing *b, struct phantom *ph)
{
    const struct grid *g = &ph->grid;
    struct cells c = {.high = (int64_t)ceil((double)g->dim[1] * g->spacing_mm[1] / CELL_MM),
                      .wide = (int64_t)ceil((double)g->dim[2] * g->spacing_mm[2] / CELL_MM)};
    c.excess = xalloc((size_t)(c.high * c.wide), sizeof *c.excess);
    c.factor = xalloc((size_t)(c.high * c.wide), sizeof *c.factor);
    for (int64_t z = 0; z < g->dim[0]; z++) {
        if (!cells_compare(&c, b, ph, z))
            continue;
        cells_spread(&c);
        size_t i = grid_at(g, z, 0, 0);
        for (int64_t y = 0; y < g->dim[1]; y++)
            for (int64_t x = 0; x < g->dim[2]; x++, i++)
                ph->suv[i] *=
                    (float)cells_at(&c, (double)y * g->spacing_mm[1] / CELL_MM, (double)x * g->spacing_mm[2] / CELL_MM);
    }
    free(c.excess);
    free(c.factor);
}
