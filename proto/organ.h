/* SPDX-License-Identifier: Apache-2.0 */
/* organ -- which organs a map tells apart, and by which numbers and names.   proto
 *
 * The numbers to 11 are those of the autoPET organ maps (MIC-DKFZ/autopet-3-submission) and of petrel-simulate's ORGANS.nii.gz; those
 * after are ours, for what the maps of others tell, too (petrel-load --organs-of). */
#ifndef PETREL_PROTO_ORGAN_H
#define PETREL_PROTO_ORGAN_H
#include "common/base.h"

enum organ_label {
    ORGAN_LABEL_NONE,
    ORGAN_LABEL_SPLEEN,
    ORGAN_LABEL_KIDNEYS,
    ORGAN_LABEL_LIVER,
    ORGAN_LABEL_BLADDER,
    ORGAN_LABEL_LUNGS,
    ORGAN_LABEL_BRAIN,
    ORGAN_LABEL_HEART,
    ORGAN_LABEL_STOMACH,
    ORGAN_LABEL_PROSTATE,
    ORGAN_LABEL_GLANDS,
    ORGAN_LABEL_REST, /* of the body: of no organ */
    ORGAN_LABEL_AORTA,
    ORGAN_LABEL_VERTEBRAE,
    ORGAN_LABELS
};
/* How a region's organ is known. */
enum organ_by { ORGAN_BY_NOTHING, ORGAN_BY_MAP, ORGAN_BY_RULE };

/* "none", "spleen", "kidneys", ...; "another" for a number of no organ. */
const char *organ_label_name(int label);
/* A comma list of organs, none twice, or "none", to one bit a label (1 << label). -1 and a sentence naming `key`. */
int organ_list_read(const char *key, const char *list, unsigned *set, struct error *e) MUST_USE;
#endif
