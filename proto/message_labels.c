/* SPDX-License-Identifier: Apache-2.0 */
/* message_labels -- label maps as runs of (value, length), both uint32 little endian.   proto */
#include "common/map_runs.h"
#include "proto/message.h"
#include <stdlib.h>
#include <string.h>

void labels_encode(const uint32_t *label, size_t voxels, struct buffer *runs)
{
    /* counted first: a map of air and a few regions is a thousandth of its voxels */
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t n = 0;
        uint32_t *pair = pass ? (uint32_t *)(void *)runs->data : NULL;
        for (size_t i = 0; i < voxels; n++) {
            size_t begin = i;
            while (i < voxels && label[i] == label[begin] && i - begin < UINT32_MAX)
                i++;
            if (pair) {
                pair[2 * n] = label[begin];
                pair[2 * n + 1] = (uint32_t)(i - begin);
            }
        }
        count = n;
        if (!pass)
            *runs = (struct buffer){.data = xalloc(count ? count : 1, 8), .size = count * 8};
    }
}

void bytes_encode(const uint8_t *label, size_t voxels, struct buffer *runs)
{
    size_t room = 1024, n = 0;
    uint32_t *pair = xalloc(room, 2 * sizeof *pair);
    for (size_t i = 0; i < voxels; n++) {
        size_t begin = i;
        uint64_t same = UINT64_C(0x0101010101010101) * label[begin], eight;
        while (i + 8 <= voxels && i - begin < UINT32_MAX - 8 && (memcpy(&eight, label + i, 8), eight == same))
            i += 8; /* organs are few: most of a scan is one long run */
        while (i < voxels && label[i] == label[begin] && i - begin < UINT32_MAX)
            i++;
        if (n == room)
            pair = xresize(pair, room *= 2, 2 * sizeof *pair);
        pair[2 * n] = label[begin];
        pair[2 * n + 1] = (uint32_t)(i - begin);
    }
    *runs = (struct buffer){.data = (uint8_t *)pair, .size = n * 2 * sizeof *pair};
}

/* Runs that fill `voxels` exactly, or a sentence. */
static int runs_check(const struct buffer *runs, size_t voxels, struct error *e)
{
    if (runs->size % 8)
        return fail(e, "label map has %zu bytes, which are no whole runs of 8", runs->size);
    size_t filled = 0;
    for (size_t i = 0; i < map_runs(runs); i++) {
        uint32_t const length = map_run_at(runs, i).length;
        if (length == 0 || length > voxels - filled)
            return fail(e, "label map's run %zu of %u voxels does not fit: %zu of %zu are filled before it", i, length,
                        filled, voxels);
        filled += length;
    }
    return filled == voxels ? 0 : fail(e, "label map's runs fill %zu voxels of %zu", filled, voxels);
}

int labels_decode(const struct buffer *runs, uint32_t *label, size_t voxels, struct error *e)
{
    if (runs_check(runs, voxels, e))
        return -1;
    if (!label) /* only asked whether they fit */
        return 0;
    for (size_t i = 0; i < map_runs(runs); i++) {
        struct map_run const run = map_run_at(runs, i);
        for (uint32_t k = 0; k < run.length; k++)
            *label++ = run.value;
    }
    return 0;
}

int bytes_decode(const struct buffer *runs, uint8_t *label, size_t voxels, struct error *e)
{
    if (runs_check(runs, voxels, e))
        return -1;
    for (size_t i = 0; i < map_runs(runs); i++) {
        struct map_run const run = map_run_at(runs, i);
        if (run.value > UINT8_MAX)
            return fail(e, "label map's run %zu has the label %u (at most 255)", i, run.value);
        memset(label, (int)run.value, run.length);
        label += run.length;
    }
    return 0;
}
