/* SPDX-License-Identifier: Apache-2.0 */
/* golden -- the file of golden numbers a test compares with, read from the top of the tree or from a folder in it.   tests/unit */
#ifndef PETREL_TESTS_GOLDEN_H
#define PETREL_TESTS_GOLDEN_H
#include "common/safetensors.h"
#include <stdio.h>
#include <stdlib.h>

static struct safetensors golden;

/* For a group's set-up: 0, or -1 and the sentence on stderr. */
static inline int golden_open(const char *path)
{
    struct error e = {0};
    char *above = xprintf("../%s", path);
    int result = safetensors_read(&golden, path, &e) && safetensors_read(&golden, above, &e) ? -1 : 0;
    if (result)
        fprintf(stderr, "%s; run from the top of the tree\n", e.text);
    free(above);
    return result;
}

/* Its tear-down. */
static inline int close_golden(void **state)
{
    (void)state;
    safetensors_free(&golden);
    return 0;
}
#endif
