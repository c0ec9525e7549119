/* SPDX-License-Identifier: Apache-2.0 */
/* load_corpus -- the inputs that tests of load make, kept for who asks for them (PETREL_CORPUS): tests/cli/load_both.bats.   tests/unit */
#ifndef PETREL_TESTS_LOAD_CORPUS_H
#define PETREL_TESTS_LOAD_CORPUS_H
#include "common/base.h"
#include <stdio.h>
#include <stdlib.h>

/* A copy of the folder, under a name of its own. */
static inline void corpus_keep(const char *dir, const char *test)
{
    static int number;
    const char *corpus = getenv("PETREL_CORPUS");
    if (!corpus)
        return;
    char *command = xprintf("cp -a '%s' '%s/%s.%03d'", dir, corpus, test, ++number);
    if (system(command) != 0)
        abort();
    free(command);
}
#endif
