/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_kept_inside -- what the C++ files behind kept.h share.   dicom_kept, _kept_seg, _kept_rtstruct */
#ifndef PETREL_EXPORT_DICOM_KEPT_INSIDE_H
#define PETREL_EXPORT_DICOM_KEPT_INSIDE_H
#include "stages/export/dicom_inside.h"
#include "stages/export/kept.h"

enum class Fate { unknown, stays, goes };

/* What was said of a structure's voxel; unknown: it is not that structure's, or beyond the map. */
inline Fate fate_at(const kept_map *m, long long voxel, unsigned number)
{
    if (voxel < 0)
        return Fate::unknown;
    return m->stays[voxel] == number ? Fate::stays : m->goes[voxel] == number ? Fate::goes : Fate::unknown;
}
/* -1: beyond the map */
inline long long voxel_at(const kept_map *m, long long z, long long y, long long x)
{
    const int64_t *d = m->grid.dim;
    return z < 0 || y < 0 || x < 0 || z >= d[0] || y >= d[1] || x >= d[2] ? -1 : (z * d[1] + y) * d[2] + x;
}
/* The (fractional) index z y x of a place in mm LPS. */
inline void place_index(const kept_map *m, const double lps_mm[3], double zyx[3])
{
    struct error e = {};
    const double ras[3] = {-lps_mm[0], -lps_mm[1], lps_mm[2]};
    if (grid_from_mm(&m->grid, ras, zyx, &e) < 0)
        throw std::runtime_error(e.text);
}

/* Take out of a dataset, explicit and unpacked, what goes. They throw. */
void seg_keep(DcmDataset *set, const kept_map *m);
void rtstruct_keep(DcmDataset *set, const kept_map *m);
#endif
