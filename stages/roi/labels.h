/* SPDX-License-Identifier: Apache-2.0 */
/* labels -- which region each voxel belongs to, as runs.   method -> [labels] -> extent */
#ifndef PETREL_ROI_LABELS_H
#define PETREL_ROI_LABELS_H
#include "stages/roi/component.h"

struct labels {
    struct runs runs; /* every voxel lies in one, those of no region too; each is as long as it can be */
    uint32_t *label;  /* of each run: 0, or 1..count */
    uint32_t count;
};
/* Of a dense map of the values 0..count. labels_free() it. */
void labels_of(struct labels *l, const uint32_t *label, const int64_t dim[3], uint32_t count);
/* Of the components of runs, as components_label() gives them. labels_free() it. */
void labels_of_components(struct labels *l, const struct runs *r, const uint32_t *component, uint32_t count);
/* Neighbours of one label, which whoever changes labels may leave, become one: sums over runs are rounded run by run. */
void labels_join(struct labels *l);
void labels_free(struct labels *l);
#endif
