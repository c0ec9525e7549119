/* SPDX-License-Identifier: Apache-2.0 */
/* report -- a follow-up as files.   match, response -> [report]
 *
 *   DIR/followup.csv    a row a lesion: its regions in both scans, what became of it, measures
 *   DIR/followup.json   the same, the alignment, the scan's burden by every rule, the category; "tracking": which lesion every region of
 *                       the later scan is, which petrel-export and the next follow-up take their tracking UIDs from */
#ifndef PETREL_FOLLOWUP_REPORT_H
#define PETREL_FOLLOWUP_REPORT_H
#include "stages/followup/response.h"

struct follow_up {
    const struct findings *earlier, *later;
    const struct alignment *alignment;
    const struct matches *matches;
    const struct response *response;
    double change_least;
    bool other_patients; /* their names differ, and it was said that they are one */
};
int report_write(const struct follow_up *f, const char *dir, struct error *e) MUST_USE;
/* report_json.c */
int report_json_write(const struct follow_up *f, const char *dir, struct error *e) MUST_USE;

/* Numbers of a side's regions: "3 17". */
void side_numbers(const struct side *s, const struct findings *f, char *text, size_t size);
/* The columns, for both files: of a lesion, in order. */
struct follow_column {
    const char *name, *unit, *meaning;
    double (*number)(const struct lesion_pair *l); /* NULL: words */
};
extern const struct follow_column follow_table[];
extern const size_t follow_count;
#endif
