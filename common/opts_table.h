/* SPDX-License-Identifier: Apache-2.0 */
/* opts_table -- what opts.c (parsing), opts_text.c (printing) and opts_man.c (man pages, completion) know of a table and nobody else need.   common */
#ifndef PETREL_COMMON_OPTS_TABLE_H
#define PETREL_COMMON_OPTS_TABLE_H
#include "common/opts.h"

enum { OPTS_COMMON = 5 }; /* rows of what every program has, after the program's own */

void opts_common_rows(const struct opts *o, struct option common[OPTS_COMMON]);
/* Row i of the program's own options followed by those of every program. */
const struct option *opts_row(const struct opts *o, const struct option *common, size_t i);
char *opts_key(const struct option *row) MUST_USE; /* "stem_stride"; the caller's */
/* The shortest text that reads back as the same number: "0.3", not "0.29999999999999999". The caller's. */
char *opts_real(double value) MUST_USE;
/* A group of options stands where its first row does: row i is shown, and the first of its group. */
bool opts_heads_group(const struct opts *o, const struct option *common, size_t i);
const char *opts_group(const struct option *row); /* its heading */
/* The codes every program leaves with; where a program's epilogue does not say its own. */
extern const char *const opts_exit_codes;
bool opts_wants_exit_codes(const struct opts *o);
#endif
