/* SPDX-License-Identifier: Apache-2.0 */
/* regions -- one scan's regions, boxes and pictures: everything petrel-roi does to a volume.   suv -> [roi] -> cache, classify */
#ifndef PETREL_ROI_REGIONS_H
#define PETREL_ROI_REGIONS_H
#include "proto/message.h"
#include "proto/organ.h"
#include "proto/recipe.h"

struct regions_summary {
    size_t regions, tumours, clipped;
    size_t excluded[ORGAN_LABELS],
        excluded_tumours; /* regions left out as an organ's; those of them that truth calls tumour */
    char how[160];        /* thresholds used */
    char liver[96];       /* the reference: numbers, place, whence; "": nobody asked for it, or none was found */
    char left_out[160];   /* how many regions of which organ were left out, and by which rule; "": none was to be */
};

/* Fills *out but for its facts; regions_message_free() it. liver_mm: where the liver is, mm RAS; NULL: to be found. -1 and a
 * sentence for a volume that cannot be right, or has no liver where one is needed. */
int regions_find(const struct volume *v, const struct recipe *r, const double *liver_mm, struct regions_message *out,
                 struct regions_summary *summary, struct error *e) MUST_USE;
#endif
