/* SPDX-License-Identifier: Apache-2.0 */
/* organ -- which organs a map tells apart, and by which numbers and names.   proto */
#include "proto/organ.h"
#include <string.h>

static const char *const names[ORGAN_LABELS] = {"none",   "spleen",  "kidneys", "liver",    "bladder",
                                                "lungs",  "brain",   "heart",   "stomach",  "prostate",
                                                "glands", "another", "aorta",   "vertebrae"};

const char *organ_label_name(int label)
{
    return label >= 0 && label < ORGAN_LABELS ? names[label] : "another";
}

int organ_list_read(const char *key, const char *list, unsigned *set, struct error *e)
{
    *set = 0;
    if (strcmp(list, names[ORGAN_LABEL_NONE]) == 0)
        return 0;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ","), label = 1;
        while (label < ORGAN_LABELS &&
               (label == ORGAN_LABEL_REST || strlen(names[label]) != length || memcmp(names[label], at, length) != 0))
            label++;
        if (label == ORGAN_LABELS)
            return fail_as(e, EX_CONFIG,
                           "%s has '%.*s' (some of spleen,kidneys,liver,bladder,lungs,brain,heart,stomach,"
                           "prostate,glands,aorta,vertebrae; or none)",
                           key, (int)length, at);
        if (*set & 1U << label)
            return fail_as(e, EX_CONFIG, "%s has '%s' twice", key, names[label]);
        *set |= 1U << label;
        at += length;
        if (!*at)
            return 0;
    }
}
