/* SPDX-License-Identifier: Apache-2.0 */
/* table -- a table of text as spreadsheets save it: lines with any ends, fields with or without quotes.   common */
#ifndef PETREL_COMMON_TABLE_H
#define PETREL_COMMON_TABLE_H
#include "common/file.h"

/* The file whole, without a byte order mark; *text points into it. Refused: UTF-16, and bytes that are no text. */
int table_read(const char *path, size_t max_bytes, struct buffer *file, char **text, struct error *e) MUST_USE;
/* Next line, ended by LF, CR LF or CR; NULL: no more. */
char *table_line(char **text);
/* Next field of a line, spaces round it and quotes taken off in place; *line becomes NULL with the last. bad: its quotes do not end, or not the field. */
char *table_field(char **line, char separator, bool *bad);
#endif
