/* SPDX-License-Identifier: Apache-2.0 */
/* regrid -- a volume of whole numbers seen on another grid, by linear interpolation.   common
 *
 * What a scanner lays side by side (PET and CT of one visit) has parallel axes, so that one row of the new grid runs along one
 * row of the old: its four neighbours are mixed once, and along the row two numbers are mixed a voxel. Grids that lie askew,
 * or whose files run another way, go voxel by voxel. */
#include "common/volume.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* index on `from`, z y x, of index z y x on `to`: row a is index a */
struct grid_map {
    double m[3][4];
};

static double determinant(double c[3][3])
{
    return c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1]) - c[0][1] * (c[1][0] * c[2][2] - c[1][2] * c[2][0]) +
           c[0][2] * (c[1][0] * c[2][1] - c[1][1] * c[2][0]);
}

static int map_make(const struct grid *from, const struct grid *to, struct grid_map *map, struct error *e)
{
    double c[3][3]; /* columns z y x, as indices are ordered */
    for (int i = 0; i < 3; i++)
        for (int a = 0; a < 3; a++)
            c[i][a] = from->affine[i][2 - a];
    double det = determinant(c);
    if (!(fabs(det) > 1e-9) || !isfinite(det))
        return fail(e, "its grid is flat: its axes span no volume");
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 4; b++) {
            double with[3][3]; /* Cramer's rule: the column of index a replaced by what is to be reached */
            for (int i = 0; i < 3; i++)
                for (int k = 0; k < 3; k++)
                    with[i][k] = k != a  ? c[i][k]
                                 : b < 3 ? to->affine[i][2 - b]
                                         : to->affine[i][3] - from->affine[i][3];
            map->m[a][b] = determinant(with) / det;
        }
    return 0;
}

int grid_from_mm(const struct grid *g, const double ras_mm[3], double zyx[3], struct error *e)
{
    struct grid corner = {0}; /* its voxel (0,0,0) lies there */
    struct grid_map map;
    for (int i = 0; i < 3; i++)
        corner.affine[i][3] = ras_mm[i];
    if (map_make(g, &corner, &map, e) < 0)
        return -1;
    for (int a = 0; a < 3; a++)
        zyx[a] = map.m[a][3];
    return 0;
}

int grid_index_map(const struct grid *g, double map[3][4], struct error *e)
{
    double zero[3], one[3];
    if (grid_from_mm(g, (const double[3]){0, 0, 0}, zero, e) < 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        double ras[3] = {0, 0, 0};
        ras[i] = 1;
        if (grid_from_mm(g, ras, one, e) < 0)
            return -1;
        for (int a = 0; a < 3; a++) {
            map[a][i] = one[a] - zero[a];
            map[a][3] = zero[a];
        }
    }
    return 0;
}

/* Which voxels an index lies between, and how far it is on its way from one to the other. false: outside. */
struct between {
    int64_t low, high;
    float part;
};
static inline bool between(double at, int64_t dim, struct between *b)
{
    if (!(at >= -0.5 && at <= (double)dim - 0.5))
        return false;
    at = fmin(fmax(at, 0), (double)(dim - 1));
    b->low = (int64_t)at;
    b->high = b->low + 1 < dim ? b->low + 1 : b->low;
    b->part = (float)(at - (double)b->low);
    return true;
}

static inline float mix(float a, float b, float part)
{
    return a + part * (b - a);
}

static int16_t look(const struct grid *g, const int16_t *v, const double at[3], int16_t outside, int64_t *seen)
{
    struct between z, y, x;
    if (!between(at[0], g->dim[0], &z) || !between(at[1], g->dim[1], &y) || !between(at[2], g->dim[2], &x))
        return outside;
    float plane[2];
    for (int k = 0; k < 2; k++) {
        const int16_t *low = v + grid_at(g, k ? z.high : z.low, y.low, 0),
                      *high = v + grid_at(g, k ? z.high : z.low, y.high, 0);
        plane[k] = mix(mix(low[x.low], low[x.high], x.part), mix(high[x.low], high[x.high], x.part), y.part);
    }
    ++*seen;
    return (int16_t)lrintf(mix(plane[0], plane[1], z.part));
}

/* The voxels [first, last) of a row of `count` whose index start + step * x lies on an axis of `dim`. */
static void row_reach(double start, double step, int64_t count, int64_t dim, int64_t *first, int64_t *last)
{
    struct between b;
    *first = 0;
    *last = count;
    while (*first < count && !between(start + step * (double)*first, dim, &b))
        ++*first;
    while (*last > *first && !between(start + step * (double)(*last - 1), dim, &b))
        --*last;
}

