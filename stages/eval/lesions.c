/* SPDX-License-Identifier: Apache-2.0 */
/* lesions -- end to end: of the truth's lesions and volume, what the regions that were called tumour hold.   cache -> [lesions] -> report */
#include "stages/eval/lesions.h"

#include <math.h>
#include <stdlib.h>

void end_to_end_add(struct end_to_end *t, const struct lesions *l, const struct region *region, size_t regions,
                    const bool *called)
{
    if (!l->known)
        return;
    int64_t *voxels = xalloc(l->count + 1, sizeof *voxels); /* of each lesion in regions called tumour */
    for (size_t i = 0; i < l->part_count; i++) {
        const struct lesion_part *p = &l->part[i];
        if ((size_t)p->component <= regions && called[p->component - 1])
            voxels[p->lesion - 1] += p->voxels;
    }
    for (size_t i = 0; i < l->count; i++) {
        const struct lesion *k = &l->lesion[i];
        double share = (double)voxels[i] / (double)k->voxels;
        t->lesions++;
        t->missed_by_regions += !lesion_found(k);
        t->left_out += lesion_left_out(k);
        t->found += share >= LESION_HALF;
        t->truth_ml += k->ml;
        t->held_ml += k->ml * k->in_regions;
        t->found_ml += k->ml * share;
    }
    for (size_t i = 0; i < regions; i++)
        t->called_ml += called[i] ? region[i].ml : 0;
    t->scans++;
    free(voxels);
}

double end_to_end_sensitivity(const struct end_to_end *t)
{
    return t->lesions ? (double)t->found / (double)t->lesions : NAN;
}

double end_to_end_volume(const struct end_to_end *t)
{
    return t->truth_ml > 0 ? t->found_ml / t->truth_ml : NAN;
}
