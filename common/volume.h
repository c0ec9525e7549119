/* SPDX-License-Identifier: Apache-2.0 */
/* volume -- a three-dimensional image in patient space.   common
 *
 * Index order is [z][y][x] = [D][H][W], z slowest; every triple in Petrel is in that order unless it says otherwise.
 * Loaded volumes are turned so that x grows to the patient's left, y to the back, z to the head (LPS, DICOM's
 * axial order); `turned` remembers how, to write results on the scan's own grid.
 * affine maps (x, y, z, 1) voxel indices to millimetres, RAS+ (NIfTI's convention): row i gives coordinate i. */
#ifndef PETREL_COMMON_VOLUME_H
#define PETREL_COMMON_VOLUME_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

struct grid {
    int64_t dim[3];       /* D H W */
    double spacing_mm[3]; /* D H W, positive */
    double affine[3][4];  /* columns x y z offset -> mm RAS */
};
/* How the file's axes became ours: our axis a (0 = z, 1 = y, 2 = x) runs along file axis file_axis[a]
 * (0 slowest in the file), backwards where flipped[a]. */
struct turn {
    uint8_t file_axis[3], flipped[3];
};

struct given;
struct volume {
    struct grid grid;
    struct turn turned;
    float *voxel;        /* D*H*W; owned */
    int16_t *ct;         /* D*H*W, Hounsfield units of the CT on this grid; NULL: none; owned */
    uint8_t *mask;       /* D*H*W, 0 or 1; NULL: no truth; owned */
    uint8_t *organ;      /* D*H*W, labels as proto/organ.h has them, 0 elsewhere; NULL: no organ map; owned */
    struct given *given; /* regions that somebody drew (common/given.h), on a grid of their own; NULL: none; owned */
};
enum { CT_OUTSIDE_HU = -1024 }; /* where the CT did not look */

size_t grid_voxels(const struct grid *g);
double grid_voxel_ml(const struct grid *g);
bool grid_same_shape(const struct grid *a, const struct grid *b);
/* mm RAS of a (possibly fractional) [z,y,x] index. */
void grid_to_mm(const struct grid *g, const double zyx[3], double ras_mm[3]);
/* The other way: the (fractional) [z,y,x] index of a place. -1: the grid is flat. (regrid.c) */
int grid_from_mm(const struct grid *g, const double ras_mm[3], double zyx[3], struct error *e) MUST_USE;
/* The same as an affine, for many places: index a is map[a][0] x + map[a][1] y + map[a][2] z + map[a][3]. */
int grid_index_map(const struct grid *g, double map[3][4], struct error *e) MUST_USE;
/* An axis-aligned LPS grid: x left, y back, z head, voxel (0,0,0) at origin_ras_mm. */
void grid_set(struct grid *g, const int64_t dim[3], const double spacing_mm[3], const double origin_ras_mm[3]);
static inline size_t grid_at(const struct grid *g, int64_t z, int64_t y, int64_t x)
{
    return (size_t)((z * g->dim[1] + y) * g->dim[2] + x);
}
/* The farthest any corner of two grids of one shape lies apart, in voxels of b's finest axis. */
double grid_corners_apart(const struct grid *a, const struct grid *b);
/* spacing_mm from the affine's columns. -1 and a sentence without its subject: voxels absurdly small or large, two axes that run the
 * same way, or axes that are not perpendicular, as of slices that do not lie over each other: along the whole of one axis, half a
 * voxel of another at most. */
int grid_measure(struct grid *g, struct error *e) MUST_USE;
void volume_free(struct volume *v);

/* Turn file-order voxels of `size` bytes each into LPS order according to the affine of the file's grid (whose dim,
 * spacing and affine are in file order slowest-first / columns fastest-first); rewrites *grid and sets *turned.
 * Works in a new array; frees the old one and sets *voxel (neither where nothing turns). voxel NULL: the grid alone.
 * Oblique grids are turned to the nearest axes: the affine stays exact, only the order of voxels changes. */
void volume_turn_lps(struct grid *grid, struct turn *turned, void **voxel, size_t size);
/* The inverse, for writing: voxels in our order to the file's; *grid too. */
void volume_turn_back(struct grid *grid, const struct turn *turned, void **voxel, size_t size);

/* Whole numbers on another grid, however the two lie (regrid.c): linear between voxel centres, rounded to nearest; in the outer half
 * of the outermost voxels their value, beyond them `outside`. to_voxel: grid_voxels(to), the caller's. Returns how many of them
 * lie on `from`; -1 and a sentence where that grid is flat. */
int64_t volume_regrid(const struct grid *from, const int16_t *from_voxel, const struct grid *to, int16_t outside,
                      int16_t *to_voxel, struct error *e) MUST_USE;
/* The same of labels of `width` bytes each, 1, 2 or 4: the value of the nearest voxel, 0 where there is none. */
int64_t volume_regrid_nearest(const struct grid *from, const void *from_voxel, size_t width, const struct grid *to,
                              void *to_voxel, struct error *e) MUST_USE;
/* Write NIfTI-1 (.nii or .nii.gz by name), sform from the affine, published atomically.
 * type: 2 uint8, 4 int16, 512 uint16, 16 float32; describe goes into descrip (79 bytes at most). */
int nifti_write(const char *path, const struct grid *g, int type, const void *voxel, const char *describe,
                struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
