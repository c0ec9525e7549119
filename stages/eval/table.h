/* SPDX-License-Identifier: Apache-2.0 */
/* table -- models side by side, as the paper's tables are: best bold, second underlined, * where a difference is significant.   evaluation -> [table]
 *
 * text    for people: **best**, _second_; below it every test and, where a recipe has several seeds, their spread
 * csv     for programs: every figure with its interval, nothing marked, p-values
 * latex   a tabular, \textbf and \underline
 * html    a table, <b> and <u>
 * Percent, but for MCC. Rows in the order given; the first model is the one the others are tested against: * at AUC by DeLong's test
 * clustered by patient, * at the name by Wilcoxon's on |probability - truth|, each below 0.05 after Holm over the models. */
#ifndef PETREL_EVAL_TABLE_H
#define PETREL_EVAL_TABLE_H
#include "stages/eval/evaluation.h"
#include <stdio.h>

#define TABLE_FORMATS "text|csv|latex|html"
void table_print(const struct report *r, const char *format, FILE *to);
#endif
