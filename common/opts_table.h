/* SPDX-License-Identifier: Apache-2.0 */
/* opts_table -- what opts.c (parsing) and opts_text.c (printing) know of a table and nobody else need.   common */
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
#endif
