/* SPDX-License-Identifier: Apache-2.0 */
/* mesh -- the surface of a region: what IBSI's morphological features are measured on.   [mesh] -> region
 *
 * The isosurface at one half of the region's mask, by marching cubes (Lorensen and Cline 1987): corners lie half-way between the centres
 * of a voxel inside and its neighbour outside. The table of triangles is not copied from anywhere: of each of the 256 cubes the lines
 * in which the surface meets its six faces are joined to rings, and each ring becomes a fan of triangles. On a face whose inside
 * corners lie across from each other they are kept apart, whichever cube looks at it, so the surface is closed. Where a ring does
 * not lie in a plane its triangles are a choice; ours makes the largest area, as the tables of MIRP's and PyRadiomics' libraries nearly
 * always do (tests/unit/quantities.c says how near). */
#ifndef PETREL_CLASSIFY_MESH_H
#define PETREL_CLASSIFY_MESH_H
#include "common/base.h"

struct mesh_measure {
    double surface_mm2, volume_mm3;
    double diameter_mm, diameter_axial_mm; /* farthest two corners; of those at one height */
};
/* mask [dim z][y][x], not 0 inside: its outermost voxels are all outside. */
void mesh_measure(const uint8_t *mask, const int64_t dim[3], const double spacing_mm[3], struct mesh_measure *m);
#endif
