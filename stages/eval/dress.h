/* SPDX-License-Identifier: Apache-2.0 */
/* dress -- how a table looks as text, LaTeX, HTML or Markdown: what stands before and after rows, cells, the best and the second.   [dress] -> table, paper */
#ifndef PETREL_EVAL_DRESS_H
#define PETREL_EVAL_DRESS_H
#include "common/base.h"
#include <stdio.h>

struct dress {
    const char *name, *begin, *end, *row, *row_end, *between, *head_between, *best, *best_end, *second, *second_end;
    void (*escape)(const char *text, FILE *to);
    bool rule;                 /* notes may stand below it */
    int width;                 /* of a cell, where columns line up; 0: they need not */
    const char *star, *dagger; /* marks of a test */
    const char *note[2];       /* round a line that is no row */
};
/* "text", "latex", "html", "markdown"; another name is text. */
const struct dress *dress_of(const char *name);
/* A line that is no row, dressed, and a line end. */
void dress_note(const struct dress *d, const char *text, FILE *to);
/* A line across all `columns` of the table, between its rows, with words on it. */
void dress_rule(const struct dress *d, const char *words, int columns, FILE *to);
/* Letters of UTF-8 text. */
int dress_letters(const char *text);
/* A cell's text: marked as the best (place 0) or the second (1) of its column, and what follows the mark. */
void dress_cell(const struct dress *d, size_t place, const char *text, const char *after, int width, FILE *to);
#endif
