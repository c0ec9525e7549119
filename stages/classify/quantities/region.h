/* SPDX-License-Identifier: Apache-2.0 */
/* region -- what one region's voxels tell: uptake, shape.   measure -> [region] -> mesh */
#ifndef PETREL_CLASSIFY_REGION_H
#define PETREL_CLASSIFY_REGION_H
#include "common/ball.h"
#include "stages/classify/quantities/quantities.h"

/* Shape: what no SUV is needed for. index: the region's n > 0 voxels. */
void region_shape(const struct grid *g, const size_t *index, size_t n, struct region_quantities *q);
/* Uptake, on the scan's voxels. */
void region_uptake(const struct volume *v, const struct ball *b, const size_t *index, size_t n,
                   struct region_quantities *q);
#endif
