/* SPDX-License-Identifier: Apache-2.0 */
/* liver -- where the liver is, and its SUV.   body -> [liver] -> method, organ */
#include "stages/roi/liver.h"
#include "proto/organ.h"
#include "stages/roi/component.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the body in cells */

struct cells {
    int64_t dim[3], side[3]; /* cells; voxels a cell */
    double mm[3];            /* of a cell */
    float *mean;             /* of its voxels inside the body; 0: a tenth or more of it is outside */
    float *around, *spread;  /* mean and sd of the cells of a ball round it; 0: not all of them are in the body */
};

static size_t cell_count(const struct cells *c)
{
    return (size_t)(c->dim[0] * c->dim[1] * c->dim[2]);
}

static void cells_average(struct cells *c, const struct crop *body, const double spacing_mm[3])
{
    for (int a = 0; a < 3; a++) {
        c->side[a] = (int64_t)fmax(1, floor(LIVER_CELL_MM / spacing_mm[a] + 0.5));
        c->dim[a] = (body->dim[a] + c->side[a] - 1) / c->side[a];
        c->mm[a] = (double)c->side[a] * spacing_mm[a];
    }
    c->mean = xalloc(cell_count(c), sizeof *c->mean);
    int32_t *inside = xalloc(cell_count(c), sizeof *inside);
    for (int64_t z = 0; z < body->dim[0]; z++)
        for (int64_t y = 0; y < body->dim[1]; y++) {
            const float *in = body->suv + (z * body->dim[1] + y) * body->dim[2];
            int64_t row = (z / c->side[0] * c->dim[1] + y / c->side[1]) * c->dim[2];
            for (int64_t x = 0, cell = 0; x < body->dim[2]; cell++) {
                float sum = 0;
                int32_t n = 0;
                for (int64_t end = x + c->side[2] < body->dim[2] ? x + c->side[2] : body->dim[2]; x < end; x++)
                    sum += in[x], n += in[x] > 0;
                c->mean[row + cell] += sum;
                inside[row + cell] += n;
            }
        }
    double whole = (double)(c->side[0] * c->side[1] * c->side[2]);
    for (size_t i = 0; i < cell_count(c); i++)
        c->mean[i] = inside[i] > 0.9 * whole ? c->mean[i] / (float)inside[i] : 0;
    free(inside);
}

static void cells_compare(struct cells *c)
{
    struct {
        int64_t z, y, x;
    } ball[512];
    int64_t reach[3];
    int count = 0;
    for (int a = 0; a < 3; a++)
        reach[a] = (int64_t)fmin(LIVER_BALL_MM / c->mm[a], 3);
    for (int64_t z = -reach[0]; z <= reach[0]; z++)
        for (int64_t y = -reach[1]; y <= reach[1]; y++)
            for (int64_t x = -reach[2]; x <= reach[2]; x++)
                if (pow((double)z * c->mm[0], 2) + pow((double)y * c->mm[1], 2) + pow((double)x * c->mm[2], 2) <=
                    LIVER_BALL_MM * LIVER_BALL_MM)
                    ball[count].z = z, ball[count].y = y, ball[count++].x = x;
    c->around = xalloc(cell_count(c), sizeof *c->around);
    c->spread = xalloc(cell_count(c), sizeof *c->spread);
    for (int64_t z = reach[0]; z < c->dim[0] - reach[0]; z++)
        for (int64_t y = reach[1]; y < c->dim[1] - reach[1]; y++)
            for (int64_t x = reach[2]; x < c->dim[2] - reach[2]; x++) {
                int64_t at = (z * c->dim[1] + y) * c->dim[2] + x;
                double sum = 0, squares = 0;
                bool inside = c->mean[at] >= (float)LIVER_SUV_LOW / 2;
                for (int i = 0; i < count && inside; i++) {
                    double m = (double)c->mean[at + (ball[i].z * c->dim[1] + ball[i].y) * c->dim[2] + ball[i].x];
                    inside = m > 0;
                    sum += m, squares += m * m;
                }
                if (!inside)
                    continue;
                double mean = sum / count;
                c->around[at] = (float)mean;
                c->spread[at] = (float)sqrt(fmax(squares / count - mean * mean, 0));
            }
}

static void cells_free(struct cells *c)
{
    free(c->mean);
    free(c->around);
    free(c->spread);
}

/* Where the body's middle is, cells along x. */
static double cells_middle(const struct cells *c)
{
    double sum = 0, n = 0;
    for (size_t i = 0; i < cell_count(c); i++)
        if (c->mean[i] > 0)
            sum += (double)(i % (size_t)c->dim[2]), n++;
    return n > 0 ? sum / n : 0;
}

/* ---- the part of the body that is liver */

struct part {
    double cells, sum[3], suv; /* sum of the cells' means */
};

