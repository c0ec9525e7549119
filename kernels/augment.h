/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- augmentations that were drawn, for a back end that applies them where the boxes lie.   kernels
 *
 * What each does to a box [C][16][16][16] is stages/pairs's affine, flip, rotate, noise, histogram and contrast, voxel by voxel and to
 * rounding: the same parameters, the same bits of Philox. Drawing stays with stages/pairs; here are numbers. */
#ifndef PETREL_KERNELS_AUGMENT_H
#define PETREL_KERNELS_AUGMENT_H
#include <stdint.h>

enum augment_kind {
    AUGMENT_REFLECT, /* seen through map, trilinear; coordinates mirrored about 0 and 15 (affine) */
    AUGMENT_CLAMP,   /* the same, coordinates clamped to [0, 15] (rotate) */
    AUGMENT_FLIP,    /* all axes */
    AUGMENT_NOISE, /* + sd N(0,1), of Philox(seed, stream, index) from first_block on, 512 blocks a channel (stages/pairs/normals.h) */
    AUGMENT_HISTOGRAM, /* evenly spaced levels from the lowest value to the highest go to point[] of that range */
    AUGMENT_CONTRAST,  /* t^gamma of that range */
    AUGMENT_KINDS
};
enum { AUGMENT_POINTS = 64, AUGMENT_SIDE = 16 };

struct augment_noise {
    uint64_t seed, index;
    uint32_t stream, first_block;
    float sd;
};
struct augment_points {
    int32_t count;
    float point[AUGMENT_POINTS];
}; /* count from 3 to AUGMENT_POINTS */
struct augment_step {
    int32_t kind;
    union {
        double map[3][4]; /* voxel (z,y,x) shows voxel map[.][0] z + map[.][1] y + map[.][2] x + map[.][3] */
        struct augment_noise noise;
        struct augment_points histogram;
        float gamma;
    } with;
};
/* One box of the batch and the steps it passes, in order: step[first] to step[first + steps - 1]. No box twice. */
struct augment_view {
    int32_t box, first, steps;
};
struct augment_plan {
    const struct augment_view *view;
    const struct augment_step *step;
    int views, steps;
};

#endif
