/* SPDX-License-Identifier: Apache-2.0 */
/* mesh -- the surface of a region: what IBSI's morphological features are measured on.   [mesh] -> region */
#include "stages/classify/quantities/mesh.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Corner c of a cube lies at z = c>>2, y = c>>1&1, x = c&1. */
enum { CORNERS = 8, EDGES = 12, FACES = 6, RING_MOST = 12 };
struct rings {
    uint8_t count, length[4],
        edge[4][RING_MOST]; /* of a cube's pattern: edges in order, the inside on the left seen from outside */
};
static struct rings pattern[1 << CORNERS];
static uint8_t edge_from[EDGES], edge_to[EDGES];
static int edge_of[CORNERS][CORNERS];

/* Each face's corners counter-clockwise, seen from outside the cube. */
static const uint8_t face[FACES][4] = {{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4},
                                       {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}};

static void edges_number(void)
{
    int n = 0;
    for (int a = 0; a < CORNERS; a++)
        for (int b = a + 1; b < CORNERS; b++) {
            int const d = a ^ b;
            if (d != 1 && d != 2 && d != 4)
                continue;
            edge_from[n] = (uint8_t)a, edge_to[n] = (uint8_t)b;
            edge_of[a][b] = edge_of[b][a] = n++;
        }
}

/* next[e]: the edge that follows e on the surface's way over a face. Each run of inside corners is cut off by a line from where the way
 * round the face leaves it to where it comes in. */
static void pattern_make(int inside)
{
    int next[EDGES];
    bool crossed[EDGES] = {false};
    struct rings *r = &pattern[inside];
    for (int f = 0; f < FACES; f++)
        for (int k = 0; k < 4; k++) { /* corner k is inside, the one before it outside: a run begins */
            if (!(inside >> face[f][k] & 1) || inside >> face[f][(k + 3) % 4] & 1)
                continue;
            int last = k;
            while (inside >> face[f][(last + 1) % 4] & 1)
                last++;
            int const leaves = edge_of[face[f][last % 4]][face[f][(last + 1) % 4]],
                      comes = edge_of[face[f][(k + 3) % 4]][face[f][k]];
            next[leaves] = comes;
            crossed[leaves] = true;
        }
    for (int e = 0; e < EDGES; e++) {
        if (!crossed[e])
            continue;
        int n = 0;
        for (int at = e; crossed[at]; at = next[at]) {
            crossed[at] = false;
            r->edge[r->count][n++] = (uint8_t)at;
        }
        r->length[r->count++] = (uint8_t)n;
    }
}

static void patterns_make(void)
{
    edges_number();
    for (int inside = 0; inside < 1 << CORNERS; inside++)
        pattern_make(inside);
}

/* ---- area and volume */

static void cross(const double a[3], const double b[3], double c[3])
{
    c[0] = a[1] * b[2] - a[2] * b[1];
    c[1] = a[2] * b[0] - a[0] * b[2];
    c[2] = a[0] * b[1] - a[1] * b[0];
}

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* What a pattern's triangles come to on a grid: their area, and of the integral of z over them (the volume, by Gauss) the part that grows
 * with the cube's own z and the part that does not. */
struct patch {
    double area, up, volume;
};

static void triangle_add(const double a[3], const double b[3], const double c[3], struct patch *p)
{
    double u[3], v[3], n[3];
    for (int i = 0; i < 3; i++)
        u[i] = b[i] - a[i], v[i] = c[i] - a[i];
    cross(u, v, n);
    p->area += sqrt(dot(n, n)) / 2;
    p->up += n[0] / 2;
    p->volume += n[0] / 2 * (a[0] + b[0] + c[0]) / 3;
}

/* The middle of an edge, mm from the cube's corner 0. */
static void edge_middle(int e, const double mm[3], double p[3])
{
    for (int a = 0; a < 3; a++) {
        int const bit = 2 - a;
        p[a] = 0.5 * ((edge_from[e] >> bit & 1) + (edge_to[e] >> bit & 1)) * mm[a];
    }
}

/* Rings that do not lie in a plane: of the fans from each corner that of the largest area, of several the one that encloses most. */
static void ring_add(const struct rings *r, int ring, const double mm[3], struct patch *sum)
{
    double p[RING_MOST][3];
    int const n = r->length[ring];
    struct patch best = {0};
    for (int i = 0; i < n; i++)
        edge_middle(r->edge[ring][i], mm, p[i]);
    for (int f = 0; f < n; f++) {
        struct patch fan = {0};
        for (int i = 1; i + 1 < n; i++)
            triangle_add(p[f], p[(f + i) % n], p[(f + i + 1) % n], &fan);
        double const least = 1e-9 * fan.area, more = fan.area - best.area;
        if (f == 0 || more > least || (more > -least && fan.volume > best.volume + 1e-9 * fabs(best.volume)))
            best = fan;
    }
    sum->area += best.area, sum->up += best.up, sum->volume += best.volume;
}

static void patches_make(struct patch patch[1 << CORNERS], const double mm[3])
{
    for (int inside = 0; inside < 1 << CORNERS; inside++) {
        patch[inside] = (struct patch){0};
        for (int i = 0; i < pattern[inside].count; i++)
            ring_add(&pattern[inside], i, mm, &patch[inside]);
    }
}

/* ---- diameters */

/* A corner of the mesh, in half voxels. */
struct corner {
    int32_t z, y, x;
    double away; /* from the middle of all */
};
struct corners {
    struct corner *item;
    size_t count, room;
};