/* Of the columns of component k, the share that has lung soon above its top. */
static double lung_above(const struct cells *c, const struct runs *r, const uint32_t *component, uint32_t k, double suv)
{
    int64_t H = c->dim[1], W = c->dim[2], reach = (int64_t)ceil(LIVER_LUNG_MM / c->mm[0]);
    int64_t *top = xalloc((size_t)(H * W), sizeof *top); /* one above the highest cell; 0: none */
    for (size_t i = 0; i < r->count; i++)
        for (int32_t x = r->run[i].begin; component[i] == k && x < r->run[i].end; x++)
            top[r->run[i].row % H * W + x] = r->run[i].row / H + 1; /* runs rise with z */
    int64_t columns = 0, with_lung = 0;
    for (int64_t i = 0; i < H * W; i++) {
        if (!top[i])
            continue;
        int64_t in_a_row = 0;
        for (int64_t z = top[i]; z < c->dim[0] && z < top[i] + reach && in_a_row < LIVER_LUNG_CELLS; z++) {
            float m = c->mean[z * H * W + i];
            in_a_row = m > 0 && (double)m < LIVER_LUNG * suv ? in_a_row + 1 : 0;
        }
        columns++;
        with_lung += in_a_row == LIVER_LUNG_CELLS;
    }
    free(top);
    return columns ? (double)with_lung / (double)columns : 0;
}

/* The largest part at this level; marks it in `mark` where it is larger than *best. */
static void level_look(const struct cells *c, double level, double middle, struct part *best, uint8_t *mark)
{
    size_t n = cell_count(c);
    uint8_t *band = xalloc(n, 1);
    double low = fmax(LIVER_SUV_LOW, level / 1.25), high = fmin(LIVER_SUV_HIGH, level * 1.25);
    for (size_t i = 0; i < n; i++) {
        double m = (double)c->around[i];
        band[i] = m >= low && m <= high && (double)c->spread[i] <= LIVER_ALIKE * m;
    }
    struct runs r;
    runs_of(&r, band, c->dim);
    uint32_t *component = xalloc(r.count + 1, sizeof *component);
    uint32_t count = components_label(&r, 6, component), chosen = 0;
    struct part *part = xalloc((size_t)count + 1, sizeof *part);
    for (size_t i = 0; i < r.count; i++) {
        struct part *p = &part[component[i]];
        double length = r.run[i].end - r.run[i].begin;
        p->cells += length;
        for (int32_t x = r.run[i].begin; x < r.run[i].end; x++)
            p->suv += (double)c->around[r.run[i].row * c->dim[2] + x];
        p->sum[0] += length * (double)(r.run[i].row / c->dim[1]);
        p->sum[1] += length * (double)(r.run[i].row % c->dim[1]);
        p->sum[2] += length * 0.5 * (double)(r.run[i].begin + r.run[i].end - 1);
    }
    double cell_ml = c->mm[0] * c->mm[1] * c->mm[2] / 1000;
    for (uint32_t k = 1; k <= count; k++) {
        const struct part *p = &part[k];
        if (p->cells <= best->cells || p->cells * cell_ml < LIVER_ML ||
            (middle - p->sum[2] / p->cells) * c->mm[2] < LIVER_RIGHT_MM)
            continue;
        if (lung_above(c, &r, component, k, p->suv / p->cells) < LIVER_LUNG_SHARE)
            continue;
        *best = *p;
        chosen = k;
    }
    if (chosen) {
        memset(mark, 0, n);
        for (size_t i = 0; i < r.count; i++)
            if (component[i] == chosen)
                memset(mark + r.run[i].row * c->dim[2] + r.run[i].begin, 1, (size_t)(r.run[i].end - r.run[i].begin));
    }
    free(part);
    free(component);
    runs_free(&r);
    free(band);
}

/* The scan's index of a cell's middle. */
static void cell_place(const struct cells *c, const struct crop *body, size_t cell, double zyx[3])
{
    int64_t at[3] = {(int64_t)cell / (c->dim[1] * c->dim[2]), (int64_t)cell / c->dim[2] % c->dim[1],
                     (int64_t)cell % c->dim[2]};
    for (int a = 0; a < 3; a++)
        zyx[a] = (double)(at[a] * c->side[a] + body->low[a]) + 0.5 * (double)(c->side[a] - 1);
}

/* Cells whose middle the organ map calls liver. */
static void map_look(const struct volume *v, const struct crop *body, const struct cells *c, struct part *best,
                     uint8_t *mark)
{
    for (size_t i = 0; i < cell_count(c); i++) {
        double zyx[3];
        int64_t at[3];
        bool there = true;
        cell_place(c, body, i, zyx);
        for (int a = 0; a < 3; a++) {
            at[a] = (int64_t)floor(zyx[a] + 0.5);
            there &= at[a] >= 0 && at[a] < v->grid.dim[a];
        }
        if (!there || v->organ[grid_at(&v->grid, at[0], at[1], at[2])] != ORGAN_LABEL_LIVER)
            continue;
        mark[i] = 1;
        best->cells++;
        best->sum[0] += (double)(i / (size_t)(c->dim[1] * c->dim[2]));
        best->sum[1] += (double)(i / (size_t)c->dim[2] % (size_t)c->dim[1]);
        best->sum[2] += (double)(i % (size_t)c->dim[2]);
    }
}

