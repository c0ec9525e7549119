/* SPDX-License-Identifier: Apache-2.0 */
/* boxes -- the cache's boxes, standardised once and kept in memory where they fit.   task -> [pairs] -> train */
#include "stages/pairs/boxes.h"
#include "proto/standardise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_KEPT = UINT32_MAX };

size_t boxes_size(const struct boxes *b)
{
    return (size_t)b->channels * BOX_VOXELS;
}

static int read_standardised(struct boxes *b, uint32_t row, float *box, struct error *e)
{
    const struct cache_row *of = &b->rows[row];
    for (int c = 0; c < b->channels && !strcmp(b->recipe->standardise, "volume"); c++)
        if (!(isfinite(of->scale.mean[c]) && isfinite(of->scale.sd[c])))
            return fail(
                e, "row %u of cache '%s' has no mean and sd of its volume: standardise = box, or build the cache anew",
                row, b->cache->dir);
    if (box_read(b->reader, row, box, e))
        return -1;
    box_standardise(box, b->recipe, b->channels, &of->scale);
    return 0;
}

static bool is_wanted(const struct cache_row *row)
{
    return row->split == SPLIT_TRAIN || row->split == SPLIT_VALIDATION;
}

static int preload(struct boxes *b, size_t wanted, struct error *e)
{
    size_t regions = b->cache->regions, filled = 0;
    b->kept = try_alloc(e, wanted * boxes_size(b), sizeof *b->kept);
    if (!b->kept)
        return -1;
    b->slot = xalloc(regions, sizeof *b->slot);
    for (size_t row = 0; row < regions; row++) {
        b->slot[row] = NOT_KEPT;
        if (!is_wanted(&b->rows[row]))
            continue;
        if (read_standardised(b, (uint32_t)row, b->kept + filled * boxes_size(b), e))
            return -1;
        b->slot[row] = (uint32_t)filled++;
    }
    return 0;
}

int boxes_open(struct boxes *b, const struct recipe *r, const struct cache *c, const struct cache_row *rows,
               uint64_t memory_bytes, struct error *e)
{
    *b = (struct boxes){.recipe = r, .cache = c, .rows = rows};
    if (c->regions >= NOT_KEPT)
        return fail(e, "cache '%s' has %zu regions: at most %u", c->dir, c->regions, (unsigned)NOT_KEPT - 1);
    b->channels = recipe_channels(r);
    if (box_reader_open(&b->reader, c, b->channels, e))
        return -1;
    size_t wanted = 0;
    for (size_t row = 0; row < c->regions; row++)
        wanted += is_wanted(&rows[row]);
    int bad = 0;
    if (wanted && wanted <= memory_bytes / (boxes_size(b) * sizeof(float)))
        bad = preload(b, wanted, e);
    box_reader_close(&b->reader);
    if (bad)
        boxes_close(b);
    return bad;
}

int boxes_get(struct boxes *b, uint32_t row, float *box, struct error *e)
{
    if (b->kept && b->slot[row] != NOT_KEPT) {
        memcpy(box, b->kept + b->slot[row] * boxes_size(b), boxes_size(b) * sizeof *box);
        return 0;
    }
    if (!b->reader && box_reader_open(&b->reader, b->cache, b->channels, e))
        return -1;
    return read_standardised(b, row, box, e);
}

void boxes_close(struct boxes *b)
{
    if (b->reader)
        box_reader_close(&b->reader);
    free(b->kept);
    free(b->slot);
    *b = (struct boxes){0};
}
