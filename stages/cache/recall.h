/* SPDX-License-Identifier: Apache-2.0 */
/* recall -- of the truth's lesions, those that regions hold: the counts, for who prints them.   directory -> [recall] */
#ifndef PETREL_STAGES_CACHE_RECALL_H
#define PETREL_STAGES_CACHE_RECALL_H
#include "proto/organ.h"
#include "stages/cache/cache.h"

struct tally {
    char name[64];
    size_t lesions, left_out, found, alone, tumour; /* tumour: half of it in regions that truth calls tumour */
    double voxels, held, in_tumours;
};
/* Rows of the table: all, those that a reader would hardly miss, then by volume, SUVmax, organ and height. */
enum { BANDS = 4, HEIGHTS = 6 };
enum { ALL, MARKED, ML, SUV = ML + BANDS, ORGAN = SUV + BANDS, HEIGHT = ORGAN + ORGAN_LABELS, RECALL_ROWS = HEIGHT + HEIGHTS };
struct recall {
    struct tally row[RECALL_ROWS];
    size_t scans, unknown, regions;
};

double recall_share(double of, double all); /* NAN where there is none */
int recall_print_json(const struct cache *c, const struct recall *r);
#endif
