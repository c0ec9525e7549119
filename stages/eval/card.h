/* SPDX-License-Identifier: Apache-2.0 */
/* card -- a model card (Mitchell et al., FAT* 2019) from a model file, and from an evaluation where there is one.   known -> [card] ═▶ Markdown, HTML */
#ifndef PETREL_EVAL_CARD_H
#define PETREL_EVAL_CARD_H
#include "stages/eval/known.h"

/* k->r may be NULL: then what takes an evaluation says so. */
int card_write(const struct known *k, const char *path, struct error *e) MUST_USE;
#endif
