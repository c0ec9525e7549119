/* SPDX-License-Identifier: Apache-2.0 */
/* table -- a table of text as spreadsheets save it: lines with any ends, fields with or without quotes.   common */
#ifndef PETREL_COMMON_TABLE_H
#define PETREL_COMMON_TABLE_H
#include "common/file.h"

/* Is there a file of such a name: .tsv or .csv, in any case? */
bool table_is(const char *path);
/* The file whole, without a byte order mark; *text points into it. Refused: UTF-16, and bytes that are no text. */
int table_read(const char *path, size_t max_bytes, struct buffer *file, char **text, struct error *e) MUST_USE;
/* Next line, ended by LF, CR LF or CR; NULL: no more. */
char *table_line(char **text);
/* What parts the fields of this first line: a tab, a semicolon or a comma, whichever of them, in this order, is in it; a tab if none is. */
char table_separator(const char *line);
/* Next field of a line, spaces round it and quotes taken off in place; *line becomes NULL with the last. bad: its quotes do not end, or not the field. */
char *table_field(char **line, char separator, bool *bad);
#endif
