/* SPDX-License-Identifier: Apache-2.0 */
/* cohort -- all results of a folder together.   OUT/SCAN/scan.csv -> [cohort]
 *
 *     OUT/scans.csv      a row a scan: the rows of every OUT/SCAN/scan.csv, by folder
 *     OUT/summary.csv    a row a quantity of a scan: how many scans know it, mean, sd, least, quartiles, largest
 * Made anew from what is in the folder, so that it does not matter which run wrote which result, or whether one was cut short. */
#ifndef PETREL_CLASSIFY_COHORT_H
#define PETREL_CLASSIFY_COHORT_H
#include "common/file.h"

/* Rows of OUT's scans. A scan.csv of other columns (another version's) is passed over, aloud. */
struct cohort {
    size_t count;
    struct cohort_row {
        char *folder;
        char *line;   /* without its end */
        char **field; /* [origin_count + columns] */
    } * row;
    size_t fields;
};
int cohort_read(struct cohort *c, const char *out, struct error *e) MUST_USE;
void cohort_free(struct cohort *c);
/* scans.csv, summary.csv and columns.csv. */
int cohort_write(const struct cohort *c, const char *out, struct error *e) MUST_USE;
#endif
