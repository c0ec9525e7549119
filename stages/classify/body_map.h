/* SPDX-License-Identifier: Apache-2.0 */
/* body_map -- the scan in coarse cells, by which two scans of a patient are laid on each other.   result -> [body_map] ═> followup
 *
 *   OUT/SCAN/body.nii.gz   uint8: mean SUV of cells of BODY_CELL_MM, times BODY_PER_SUV, at most 255 */
#ifndef PETREL_CLASSIFY_BODY_MAP_H
#define PETREL_CLASSIFY_BODY_MAP_H
#include "common/volume.h"

#define BODY_CELL_MM 8.0
#define BODY_PER_SUV 40.0

/* v: SUV. Nothing is written where its voxels did not come along. */
int body_map_write(const struct volume *v, const char *dir, struct error *e) MUST_USE;
#endif
