/* SPDX-License-Identifier: Apache-2.0 */
/* words -- the words a child is started with; see words.h.   [classify] */
#include "stages/classify/words.h"
#include <stdlib.h>

void words_add(struct words *w, const char *word)
{
    w->word = xresize(w->word, w->count + 2, sizeof *w->word);
    w->word[w->count++] = xstrdup(word);
    w->word[w->count] = NULL;
}

void words_add_all(struct words *w, const char *const *word)
{
    for (; *word; word++)
        words_add(w, *word);
}

void words_add_option(struct words *w, const char *option, const char *value)
{
    if (!value)
        return;
    words_add(w, option);
    words_add(w, value);
}

void words_free(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->word[i]);
    free(w->word);
    *w = (struct words){0};
}
