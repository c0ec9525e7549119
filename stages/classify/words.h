/* SPDX-License-Identifier: Apache-2.0 */
/* words -- the words a child is started with, gathered one by one: word[] is what execv takes.   upstream, after -> [words] */
#ifndef PETREL_CLASSIFY_WORDS_H
#define PETREL_CLASSIFY_WORDS_H
#include "common/base.h"

struct words {   /* {0} is none */
    char **word; /* [count], and a NULL; copies */
    size_t count;
};
void words_add(struct words *w, const char *word);
void words_add_all(struct words *w, const char *const *word); /* NULL ends them */
/* An option with its value; nothing where that is NULL. */
void words_add_option(struct words *w, const char *option, const char *value);
void words_free(struct words *w);
#endif