/* One row along a row of `from`: at[0], at[1] hold for all of it, at[2] goes on by step. mixed: dim[2] + 1 floats. */
static int64_t row_look(const struct grid *g, const int16_t *v, const double at[3], double step, int16_t outside,
                        float *mixed, int16_t *to, int64_t count)
{
    struct between z = {0}, y = {0};
    int64_t first = 0, last = 0, W = g->dim[2];
    if (between(at[0], g->dim[0], &z) && between(at[1], g->dim[1], &y))
        row_reach(at[2], step, count, W, &first, &last);
    for (int64_t x = 0; x < first; x++)
        to[x] = outside;
    for (int64_t x = last; x < count; x++)
        to[x] = outside;
    if (first == last)
        return 0;
    const int16_t *near = v + grid_at(g, z.low, y.low, 0), *right = v + grid_at(g, z.low, y.high, 0);
    const int16_t *up = v + grid_at(g, z.high, y.low, 0), *both = v + grid_at(g, z.high, y.high, 0);
    for (int64_t i = 0; i < W; i++)
        mixed[i] = mix(mix(near[i], right[i], y.part), mix(up[i], both[i], y.part), z.part);
    mixed[W] = mixed[W - 1];
    for (int64_t x = first; x < last; x++) {
        double i = at[2] + step * (double)x;
        i = i < 0 ? 0 : i > (double)(W - 1) ? (double)(W - 1) : i;
        int32_t low = (int32_t)i;
        to[x] = (int16_t)lrintf(mix(mixed[low], mixed[low + 1], (float)(i - (double)low)));
    }
    return last - first;
}

int64_t volume_regrid(const struct grid *from, const int16_t *from_voxel, const struct grid *to, int16_t outside,
                      int16_t *to_voxel, struct error *e)
{
    struct grid_map map;
    int64_t seen = 0, D = to->dim[0], H = to->dim[1], W = to->dim[2];
    if (map_make(from, to, &map, e) < 0)
        return -1;
    /* askew by less than a ten-thousandth of a voxel over a whole row is straight */
    bool straight = fabs(map.m[0][2]) * (double)W < 1e-4 && fabs(map.m[1][2]) * (double)W < 1e-4;
    float *mixed = xalloc((size_t)from->dim[2] + 1, sizeof *mixed);
    for (int64_t z = 0; z < D; z++)
        for (int64_t y = 0; y < H; y++, to_voxel += W) {
            double at[3];
            for (int a = 0; a < 3; a++)
                at[a] = map.m[a][0] * (double)z + map.m[a][1] * (double)y + map.m[a][3];
            if (straight) {
                seen += row_look(from, from_voxel, at, map.m[2][2], outside, mixed, to_voxel, W);
                continue;
            }
            for (int64_t x = 0; x < W; x++)
                to_voxel[x] = look(from, from_voxel,
                                   (double[]){at[0] + map.m[0][2] * (double)x, at[1] + map.m[1][2] * (double)x,
                                              at[2] + map.m[2][2] * (double)x},
                                   outside, &seen);
        }
    free(mixed);
    return seen;
}

int64_t volume_regrid_nearest(const struct grid *from, const void *from_voxel, size_t width, const struct grid *to,
                              void *to_voxel, struct error *e)
{
    struct grid_map map;
    int64_t seen = 0;
    if (map_make(from, to, &map, e) < 0)
        return -1;
    memset(to_voxel, 0, grid_voxels(to) * width);
    for (int64_t z = 0; z < to->dim[0]; z++)
        for (int64_t y = 0; y < to->dim[1]; y++)
            for (int64_t x = 0; x < to->dim[2]; x++) {
                int64_t at[3];
                bool inside = true;
                for (int a = 0; a < 3 && inside; a++) {
                    double const i =
                        map.m[a][0] * (double)z + map.m[a][1] * (double)y + map.m[a][2] * (double)x + map.m[a][3];
                    at[a] = (int64_t)floor(i + 0.5);
                    inside = i >= -0.5 && at[a] < from->dim[a];
                }
                if (!inside)
                    continue;
                seen++;
                memcpy((char *)to_voxel + grid_at(to, z, y, x) * width,
                       (const char *)from_voxel + grid_at(from, at[0], at[1], at[2]) * width, width);
            }
    return seen;
}
