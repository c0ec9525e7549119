/* SPDX-License-Identifier: Apache-2.0 */
/* position -- where a region lies, how large it is and which way it points: [cz,cy,cx, s1,s2,s3, tx,ty,tz].   extent -> [position]
 *
 * Four forms, of which the recipe picks one (position_box, position_unit):
 *     axis      s is the axis-aligned bounding box, z y x
 *     oriented  s is the bounding box along the principal axes, largest variance first
 *     voxel     lengths and second moments in voxels
 *     mm        lengths and second moments in mm; the centroid is index * spacing, from the centre of voxel (0,0,0)
 * Boxes hold whole voxels: size_i = range of row_i.(p - c) over the voxel centres + sum_j |R_ij| spacing_j.
 * Angles, in radians, are those of the principal axes in all forms (theirs in mm for the mm forms):
 *     tx = atan2(R21, R22), ty = atan2(-R20, sqrt(R21^2 + R22^2)), tz = atan2(R10, R00)
 * where the rows of R are the principal axes, components x y z, variance ascending.
 * As ITK has them (axes_itk): the eigenvectors' signs are its solver's, the last row takes the determinant's sign.
 * Else: an eigenvector has no sign and equal variances no axes, so both are chosen: of axes with equal variance, the first is
 * the projection of z on their plane (of y, where z is nearly perpendicular to it); three equal ones are z, y, x. Rows 0
 * and 1 have their largest component positive (of equal ones the first of z y x); row 2 = row 0 x row 1.  So one voxel, one
 * line, a ball, all give finite numbers, the same every time. */
#ifndef PETREL_ROI_POSITION_H
#define PETREL_ROI_POSITION_H
#include "proto/message.h"
#include "stages/roi/extent.h"

/* A region's shape in voxels of the scan, axes z y x. */
struct moments {
    int64_t voxels, low[3]; /* low: the scan's index of the label map's voxel (0,0,0) */
    double mean[3];         /* the centroid */
    double second[3][3];    /* central second moments, over voxels (not voxels - 1) */
};
/* low: the scan's index of the label map's voxel (0,0,0). */
void moments_of(const struct extents *x, uint32_t region, const int64_t low[3], struct moments *m);
/* Principal axes of a symmetric matrix given in z y x: rows of R, components x y z, signs as above. */
void principal_axes(double second[3][3], double R[3][3]);
/* A region's as ITK's LabelShapeStatistics has them for an image without origin or direction (position_itk.c): lengths in
 * units of spacing, equal variances have whatever axes its solver leaves. */
void principal_axes_itk(const struct extents *x, uint32_t region, const int64_t low[3], const double spacing[3],
                        double R[3][3]);
void axes_angles(double R[3][3], double angle[3]);
void position_of(const struct extents *x, uint32_t region, const struct moments *m, const double spacing_mm[3],
                 bool axes_itk, float position[POSITION_FORMS][POSITION_SIZE]);
#endif
