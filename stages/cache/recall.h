/* SPDX-License-Identifier: Apache-2.0 */
/* recall -- the table that petrel-cache recall prints, for its two forms.   directory -> [recall] */
#ifndef PETREL_CACHE_RECALL_H
#define PETREL_CACHE_RECALL_H
#include "proto/organ.h"
#include "stages/cache/cache.h"

struct tally {
    char name[64];
    size_t lesions, left_out, found, alone, tumour; /* tumour: half of it in regions that truth calls tumour */
    double voxels, held, in_tumours;
};

enum { BANDS = 4, HEIGHTS = 6 };
enum { ALL, MARKED, ML, SUV = ML + BANDS, ORGAN = SUV + BANDS, HEIGHT = ORGAN + ORGAN_LABELS, ROWS = HEIGHT + HEIGHTS };
struct recall {
    struct tally row[ROWS];
    size_t scans, unknown, regions;
};
double recall_share(double of, double all); /* NAN of none */
/* The table as one JSON object; returns the exit code. */
int recall_json(const struct cache *c, const struct recall *r);
#endif
