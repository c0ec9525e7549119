/* SPDX-License-Identifier: Apache-2.0 */
/* message_given -- regions that somebody drew, as a map within a message; an empty one where nobody did.   proto */
#include "proto/message.h"
#include "proto/message_internal.h"
#include <stdlib.h>

static const struct wire_field fields[] = {FIELD(WIRE_BYTES, given, grid), FIELD(WIRE_BYTES, given, turned),
                                           FIELD(WIRE_TEXT, given, path), FIELD(WIRE_TEXT, given, format),
                                           FIELD(WIRE_TEXT, given, sha256)};

void given_put(struct wire_writer *w, const struct given *g)
{
    wire_map(w, "given", g ? COUNT_OF(fields) + 3 : 0);
    if (!g)
        return;
    wire_put(w, fields, COUNT_OF(fields), g);
    wire_put_bin(w, "runs", g->runs.data, g->runs.size);
    wire_put_bin(w, "part_runs", g->part_runs.data, g->part_runs.size);
    wire_put_bin(w, "region", g->region, g->parts * sizeof *g->region);
}

static int runs_get(const struct wire_map *map, const char *name, const struct grid *g, struct buffer *runs,
                    struct error *e)
{
    const uint8_t *data;
    void *copy;
    size_t size;
    if (wire_get_bin(map, name, &data, &size, e) || wire_copy_bin(map, name, size, 1, &copy, e))
        return -1;
    *runs = (struct buffer){.data = copy, .size = size};
    return size ? labels_decode(runs, NULL, grid_voxels(g), e) : 0;
}

int given_get(const struct wire_map *map, struct given **g, struct error *e)
{
    struct wire_map inner;
    const uint8_t *data;
    size_t size;
    void *region;
    if (wire_get_map(map, "given", &inner, e))
        return -1;
    if (inner.pairs == 0)
        return 0;
    struct given *of = *g = xalloc(1, sizeof *of);
    if (wire_get(&inner, fields, COUNT_OF(fields), of, e) || geometry_check(&of->grid, &of->turned, e) ||
        runs_get(&inner, "runs", &of->grid, &of->runs, e) ||
        runs_get(&inner, "part_runs", &of->grid, &of->part_runs, e) || wire_get_bin(&inner, "region", &data, &size, e))
        return fail_in(e, "message's 'given'");
    if (size % sizeof *of->region ||
        wire_copy_bin(&inner, "region", size / sizeof *of->region, sizeof *of->region, &region, e))
        return fail(e, "message's 'given' has %zu bytes of regions", size);
    of->region = region;
    of->parts = size / sizeof *of->region;
    return 0;
}
