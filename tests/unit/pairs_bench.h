/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_bench -- a workbench on a small cache in a folder of its own, for tests of batches: set up once, taken away at the end.   tests */
#ifndef PETREL_TESTS_PAIRS_BENCH_H
#define PETREL_TESTS_PAIRS_BENCH_H
#include "stages/pairs/batch.h"
#include "tests/unit/common_child.h"
#include "tests/unit/pairs_cache.h"

static char *dir;

static inline int setup(void **state)
{
    (void)state;
    dir = child_dir_make();
    pairs_cache_make(dir);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    child_dir_remove(dir);
    return 0;
}

static inline void open_bench(struct workbench *b, struct recipe *r, double memory_gib)
{
    struct error e = {0};
    if (workbench_open(b, r, dir, (uint64_t)(memory_gib * 0x1p30), &e))
        fail_msg("%s", e.text);
}
#endif
