/* SPDX-License-Identifier: Apache-2.0 */
/* trilinear -- a box seen through an affine map, by trilinear interpolation.   task -> [pairs] -> train
 *
 * One core of an AMD EPYC (Zen 4), least microseconds a box of 200 runs, AVX2:
 *   8 gathers a voxel, left to the compiler                                       10.5
 *   two neighbours in x per load, a row of 16 at a time, left to the compiler      9.9
 *   four neighbours per load from a box with every second row beside its first     7.3 (8.6 reflected)
 *   two neighbours per load, 8 voxels parted by shuffles: this one                 6.5 (7.4 reflected) */
#include "stages/pairs/trilinear.h"
#include "proto/message.h"
#include "stages/pairs/vector.h"

enum { NEXT_Y = BOX_SIDE, NEXT_Z = BOX_SIDE * BOX_SIDE, LAST = BOX_SIDE - 1, LANES = 8 };
typedef float lanes __attribute__((vector_size(32)));
typedef double pairs __attribute__((vector_size(32))); /* four times two floats */

/* As integers, floats that are not negative keep their order. */
static inline float clamped(float c)
{
    const int32_t fifteen = 0x41700000;
    int32_t i = bits_of(c);
    i = i > 0 ? i : 0;
    return float_of(i < fifteen ? i : fifteen);
}

/* distance from the nearest multiple of 30: adding and taking away 1.5 * 2^23 rounds to the nearest whole number */
static inline float reflected(float c)
{
    const float period = 2.0f * (float)LAST, rounder = 12582912.0f;
    return fabsf(c - period * ((c * (1.0f / period) + rounder) - rounder));
}

/* lower neighbour of a coordinate in [0, 15]: at most 14, so that there is always an upper one */
static inline int32_t below(float c)
{
    int32_t i = (int32_t)c;
    return i < LAST ? i : LAST - 1;
}

/* One row of destinations: source voxel below, and how far beyond it on each axis. */
struct row {
    int32_t at[BOX_SIDE];
    float z[BOX_SIDE], y[BOX_SIDE], x[BOX_SIDE];
};
/* Sixteen points of the source: how far each voxel of a row is from its first; where each row of a slice begins. */
struct along {
    float z[BOX_SIDE], y[BOX_SIDE], x[BOX_SIDE];
};

static inline __attribute__((always_inline)) void row_place(struct row *restrict r, const float start[3],
                                                            const struct along *restrict along, float (*into)(float))
{
    const float start_z = start[0], start_y = start[1], start_x = start[2];
    for (int i = 0; i < BOX_SIDE; i++) {
        float z = into(start_z + along->z[i]), y = into(start_y + along->y[i]), x = into(start_x + along->x[i]);
        int32_t kz = below(z), ky = below(y), kx = below(x);
        r->at[i] = kz * NEXT_Z + ky * NEXT_Y + kx;
        r->z[i] = z - (float)kz;
        r->y[i] = y - (float)ky;
        r->x[i] = x - (float)kx;
    }
}

/* *left = p[at[0..7]], *right = p[at[0..7] + 1] */
static inline __attribute__((always_inline)) void load_neighbours(lanes *left, lanes *right, const float *p,
                                                                  const int32_t *at)
{
    double two[LANES];
    for (int i = 0; i < LANES; i++)
        memcpy(&two[i], p + at[i], sizeof two[i]);
    pairs a = {two[0], two[1], two[4], two[5]}, b = {two[2], two[3], two[6], two[7]};
    *left = __builtin_shufflevector((lanes)a, (lanes)b, 0, 2, 8, 10, 4, 6, 12, 14);
    *right = __builtin_shufflevector((lanes)a, (lanes)b, 1, 3, 9, 11, 5, 7, 13, 15);
}

static inline __attribute__((always_inline)) void row_sample(float *out, const float *in, const struct row *r)
{
    for (int i = 0; i < BOX_SIDE; i += LANES) {
        lanes fx, fy, fz, near, far, near_up, far_up, right;
        memcpy(&fx, r->x + i, sizeof fx);
        memcpy(&fy, r->y + i, sizeof fy);
        memcpy(&fz, r->z + i, sizeof fz);
        load_neighbours(&near, &right, in, r->at + i);
        near += fx * (right - near);
        load_neighbours(&far, &right, in + NEXT_Y, r->at + i);
        far += fx * (right - far);
        near += fy * (far - near);
        load_neighbours(&near_up, &right, in + NEXT_Z, r->at + i);
        near_up += fx * (right - near_up);
        load_neighbours(&far_up, &right, in + NEXT_Z + NEXT_Y, r->at + i);
        far_up += fx * (right - far_up);
        near_up += fy * (far_up - near_up);
        near += fz * (near_up - near);
        memcpy(out + i, &near, sizeof near);
    }
}

VECTORISED void trilinear(float *out, const float *in, const struct map *map, enum edge edge)
{
    struct along along;
    for (int i = 0; i < BOX_SIDE; i++) {
        along.z[i] = (float)(map->to[0][2] * i);
        along.y[i] = (float)(map->to[1][2] * i);
        along.x[i] = (float)(map->to[2][2] * i);
    }
    for (int z = 0; z < BOX_SIDE; z++) {
        struct along first; /* of each row of this slice */
        for (int y = 0; y < BOX_SIDE; y++) {
            first.z[y] = (float)(map->to[0][0] * z + map->to[0][1] * y + map->to[0][3]);
            first.y[y] = (float)(map->to[1][0] * z + map->to[1][1] * y + map->to[1][3]);
            first.x[y] = (float)(map->to[2][0] * z + map->to[2][1] * y + map->to[2][3]);
        }
        for (int y = 0; y < BOX_SIDE; y++) {
            struct row row;
            const float start[3] = {first.z[y], first.y[y], first.x[y]};
            if (edge == EDGE_CLAMP)
                row_place(&row, start, &along, clamped);
            else
                row_place(&row, start, &along, reflected);
            row_sample(out + z * NEXT_Z + y * NEXT_Y, in, &row);
        }
    }
}

struct map map_about_centre(const struct matrix *m, const double shift[3])
{
    const double centre = LAST / 2.0;
    struct map map;
    for (int a = 0; a < 3; a++) {
        map.to[a][3] = centre + shift[a];
        for (int b = 0; b < 3; b++) {
            map.to[a][b] = m->m[a][b];
            map.to[a][3] -= m->m[a][b] * centre;
        }
    }
    return map;
}

struct matrix matrix_product(const struct matrix *a, const struct matrix *b)
{
    struct matrix product;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            product.m[i][j] = a->m[i][0] * b->m[0][j] + a->m[i][1] * b->m[1][j] + a->m[i][2] * b->m[2][j];
    return product;
}

struct matrix matrix_rotation(const double rad[3])
{
    double c[3], s[3];
    for (int a = 0; a < 3; a++) {
        c[a] = cos(rad[a]);
        s[a] = sin(rad[a]);
    }
    const struct matrix x = {{{1, 0, 0}, {0, c[0], -s[0]}, {0, s[0], c[0]}}};
    const struct matrix y = {{{c[1], 0, s[1]}, {0, 1, 0}, {-s[1], 0, c[1]}}};
    const struct matrix z = {{{c[2], -s[2], 0}, {s[2], c[2], 0}, {0, 0, 1}}};
    const struct matrix xy = matrix_product(&x, &y);
    return matrix_product(&xy, &z);
}
