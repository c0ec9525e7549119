/* SPDX-License-Identifier: Apache-2.0 */
/* quantities -- what is told of a region and of a scan, one table for whoever writes it.   result -> [quantities] -> tables, page, objects
 *
 * Rows are in quantities.def: name, unit, IBSI code, what it is and how it is computed. They make the fields of the two structs below
 * and the table that CSV, JSON, page and SR walk:
 *
 *     for (size_t q = 0; q < region_quantity_count; q++)
 *         for (size_t i = quantity_first(&region_quantity_table[q]); i < quantity_end(&region_quantity_table[q]); i++) {
 *             quantity_column(&region_quantity_table[q], i, name, sizeof name);
 *             quantity_print(&region_quantity_table[q], i, &result.quantity[r], to);
 *         }
 *
 * Fields of ONE value have the row's name; RULED and OTHERS are name_by[RULES], SITED are name_at[SITES].
 * Unknown numbers are NAN, unknown words "". */
#ifndef PETREL_CLASSIFY_QUANTITIES_H
#define PETREL_CLASSIFY_QUANTITIES_H
#include "proto/message.h"
#include <math.h>
#include <stdio.h>

#define RULE(name, ending, how) RULE_##name,
enum rule {
#include "stages/classify/quantities/rules.def"
    RULES
};
#undef RULE
#define SITE(name, ending, top_mm) SITE_##name,
enum site {
#include "stages/classify/quantities/sites.def"
    SITES
};
#undef SITE

/* Members, by kind and how many there are of each. */
#define QUANTITY_TYPE_REAL                  double
#define QUANTITY_TYPE_WHOLE                 double
#define QUANTITY_TYPE_WORD                  const char *
#define QUANTITY_MEMBER_ONE(kind, field)    QUANTITY_TYPE_##kind field;
#define QUANTITY_MEMBER_RULED(kind, field)  QUANTITY_TYPE_##kind field##_by[RULES];
#define QUANTITY_MEMBER_OTHERS(kind, field) QUANTITY_TYPE_##kind field##_by[RULES];
#define QUANTITY_MEMBER_SITED(kind, field)  QUANTITY_TYPE_##kind field##_at[SITES];
#define SCAN(kind, each, field, unit, ibsi, help, how)
#define REGION(kind, each, field, unit, ibsi, help, how) QUANTITY_MEMBER_##each(kind, field)
struct region_quantities {
#include "stages/classify/quantities/quantities.def"
};
#undef SCAN
#undef REGION
#define REGION(kind, each, field, unit, ibsi, help, how)
#define SCAN(kind, each, field, unit, ibsi, help, how) QUANTITY_MEMBER_##each(kind, field)
struct scan_quantities {
#include "stages/classify/quantities/quantities.def"
};
#undef SCAN
#undef REGION

enum quantity_kind { QUANTITY_REAL, QUANTITY_WHOLE, QUANTITY_WORD };
enum quantity_each { QUANTITY_ONE, QUANTITY_RULED, QUANTITY_OTHERS, QUANTITY_SITED };
struct quantity {
    const char *name, *unit, *ibsi, *help, *how;
    enum quantity_kind kind;
    enum quantity_each each;
    size_t offset; /* of struct region_quantities, or struct scan_quantities */
};
extern const struct quantity region_quantity_table[], scan_quantity_table[];
extern const size_t region_quantity_count, scan_quantity_count;

/* Indices of its values: first .. end - 1. */
size_t quantity_first(const struct quantity *q);
size_t quantity_end(const struct quantity *q);
/* "ml_fixed_2_5": the column of value i; its name for DICOM and JSON, too. */
void quantity_column(const struct quantity *q, size_t i, char *name, size_t size);
/* What value i is, for people: the row's help, and the rule's or site's words. */
void quantity_meaning(const struct quantity *q, size_t i, char *text, size_t size);
double quantity_number(const struct quantity *q, size_t i, const void *record); /* NAN: unknown, or a word */
const char *quantity_word(const struct quantity *q, size_t i, const void *record);
/* As the tables have it: six significant digits or whole, nothing where it is not known. */
void quantity_print(const struct quantity *q, size_t i, const void *record, FILE *to);

const char *rule_ending(enum rule r); /* "fixed_2_5" */
const char *rule_how(enum rule r);    /* "SUV >= 2.5" */
const char *site_ending(enum site s); /* "chest" */
enum site site_of(const char *word);  /* of region_quantities.site; "": SITE_UNPLACED */

/* Everything of a scan's regions. record: [m->count], the caller's; tumour, probability: [m->count]. What needs the voxels is unknown where
 * the message came without (petrel-roi --with-scan). -1: label map that does not fill the grid. */
int quantities_measure(const struct regions_message *m, const float *probability, const bool *tumour,
                       struct region_quantities *record, struct scan_quantities *scan, struct error *e) MUST_USE;
#endif