/* ---- the reference sphere */

/* Mean and sd of the sphere's voxels; false unless all are in the body, and in the map's liver where there is a map. */
static bool sphere_measure(const struct volume *v, const struct crop *body, bool by_map, const double place[3],
                           double sphere_mm, double *mean, double *sd)
{
    const double *mm = v->grid.spacing_mm;
    double radius = sphere_mm / 2, sum = 0, squares = 0, n = 0;
    int64_t low[3], high[3];
    for (int a = 0; a < 3; a++) {
        low[a] = (int64_t)ceil(place[a] - radius / mm[a]);
        high[a] = (int64_t)floor(place[a] + radius / mm[a]);
        if (low[a] < 0 || high[a] >= v->grid.dim[a] || low[a] < body->low[a] || high[a] >= body->low[a] + body->dim[a])
            return false;
    }
    for (int64_t z = low[0]; z <= high[0]; z++)
        for (int64_t y = low[1]; y <= high[1]; y++)
            for (int64_t x = low[2]; x <= high[2]; x++) {
                double dz = ((double)z - place[0]) * mm[0], dy = ((double)y - place[1]) * mm[1],
                       dx = ((double)x - place[2]) * mm[2];
                if (dz * dz + dy * dy + dx * dx > radius * radius)
                    continue;
                double suv =
                    (double)body
                        ->suv[((z - body->low[0]) * body->dim[1] + y - body->low[1]) * body->dim[2] + x - body->low[2]];
                if (suv <= 0 || (by_map && v->organ[grid_at(&v->grid, z, y, x)] != ORGAN_LABEL_LIVER))
                    return false;
                sum += suv, squares += suv * suv, n++;
            }
    if (n < 2)
        return false;
    *mean = sum / n;
    *sd = sqrt(fmax(squares - sum * sum / n, 0) / (n - 1));
    return true;
}

/* In the right part of what is marked, the sphere that varies least for its mean. false: none fits. */
static bool sphere_choose(const struct volume *v, const struct crop *body, const struct cells *c, const uint8_t *mark,
                          double right_of, double sphere_mm, struct liver *l)
{
    double least = INFINITY;
    for (size_t i = 0; i < cell_count(c); i++) {
        double place[3], mean, sd;
        if (!mark[i] || (double)(i % (size_t)c->dim[2]) > right_of)
            continue;
        cell_place(c, body, i, place);
        if (!sphere_measure(v, body, l->by == LIVER_BY_MAP, place, sphere_mm, &mean, &sd) || sd / mean >= least)
            continue;
        least = sd / mean;
        memcpy(l->place, place, sizeof place);
        l->mean = mean, l->sd = sd;
    }
    return isfinite(least);
}

void liver_find(const struct volume *v, const struct crop *body, double sphere_mm, struct liver *l)
{
    struct cells c = {0};
    struct part best = {0};
    memset(l, 0, sizeof *l);
    cells_average(&c, body, v->grid.spacing_mm);
    cells_compare(&c);
    uint8_t *mark = xalloc(cell_count(&c), 1);
    double middle = cells_middle(&c);
    l->middle = (middle + 0.5) * (double)c.side[2] - 0.5 + (double)body->low[2];
    if (v->organ) {
        map_look(v, body, &c, &best, mark);
        l->by = LIVER_BY_MAP;
    } else {
        for (double level = LIVER_SUV_LOW * 1.1; level < LIVER_SUV_HIGH; level *= 1.1)
            level_look(&c, level, middle, &best, mark);
        l->by = LIVER_BY_RULE;
    }
    if (best.cells > 0) {
        l->ml = best.cells * c.mm[0] * c.mm[1] * c.mm[2] / 1000;
        for (int a = 0; a < 3; a++)
            l->centroid[a] = (best.sum[a] / best.cells + 0.5) * (double)c.side[a] - 0.5 + (double)body->low[a];
    }
    if (best.cells == 0 || !sphere_choose(v, body, &c, mark, best.sum[2] / best.cells, sphere_mm, l))
        l->by = LIVER_UNKNOWN;
    free(mark);
    cells_free(&c);
}

int liver_at(const struct volume *v, const struct crop *body, const double ras_mm[3], double sphere_mm, struct liver *l,
             struct error *e)
{
    memset(l, 0, sizeof *l);
    if (grid_from_mm(&v->grid, ras_mm, l->place, e) < 0)
        return -1;
    memcpy(l->centroid, l->place, sizeof l->centroid);
    if (!sphere_measure(v, body, false, l->place, sphere_mm, &l->mean, &l->sd))
        return fail(
            e, "the sphere of %g mm round the place that --liver gives, %g,%g,%g mm, is not wholly in the body: look the place up again",
            sphere_mm, ras_mm[0], ras_mm[1], ras_mm[2]);
    struct cells c = {0};
    cells_average(&c, body, v->grid.spacing_mm);
    l->middle = (cells_middle(&c) + 0.5) * (double)c.side[2] - 0.5 + (double)body->low[2];
    cells_free(&c);
    l->by = LIVER_GIVEN;
    return 0;
}
