/* SPDX-License-Identifier: Apache-2.0 */
/* ball -- the mean of an image in a sphere of 1 ml: SUVpeak.   common */
#ifndef PETREL_COMMON_BALL_H
#define PETREL_COMMON_BALL_H
#include "common/volume.h"

/* Voxels of a 1 ml ball (radius 6.2 mm) round a voxel: those whose centre lies inside, itself always. */
struct ball {
    int count;
    struct {
        int32_t z, y, x;
    } * offset;
    int32_t reach[3];
};
void ball_make(struct ball *b, const double spacing_mm[3]);
void ball_free(struct ball *b);
/* Mean of those of them that are in the image, round voxel z y x. */
double ball_mean(const struct volume *v, const struct ball *b, int64_t z, int64_t y, int64_t x);
#endif
