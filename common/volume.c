/* SPDX-License-Identifier: Apache-2.0 */
/* volume -- grids in patient space, and turning voxels to face the same way.   common */
#include "common/volume.h"
#include "common/given.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t grid_voxels(const struct grid *g)
{
    return (size_t)g->dim[0] * (size_t)g->dim[1] * (size_t)g->dim[2];
}

double grid_voxel_ml(const struct grid *g)
{
    return g->spacing_mm[0] * g->spacing_mm[1] * g->spacing_mm[2] / 1000;
}

bool grid_same_shape(const struct grid *a, const struct grid *b)
{
    return memcmp(a->dim, b->dim, sizeof a->dim) == 0;
}

void grid_to_mm(const struct grid *g, const double zyx[3], double ras_mm[3])
{
    for (int i = 0; i < 3; i++)
        ras_mm[i] = g->affine[i][0] * zyx[2] + g->affine[i][1] * zyx[1] + g->affine[i][2] * zyx[0] + g->affine[i][3];
}

void grid_set(struct grid *g, const int64_t dim[3], const double spacing_mm[3], const double origin_ras_mm[3])
{
    *g = (struct grid){0};
    for (int a = 0; a < 3; a++) {
        g->dim[a] = dim[a];
        g->spacing_mm[a] = spacing_mm[a];
        g->affine[a][3] = origin_ras_mm[a];
    }
    g->affine[0][0] = -spacing_mm[2]; /* to the left, where RAS counts to the right */
    g->affine[1][1] = -spacing_mm[1]; /* to the back */
    g->affine[2][2] = spacing_mm[0];  /* to the head */
}

double grid_corners_apart(const struct grid *a, const struct grid *b)
{
    double farthest = 0, finest = fmin(b->spacing_mm[0], fmin(b->spacing_mm[1], b->spacing_mm[2]));
    for (unsigned corner = 0; corner < 8; corner++) {
        double zyx[3], at[3], bt[3];
        for (unsigned axis = 0; axis < 3; axis++)
            zyx[axis] = corner >> axis & 1 ? (double)(a->dim[axis] - 1) : 0;
        grid_to_mm(a, zyx, at);
        grid_to_mm(b, zyx, bt);
        farthest = fmax(farthest, hypot(hypot(at[0] - bt[0], at[1] - bt[1]), at[2] - bt[2]));
    }
    return farthest / finest;
}

/* Cosine of the angle between two of the affine's columns. */
static double cosine(const struct grid *g, size_t a, size_t b)
{
    double dot = 0;
    for (size_t i = 0; i < 3; i++)
        dot += g->affine[i][a] * g->affine[i][b];
    return dot / (g->spacing_mm[2 - a] * g->spacing_mm[2 - b]);
}

int grid_measure(struct grid *g, struct error *e)
{
    double const askew_most = 0.01;
    for (size_t axis = 0; axis < 3; axis++) {
        double s = hypot(hypot(g->affine[0][axis], g->affine[1][axis]), g->affine[2][axis]);
        if (!(s > 1e-3 && s < 1e3))
            return fail(e, "voxels are %g mm along axis %zu: 0.001 to 1000 wanted", s, axis + 1);
        g->spacing_mm[2 - axis] = s;
    }
    double(*m)[4] = g->affine;
    double volume = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                    m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                    m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
    if (fabs(volume) < 1e-3 * g->spacing_mm[0] * g->spacing_mm[1] * g->spacing_mm[2])
        return fail(e, "two of its axes run the same way");
    for (size_t a = 0; a < 3; a++)
        for (size_t b = 0; b < 3; b++) {
            double const askew = a == b ? 0 : fabs(cosine(g, a, b));
            double const drift = askew * (double)(g->dim[2 - b] - 1) * g->spacing_mm[2 - b] / g->spacing_mm[2 - a];
            if (askew > askew_most || drift > 0.5)
                return fail(
                    e,
                    "it is sheared: axes %zu and %zu are %.2f degrees apart, not 90, so its slices do not lie over "
                    "each other: resample it to a straight grid",
                    a < b ? a + 1 : b + 1, a < b ? b + 1 : a + 1, acos(cosine(g, a, b)) * 180 / acos(-1.0));
        }
    return 0;
}

void volume_free(struct volume *v)
{
    free(v->voxel);
    free(v->ct);
    free(v->mask);
    given_free(&v->given);
    free(v->organ);
    *v = (struct volume){0};
}

/* ---- turning ---- */

/* out[z][y][x] = in[first + z*step[0] + y*step[1] + x*step[2]], voxels of `size` bytes: inlined with a constant size,
 * so that each copy is one load and one store. */
static inline void gather(uint8_t *out, const uint8_t *in, size_t size, const int64_t dim[3], const int64_t step[3],
                          int64_t first)
{
    for (int64_t z = 0; z < dim[0]; z++)
        for (int64_t y = 0; y < dim[1]; y++) {
            int64_t at = first + z * step[0] + y * step[1];
            for (int64_t x = 0; x < dim[2]; x++, at += step[2], out += size)
                memcpy(out, in + at * (int64_t)size, size);
        }
}

