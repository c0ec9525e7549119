/* SPDX-License-Identifier: Apache-2.0 */
/* document -- headings, paragraphs and tables as Markdown or as one HTML file, by the file's ending.   [document] -> card, sheet */
#ifndef PETREL_EVAL_DOCUMENT_H
#define PETREL_EVAL_DOCUMENT_H
#include "common/file.h"

struct document {
    struct publish out;
    bool html;
    size_t columns; /* of the table that is open */
};
/* path: .md, or .html / .htm; another ending is EX_USAGE. */
int document_open(struct document *d, const char *path, const char *title, struct error *e) MUST_USE;
int document_close(struct document *d, struct error *e) MUST_USE; /* publishes */
void document_heading(struct document *d, const char *text);
void document_paragraph(struct document *d, const char *text);
/* heads: the columns' names, NULL after the last; then rows of as many texts; then the end. Line ends in a cell are kept. */
void document_table(struct document *d, const char *const *heads);
void document_row(struct document *d, const char *const *cells);
void document_table_end(struct document *d);
#endif
