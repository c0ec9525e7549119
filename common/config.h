/* SPDX-License-Identifier: Apache-2.0 */
/* config -- "key = value" files: recipes.   common
 * '#' at the start of a line or after a blank begins a comment; blank lines are skipped; keys are [a-z0-9_]+; values
 * run to the end of line, trimmed. */
#ifndef PETREL_COMMON_CONFIG_H
#define PETREL_COMMON_CONFIG_H
#include "common/base.h"

/* Calls set(context, key, value, e) for each line. A bad line or a failing set gives -1 and a sentence
 * naming file and line. */
int config_read(const char *path, int (*set)(void *context, const char *key, const char *value, struct error *e),
                void *context, struct error *e) MUST_USE;
#endif
