/* SPDX-License-Identifier: Apache-2.0 */
/* trilinear -- a box seen through an affine map, by trilinear interpolation.   task -> [pairs] -> train */
#ifndef PETREL_STAGES_PAIRS_TRILINEAR_H
#define PETREL_STAGES_PAIRS_TRILINEAR_H

struct matrix {
    double m[3][3];
};
/* Voxel (z', y', x') of the new box shows voxel to[.][0] z' + to[.][1] y' + to[.][2] x' + to[.][3] of the old one. */
struct map {
    double to[3][4];
};

enum edge {
    EDGE_CLAMP,  /* each source coordinate clamped to [0, 15] */
    EDGE_REFLECT /* mirrored about 0 and about 15, as often as it takes */
};

/* out[4096] = in[4096] through the map; out is another box than in. */
void trilinear(float *out, const float *in, const struct map *map, enum edge edge);

/* The matrix about the box's centre (7.5, 7.5, 7.5), then the shift (voxels). */
struct map map_about_centre(const struct matrix *m, const double shift[3]);
/* Rx Ry Rz, rotations by rad[0..2] about the array axes 0, 1, 2. */
struct matrix matrix_rotation(const double rad[3]);
struct matrix matrix_product(const struct matrix *a, const struct matrix *b);
#endif