static void corner_add(struct corners *c, int64_t z, int64_t y, int64_t x)
{
    if (c->count == c->room) {
        c->room = 2 * c->room + 256;
        c->item = xresize(c->item, c->room, sizeof *c->item);
    }
    c->item[c->count++] = (struct corner){(int32_t)z, (int32_t)y, (int32_t)x, 0};
}

/* Of the corners on one line along x the first and the last: whatever lies between is not the farthest from anything. */
static void row_add(struct corners *c, int64_t z, int64_t y, int64_t first, int64_t last)
{
    if (last < 0)
        return;
    corner_add(c, z, y, first);
    if (last != first)
        corner_add(c, z, y, last);
}

static void corners_find(const uint8_t *mask, const int64_t dim[3], struct corners *c)
{
    int64_t const W = dim[2], step[2] = {dim[1] * dim[2], dim[2]};
    for (int64_t z = 0; z < dim[0]; z++)
        for (int64_t y = 0; y < dim[1]; y++) {
            const uint8_t *row = mask + z * step[0] + y * step[1];
            int64_t first = -1, last = -1;
            for (int64_t x = 0; x + 1 < W; x++)
                if ((row[x] != 0) != (row[x + 1] != 0)) {
                    first = first < 0 ? 2 * x + 1 : first;
                    last = 2 * x + 1;
                }
            row_add(c, 2 * z, 2 * y, first, last);
            for (int a = 0; a < 2; a++) {
                if ((a == 0 ? z + 1 : y + 1) >= dim[a])
                    continue;
                first = last = -1;
                for (int64_t x = 0; x < W; x++)
                    if ((row[x] != 0) != (row[x + step[a]] != 0)) {
                        first = first < 0 ? 2 * x : first;
                        last = 2 * x;
                    }
                row_add(c, 2 * z + (a == 0), 2 * y + (a == 1), first, last);
            }
        }
}

static int by_distance(const void *a, const void *b)
{
    const struct corner *p = a, *q = b;
    return p->away < q->away ? 1 : p->away > q->away ? -1 : 0;
}

/* Farthest two of `n`, which are sorted by their distance from one point: no two are farther apart than their distances from it. */
static double farthest(struct corner *c, size_t n, const double mm[3])
{
    double middle[3] = {0, 0, 0}, most = 0;
    for (size_t i = 0; i < n; i++) {
        middle[0] += c[i].z / (double)n;
        middle[1] += c[i].y / (double)n;
        middle[2] += c[i].x / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double const d[3] = {(c[i].z - middle[0]) * mm[0] / 2, (c[i].y - middle[1]) * mm[1] / 2,
                             (c[i].x - middle[2]) * mm[2] / 2};
        c[i].away = sqrt(dot(d, d));
    }
    if (n > 0)
        qsort(c, n, sizeof *c, by_distance);
    for (size_t i = 0; i < n && 2 * c[i].away > most; i++)
        for (size_t k = i + 1; k < n && c[i].away + c[k].away > most; k++) {
            double const d[3] = {(c[i].z - c[k].z) * mm[0] / 2, (c[i].y - c[k].y) * mm[1] / 2,
                                 (c[i].x - c[k].x) * mm[2] / 2};
            most = fmax(most, sqrt(dot(d, d)));
        }
    return most;
}

static int by_height(const void *a, const void *b)
{
    const struct corner *p = a, *q = b;
    return p->z != q->z   ? (p->z > q->z) - (p->z < q->z)
           : p->y != q->y ? (p->y > q->y) - (p->y < q->y)
                          : (p->x > q->x) - (p->x < q->x);
}

void mesh_measure(const uint8_t *mask, const int64_t dim[3], const double spacing_mm[3], struct mesh_measure *m)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, patterns_make);
    *m = (struct mesh_measure){0};
    struct patch patch[1 << CORNERS];
    patches_make(patch, spacing_mm);
    int64_t const H = dim[1], W = dim[2];
    for (int64_t z = 0; z + 1 < dim[0]; z++)
        for (int64_t y = 0; y + 1 < H; y++) {
            const uint8_t *row[4] = {mask + (z * H + y) * W, mask + (z * H + y + 1) * W, mask + ((z + 1) * H + y) * W,
                                     mask + ((z + 1) * H + y + 1) * W};
            for (int64_t x = 0; x + 1 < W; x++) {
                unsigned inside = 0;
                for (unsigned k = 0; k < 4; k++)
                    inside |= (unsigned)(row[k][x] != 0) << 2 * k | (unsigned)(row[k][x + 1] != 0) << (2 * k + 1);
                m->surface_mm2 += patch[inside].area;
                m->volume_mm3 += patch[inside].up * (double)z * spacing_mm[0] + patch[inside].volume;
            }
        }
    m->volume_mm3 = fabs(m->volume_mm3);

    struct corners c = {0};
    corners_find(mask, dim, &c);
    if (c.count > 0)
        qsort(c.item, c.count, sizeof *c.item, by_height);
    for (size_t i = 0, end; i < c.count; i = end) {
        for (end = i; end < c.count && c.item[end].z == c.item[i].z;)
            end++;
        m->diameter_axial_mm = fmax(m->diameter_axial_mm, farthest(c.item + i, end - i, spacing_mm));
    }
    m->diameter_mm = farthest(c.item, c.count, spacing_mm);
    free(c.item);
}
