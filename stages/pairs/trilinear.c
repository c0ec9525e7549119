/* trilinear -- a box seen through an affine map, by trilinear interpolation.   task -> [pairs] -> train
 *
 * One core of an AMD EPYC (Zen 4), microseconds a box, 2025-11:
 *   8 gathers a voxel                                             10.5 (AVX2), 17 (plain)
 *   4 loads of two neighbours at once into vectors of 4 lanes     22
 *   4 loads of two neighbours, a row of 16 at a time: this one     9.9 (AVX2), 15 (plain) */
#include "stages/pairs/trilinear.h"
#include "proto/message.h"
#include "stages/pairs/vector.h"

enum { NEXT_Y = BOX_SIDE, NEXT_Z = BOX_SIDE * BOX_SIDE, LAST = BOX_SIDE - 1 };

static inline float clamped(float c)
{
    c = c < 0.0f ? 0.0f : c;
    return c > (float)LAST ? (float)LAST : c;
}

static inline float reflected(float c)
{
    const float period = 2.0f * (float)LAST;
    c = fabsf(c);
    c -= period * (float)(int32_t)(c * (1.0f / period));
    return (float)LAST - fabsf(c - (float)LAST);
}

/* lower neighbour of a coordinate in [0, 15]: at most 14, so that there is always an upper one */
static inline int32_t below(float c)
{
    int32_t i = (int32_t)c;
    return i < LAST ? i : LAST - 1;
}

/* One row of destinations: source voxel below, and how far beyond it on each axis. */
struct row { int32_t at[BOX_SIDE]; float z[BOX_SIDE], y[BOX_SIDE], x[BOX_SIDE]; };

static inline __attribute__((always_inline)) void row_place(struct row *r, const float start[3], const float step[3], float (*into)(float))
{
    for (int i = 0; i < BOX_SIDE; i++) {
        float z = into(start[0] + step[0] * (float)i), y = into(start[1] + step[1] * (float)i), x = into(start[2] + step[2] * (float)i);
        int32_t kz = below(z), ky = below(y), kx = below(x);
        r->at[i] = kz * NEXT_Z + ky * NEXT_Y + kx;
        r->z[i] = z - (float)kz;
        r->y[i] = y - (float)ky;
        r->x[i] = x - (float)kx;
    }
}

static inline __attribute__((always_inline)) void row_sample(float *out, const float *in, const struct row *r)
{
    enum { TWO = 2 * sizeof(float) };
    float corner[4][2 * BOX_SIDE]; /* (z,y), (z,y+1), (z+1,y), (z+1,y+1), each with its neighbour in x beside it */
    for (int i = 0; i < BOX_SIDE; i++) {
        const float *p = in + r->at[i];
        memcpy(&corner[0][2 * i], p, TWO);
        memcpy(&corner[1][2 * i], p + NEXT_Y, TWO);
        memcpy(&corner[2][2 * i], p + NEXT_Z, TWO);
        memcpy(&corner[3][2 * i], p + NEXT_Z + NEXT_Y, TWO);
    }
    for (int i = 0; i < BOX_SIDE; i++) {
        float a = corner[0][2 * i] + r->x[i] * (corner[0][2 * i + 1] - corner[0][2 * i]);
        float b = corner[1][2 * i] + r->x[i] * (corner[1][2 * i + 1] - corner[1][2 * i]);
        float c = corner[2][2 * i] + r->x[i] * (corner[2][2 * i + 1] - corner[2][2 * i]);
        float d = corner[3][2 * i] + r->x[i] * (corner[3][2 * i + 1] - corner[3][2 * i]);
        a += r->y[i] * (b - a);
        c += r->y[i] * (d - c);
        out[i] = a + r->z[i] * (c - a);
    }
}

VECTORISED void trilinear(float *out, const float *in, const struct map *map, enum edge edge)
{
    struct row row;
    const float step[3] = {(float)map->to[0][2], (float)map->to[1][2], (float)map->to[2][2]};
    for (int z = 0; z < BOX_SIDE; z++)
        for (int y = 0; y < BOX_SIDE; y++) {
            float start[3];
            for (int a = 0; a < 3; a++)
                start[a] = (float)(map->to[a][0] * z + map->to[a][1] * y + map->to[a][3]);
            if (edge == EDGE_CLAMP)
                row_place(&row, start, step, clamped);
            else
                row_place(&row, start, step, reflected);
            row_sample(out + z * NEXT_Z + y * NEXT_Y, in, &row);
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
