/* SPDX-License-Identifier: Apache-2.0 */
/* lesions -- end to end: of the truth's lesions and volume, what the regions that were called tumour hold.   cache -> [lesions] -> report
 *
 * A classifier's sensitivity counts regions, so what no region holds is not in it. Here the lesions of the truth are counted
 * (cache_read_lesions), and one is found where regions that were called tumour hold half of it together. */
#ifndef PETREL_EVAL_LESIONS_H
#define PETREL_EVAL_LESIONS_H
#include "proto/message.h"

struct end_to_end {
    size_t scans;               /* with a truth that was looked at */
    size_t lesions;             /* of the truth */
    size_t missed_by_regions;   /* no region holds half of them (those left out as an organ's too) */
    size_t left_out;            /* half of them was left out as an organ's */
    size_t found;               /* regions called tumour hold half of them */
    double truth_ml, held_ml;   /* volume of the truth; of that in any region */
    double found_ml, called_ml; /* of the truth in regions called tumour; of these regions in all */
};
/* Adds a scan; nothing where its lesions are not known. called[i]: region i (component i+1) is called tumour. */
void end_to_end_add(struct end_to_end *t, const struct lesions *l, const struct region *region, size_t regions,
                    const bool *called);
/* found / lesions; NAN where there are none. */
double end_to_end_sensitivity(const struct end_to_end *t);
/* found_ml / truth_ml; NAN where there is none. */
double end_to_end_volume(const struct end_to_end *t);
#endif
