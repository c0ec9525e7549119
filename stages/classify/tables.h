/* SPDX-License-Identifier: Apache-2.0 */
/* tables -- a result as CSV and JSON: a row a region, a row a scan, and what every column is.   result -> [tables]
 *
 *     OUT/columns.csv          file, column, unit, IBSI code, what it is, how it is computed: a row a column of every table here
 *     OUT/SCAN/regions.csv     a row a region
 *     OUT/SCAN/scan.csv        one row
 *     OUT/SCAN/regions.json    both, with what they were made by
 * UTF-8, commas, CR LF as RFC 4180 has it, texts in quotes where they need it; what is not known is an empty field, null in JSON. */
#ifndef PETREL_CLASSIFY_TABLES_H
#define PETREL_CLASSIFY_TABLES_H
#include "stages/classify/result.h"

/* Into dir, the scan's own folder. */
int tables_write(const struct result *r, const struct model *model, const char *dir, struct error *e) MUST_USE;
void scan_header(FILE *to); /* scan.csv's first line */
/* columns.csv, into the folder of all results. */
int columns_write(const char *out, struct error *e) MUST_USE;

/* What a row says of whose it is and what made it, before its quantities. */
struct origin {
    const struct scan_facts *facts;
    const struct model *model;
    const char *folder; /* OUT/SCAN's name */
};
struct origin_column {
    const char *name, *help;
    void (*print)(const struct origin *o, FILE *to); /* the bare text */
    bool region;                                     /* stands in regions.csv, too */
};
extern const struct origin_column origin_table[];
extern const size_t origin_count;

/* A field of CSV: quoted where it must be. */
void csv_field(FILE *to, const char *text);
#define CSV_END "\r\n"

/* tables_json.c: the text, the caller's, NULL and a sentence; and the file. */
char *result_json(const struct result *r, const struct model *model, const char *dir, struct error *e) MUST_USE;
int result_json_write(const struct result *r, const struct model *model, const char *dir, struct error *e) MUST_USE;
#endif
