/* SPDX-License-Identifier: Apache-2.0 */
/* map_runs -- a label map as messages carry it, run by run: (value, length), both uint32 little endian.   common
 * The bytes stand at any address, so a run is copied out. proto/message_labels.c makes them and checks that they fill a grid. */
#ifndef PETREL_COMMON_MAP_RUNS_H
#define PETREL_COMMON_MAP_RUNS_H
#include "common/base.h"
#include <string.h>

struct map_run {
    uint32_t value, length;
};
static inline size_t map_runs(const struct buffer *runs)
{
    return runs->size / sizeof(struct map_run);
}
static inline struct map_run map_run_at(const struct buffer *runs, size_t i)
{
    struct map_run r;
    memcpy(&r, runs->data + i * sizeof r, sizeof r);
    return r;
}
#endif
