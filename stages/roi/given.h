/* SPDX-License-Identifier: Apache-2.0 */
/* given -- regions that somebody drew, laid on the scan.   suv -> [given] -> regions
 *
 * The map is parted on its own grid (given_parts): a part is a label, or a connected component of one (recipe's connectivity). Each voxel
 * of the scan takes the part of the nearest voxel of the map, by the places both say in mm; the body's bounding box is looked at.
 * Parts without a voxel there become no region. */
#ifndef PETREL_ROI_GIVEN_H
#define PETREL_ROI_GIVEN_H
#include "common/given.h"
#include "stages/roi/method.h"

struct given_parts {
    struct buffer runs; /* the map's voxels by part, 1 .. count, on its own grid */
    size_t count;
    uint32_t *label; /* [count]: the part's label in *f, 0: none */
};
/* Fills *f (but for thresholds) and *p. -1 and a sentence: no map came with the scan, or it lies nowhere on it. */
int given_find(const struct volume *v, const struct recipe *r, const struct crop *body, struct found *f,
               struct given_parts *p, struct error *e) MUST_USE;
/* What became of each part, with the map itself, for whoever writes it back; frees *p. NULL: there is no map, or it was not asked for. */
struct given *given_tell(const struct given *map, struct given_parts *p, const uint32_t *number,
                         const uint32_t *excluded);
#endif