static inline void mirror(uint8_t *restrict to, const uint8_t *restrict from, int64_t count, size_t size)
{
    for (int64_t x = 0; x < count; x++)
        memcpy(to + x * (int64_t)size, from + (count - 1 - x) * (int64_t)size, size);
}

static void row_put(uint8_t *to, const uint8_t *from, int64_t count, bool backwards, size_t size)
{
    if (!backwards)
        memcpy(to, from, (size_t)count * size);
    else if (size == 4)
        mirror(to, from, count, 4);
    else if (size == 2)
        mirror(to, from, count, 2);
    else
        mirror(to, from, count, size);
}

/* Axes stay, some run backwards: rows change places where they lie, and no second volume is needed. */
static void flip_in_place(uint8_t *voxel, const int64_t dim[3], const uint8_t flip[3], size_t size)
{
    size_t const bytes = (size_t)dim[2] * size;
    uint8_t *kept = xalloc(1, bytes);
    for (int64_t z = 0; z < dim[0]; z++)
        for (int64_t y = 0; y < dim[1]; y++) {
            int64_t z2 = flip[0] ? dim[0] - 1 - z : z, y2 = flip[1] ? dim[1] - 1 - y : y;
            uint8_t *row = voxel + (size_t)(z * dim[1] + y) * bytes, *other = voxel + (size_t)(z2 * dim[1] + y2) * bytes;
            if (other < row)
                continue; /* they have changed places */
            memcpy(kept, row, bytes);
            if (other > row)
                row_put(row, other, dim[2], flip[2], size);
            row_put(other, kept, dim[2], flip[2], size);
        }
    free(kept);
}

/* New axis a runs along old axis from[a], backwards where flip[a]. */
static void grid_permute(struct grid *g, const uint8_t from[3], const uint8_t flip[3], void **voxel, size_t size)
{
    const struct grid old = *g;
    const int64_t old_step[3] = {old.dim[1] * old.dim[2], old.dim[2], 1};
    int64_t step[3], first = 0;
    for (int a = 0; a < 3; a++) {
        int f = from[a];
        double sign = flip[a] ? -1 : 1;
        g->dim[a] = old.dim[f];
        g->spacing_mm[a] = old.spacing_mm[f];
        step[a] = flip[a] ? -old_step[f] : old_step[f];
        if (flip[a])
            first += (old.dim[f] - 1) * old_step[f];
        for (int i = 0; i < 3; i++) {
            double along = old.affine[i][2 - f]; /* columns are fastest first, axes slowest first */
            g->affine[i][2 - a] = sign * along;
            if (flip[a])
                g->affine[i][3] += along * (double)(old.dim[f] - 1);
        }
    }
    if (!voxel || !*voxel || (step[0] == old_step[0] && step[1] == old_step[1] && step[2] == old_step[2]))
        return;
    if (from[0] == 0 && from[1] == 1) {
        flip_in_place(*voxel, g->dim, flip, size);
        return;
    }
    uint8_t *in = *voxel, *out = xalloc(grid_voxels(g), size);
    switch (size) {
    case 1: gather(out, in, 1, g->dim, step, first); break;
    case 2: gather(out, in, 2, g->dim, step, first); break;
    case 4: gather(out, in, 4, g->dim, step, first); break;
    default: gather(out, in, size, g->dim, step, first);
    }
    free(in);
    *voxel = out;
}

/* Which file axis lies nearest to each patient axis: of the six ways, the one with the largest sum of |cosines|. */
static void nearest_axes(const struct grid *g, struct turn *t)
{
    static const uint8_t way[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    double cosine[3][3]; /* patient axis z y x, file axis slowest first */
    for (int f = 0; f < 3; f++) {
        double length = sqrt(g->affine[0][2 - f] * g->affine[0][2 - f] + g->affine[1][2 - f] * g->affine[1][2 - f] +
                             g->affine[2][2 - f] * g->affine[2][2 - f]);
        for (int a = 0; a < 3; a++)
            cosine[a][f] = length > 0 ? g->affine[2 - a][2 - f] / length : 0;
    }
    double most = -1;
    for (size_t w = 0; w < COUNT_OF(way); w++) {
        double sum = 0;
        for (int a = 0; a < 3; a++)
            sum += fabs(cosine[a][way[w][a]]);
        if (sum > most + 1e-9) { /* of equals (45 degrees) the first, whatever the rounding */
            most = sum;
            memcpy(t->file_axis, way[w], sizeof t->file_axis);
        }
    }
    /* RAS grows to the right and the front, we to the left and the back */
    t->flipped[0] = cosine[0][t->file_axis[0]] < 0;
    t->flipped[1] = cosine[1][t->file_axis[1]] > 0;
    t->flipped[2] = cosine[2][t->file_axis[2]] > 0;
}

void volume_turn_lps(struct grid *grid, struct turn *turned, void **voxel, size_t size)
{
    nearest_axes(grid, turned);
    grid_permute(grid, turned->file_axis, turned->flipped, voxel, size);
}

void volume_turn_back(struct grid *grid, const struct turn *turned, void **voxel, size_t size)
{
    uint8_t from[3], flip[3];
    for (uint8_t a = 0; a < 3; a++) {
        from[turned->file_axis[a]] = a;
        flip[turned->file_axis[a]] = turned->flipped[a];
    }
    grid_permute(grid, from, flip, voxel, size);
}
