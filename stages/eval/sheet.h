/* SPDX-License-Identifier: Apache-2.0 */
/* sheet -- CLAIM, TRIPOD+AI and CLEAR filled in as far as a run knows.   known -> [sheet] ═▶ Markdown, HTML */
#ifndef PETREL_EVAL_SHEET_H
#define PETREL_EVAL_SHEET_H
#include "stages/eval/known.h"

/* k->r must be there. Where the run does not know, the sheet says so and leaves room. */
int sheet_write(const struct known *k, const char *path, struct error *e) MUST_USE;
#define SHEET_UNKNOWN "the run does not know: write here"
#endif
