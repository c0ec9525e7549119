/* SPDX-License-Identifier: Apache-2.0 */
/* cells -- a scan small enough to lie in a page: the body's box in cells of whole voxels, as pictures.   result -> [cells] -> page
 *
 * Cells are f voxels along each axis, the f that makes them nearest to CELL_MM, larger where there would be more than CELLS_MOST. PET is
 * their mean, as a byte: 255 * sqrt(SUV / CELL_SUV); CT their mean, -200 .. 300 HU as 0 .. 255; a cell is of the region whose voxel in it
 * comes first. A picture is slices side by side, `across` of them in a row. */
#ifndef PETREL_CLASSIFY_CELLS_H
#define PETREL_CLASSIFY_CELLS_H
#include "stages/classify/result.h"
#include <stdio.h>

#define CELL_MM  3.0
#define CELL_SUV 40.0
enum { CELLS_MOST = 2500000 };

/* {"dim": [z, y, x], "mm": of a cell, "across": n, "suv": CELL_SUV, "centre": [[z, y, x] of each region, in cells], "pet": "data:...",
 * "ct": likewise where there is one, "label": likewise}. null where the scan came without its voxels. */
int cells_json(const struct result *r, FILE *to, struct error *e) MUST_USE;
#endif
