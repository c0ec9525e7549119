/* SPDX-License-Identifier: Apache-2.0 */
/* message_arrays -- a scan's messages, which carry arrays: volume, regions.   proto
 * Reading: shapes first, then each array's bytes against its shape, then memory. */
#include "proto/message.h"
#include "proto/message_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- grids, and how they were turned */

static const struct wire_field grid_fields[] = {FIELD(WIRE_BYTES, grid, dim), FIELD(WIRE_BYTES, grid, spacing_mm),
                                                FIELD(WIRE_BYTES, grid, affine)};
static const struct wire_field turn_fields[] = {FIELD(WIRE_BYTES, turn, file_axis), FIELD(WIRE_BYTES, turn, flipped)};
enum { PLACE_FIELDS = COUNT_OF(grid_fields) + COUNT_OF(turn_fields) };

static void place_put(struct wire_writer *w, const struct grid *g, const struct turn *t)
{
    wire_put(w, grid_fields, COUNT_OF(grid_fields), g);
    wire_put(w, turn_fields, COUNT_OF(turn_fields), t);
}

int geometry_check(const struct grid *g, const struct turn *t, struct error *e)
{
    int64_t voxels = 1;
    for (int a = 0; a < 3; a++) {
        if (g->dim[a] < 1 || g->dim[a] > MESSAGE_VOXELS_MAX / voxels)
            return fail(e, "grid of %lld x %lld x %lld voxels is none, or has more than %d", (long long)g->dim[0],
                        (long long)g->dim[1], (long long)g->dim[2], MESSAGE_VOXELS_MAX);
        voxels *= g->dim[a];
        if (!(g->spacing_mm[a] > 0) || !isfinite(g->spacing_mm[a]))
            return fail(e, "grid's spacing is %g mm along axis %d", g->spacing_mm[a], a);
        for (int k = 0; k < 4; k++)
            if (!isfinite(g->affine[a][k]))
                return fail(e, "grid's affine has %g in row %d", g->affine[a][k], a);
    }
    unsigned axes = 0;
    for (int a = 0; a < 3; a++) {
        if (t->file_axis[a] > 2 || t->flipped[a] > 1)
            return fail(e, "turn has axis %d and flip %d, expected axes 0 to 2 and flips 0 or 1", t->file_axis[a],
                        t->flipped[a]);
        axes |= 1u << t->file_axis[a];
    }
    return axes == 7 ? 0 : fail(e, "turn names an axis twice");
}

static int place_get(const struct wire_map *map, struct grid *g, struct turn *t, struct error *e)
{
    return wire_get(map, grid_fields, COUNT_OF(grid_fields), g, e) ||
                   wire_get(map, turn_fields, COUNT_OF(turn_fields), t, e) || geometry_check(g, t, e)
               ? -1
               : 0;
}

static size_t place_voxels(const struct grid *g)
{
    return (size_t)g->dim[0] * (size_t)g->dim[1] * (size_t)g->dim[2];
}

/* ---- volume. The truth mask is nearly all zeros: lengths of runs, zeros and ones in turn, zeros first. */

static void mask_encode(const uint8_t *mask, size_t voxels, struct buffer *runs)
{
    size_t room = 1024, n = 0;
    uint32_t *run = xalloc(room, sizeof *run);
    uint8_t value = 0;
    for (size_t i = 0; i < voxels; value ^= 1) {
        size_t begin = i;
        while (i < voxels && (mask[i] != 0) == (value != 0))
            i++;
        if (n == room)
            run = xresize(run, room *= 2, sizeof *run);
        run[n++] = (uint32_t)(i - begin);
    }
    *runs = (struct buffer){.data = (uint8_t *)run, .size = n * sizeof *run};
}

static int mask_decode(const uint8_t *runs, size_t size, uint8_t *mask, size_t voxels, struct error *e)
{
    if (size % 4)
        return fail(e, "message's 'mask' has %zu bytes, which are no whole runs of 4", size);
    size_t filled = 0;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t length;
        memcpy(&length, runs + i, 4);
        if (length > voxels - filled)
            return fail(e, "message's 'mask' has runs past its %zu voxels", voxels);
        memset(mask + filled, (int)(i / 4 % 2), length);
        filled += length;
    }
    return filled == voxels ? 0 : fail(e, "message's 'mask' fills %zu voxels of %zu", filled, voxels);
}

/* Which of the arrays that a scan need not have are there. */
struct also {
    int32_t has_mask, has_ct;
};
static const struct wire_field also_fields[] = {FIELD(WIRE_I32, also, has_mask), FIELD(WIRE_I32, also, has_ct)};

void volume_message_encode(const struct volume_message *m, struct buffer *out)
{
    const struct volume *v = &m->volume;
    size_t voxels = place_voxels(&v->grid);
    struct also has = {v->mask != NULL, v->ct != NULL};
    size_t ct_bytes = v->ct ? voxels * sizeof *v->ct : 0;
    struct buffer runs = {0}, organs = {0};
    if (v->mask)
        mask_encode(v->mask, voxels, &runs);
    if (v->organ)
        bytes_encode(v->organ, voxels, &organs);
    struct wire_writer w;
    wire_begin(&w, "volume", 1 + PLACE_FIELDS + COUNT_OF(also_fields) + 4 + GIVEN_FIELDS,
               voxels * sizeof(float) + ct_bytes + runs.size + organs.size + sizeof m->facts + 1024);
    facts_put(&w, &m->facts);
    place_put(&w, &v->grid, &v->turned);
    wire_put_bin(&w, "voxel", v->voxel, voxels * sizeof(float));
    wire_put_bin(&w, "ct", v->ct, ct_bytes);
    wire_put(&w, also_fields, COUNT_OF(also_fields), &has);
    wire_put_bin(&w, "mask", runs.data, runs.size);
    wire_put_bin(&w, "organ", organs.data, organs.size);
    given_put(&w, v->given);
    wire_end(&w, out);
    buffer_free(&runs);
    buffer_free(&organs);
}

/* The organ map, where there is one: no bytes say that there is not. */
static int organ_get(const struct wire_map *map, struct volume *v, struct error *e)
{
    const uint8_t *data;
    struct buffer runs = {0};
    if (wire_get_bin(map, "organ", &data, &runs.size, e))
        return -1;
    if (runs.size == 0)
        return 0;
    runs.data = (uint8_t *)(uintptr_t)data; /* read only: the message keeps it */
    v->organ = try_alloc(e, place_voxels(&v->grid), 1);
    if (!v->organ || bytes_decode(&runs, v->organ, place_voxels(&v->grid), e))
        return fail_in(e, "message's 'organ'");
    return 0;
}

static int volume_get(const struct wire_map *map, struct volume_message *m, struct error *e)
{
    struct volume *v = &m->volume;
    struct also has = {0};
    const uint8_t *runs;
    size_t size;
    void *array;
    if (facts_get(map, &m->facts, e) || place_get(map, &v->grid, &v->turned, e) ||
        wire_get(map, also_fields, COUNT_OF(also_fields), &has, e) || wire_get_bin(map, "mask", &runs, &size, e) ||
        wire_copy_bin(map, "voxel", place_voxels(&v->grid), sizeof(float), &array, e))
        return -1;
    v->voxel = array;
    if (wire_copy_bin(map, "ct", has.has_ct ? place_voxels(&v->grid) : 0, sizeof *v->ct, &array, e))
        return -1;
    if (has.has_ct)
        v->ct = array;
    else
        free(array);
    if (organ_get(map, v, e) || given_get(map, &v->given, e))
        return -1;
    if (!has.has_mask)
        return size == 0 ? 0 : fail(e, "message's 'mask' has %zu bytes but is said to be absent", size);
    v->mask = try_alloc(e, place_voxels(&v->grid), 1);
    return v->mask ? mask_decode(runs, size, v->mask, place_voxels(&v->grid), e) : -1;
}

int volume_message_decode(const struct buffer *b, struct volume_message *m, struct error *e)
{
    struct wire_map map;
    *m = (struct volume_message){0};
    if (wire_open_as(b, "volume", &map, e))
        return -1;
    if (volume_get(&map, m, e) == 0)
        return 0;
    volume_message_free(m);
    return -1;
}

void volume_message_free(struct volume_message *m)
{
    volume_free(&m->volume);
    *m = (struct volume_message){0};
}

/* ---- regions */

/* Counts as they travel: fixed widths, whatever the struct has. */
struct regions_shape {
    uint64_t count, excluded_count;
    int32_t channels, mip_angles, mip_height, mip_width;
};
static const struct wire_field regions_shape_fields[] = {
    FIELD(WIRE_U64, regions_shape, count),      FIELD(WIRE_U64, regions_shape, excluded_count),
    FIELD(WIRE_I32, regions_shape, channels),   FIELD(WIRE_I32, regions_shape, mip_angles),
    FIELD(WIRE_I32, regions_shape, mip_height), FIELD(WIRE_I32, regions_shape, mip_width)};
static const struct wire_field regions_fields[] = {
    FIELD(WIRE_REAL, regions_message, mip_mm), FIELD(WIRE_REAL, regions_message, mip_z),
    FIELD(WIRE_REAL, regions_message, mip_y), FIELD(WIRE_REAL, regions_message, mip_x),
    FIELD(WIRE_U64, regions_message, settings)};

static size_t mip_bytes(const struct regions_message *m)
{
    return (size_t)m->mip_angles * (size_t)m->mip_height * (size_t)m->mip_width;
}

void regions_message_encode(const struct regions_message *m, struct buffer *out)
{
    size_t boxes = m->count * (size_t)m->channels * BOX_VOXELS * sizeof(float);
    struct regions_shape shape = {m->count, m->excluded_count, m->channels, m->mip_angles, m->mip_height, m->mip_width};
    size_t reserve = boxes + m->label_runs.size + mip_bytes(m) + (m->count + m->excluded_count) * sizeof *m->region +
                     m->lesions.count * sizeof *m->lesions.lesion + m->lesions.part_count * sizeof *m->lesions.part +
                     scan_bytes(m) + sizeof m->facts + 4096;
    struct wire_writer w;
    wire_begin(&w, "regions",
               1 + PLACE_FIELDS + COUNT_OF(regions_fields) + COUNT_OF(regions_shape_fields) + 2 + 3 + LESIONS_FIELDS +
                   SCAN_FIELDS + GIVEN_FIELDS,
               reserve);
    facts_put(&w, &m->facts);
    place_put(&w, &m->grid, &m->turned);
    wire_put(&w, regions_fields, COUNT_OF(regions_fields), m);
    wire_put(&w, regions_shape_fields, COUNT_OF(regions_shape_fields), &shape);
    table_put(&w, "region", &region_table, m->region, m->count);
    table_put(&w, "excluded", &region_table, m->excluded, m->excluded_count);
    lesions_put(&w, &m->lesions);
    wire_put_bin(&w, "box", m->box, boxes);
    wire_put_bin(&w, "label_runs", m->label_runs.data, m->label_runs.size);
    wire_put_bin(&w, "mip", m->mip, mip_bytes(m));
    scan_put(&w, m);
    given_put(&w, m->scan.given);
    wire_end(&w, out);
}

int regions_check(const struct regions_message *m, struct error *e)
{
    if (m->count > UINT32_MAX || m->excluded_count > UINT32_MAX || m->channels < 1 || m->channels > BOX_CHANNELS)
        return fail(e, "scan has %zu regions of %d channels, expected at most 4294967295 of 1 to %d", m->count,
                    m->channels, BOX_CHANNELS);
    const int32_t mip[3] = {m->mip_angles, m->mip_height, m->mip_width};
    for (int a = 0; a < 3; a++)
        if (mip[a] < 0 || mip[a] > 65535 || (mip[a] == 0) != (mip[0] == 0))
            return fail(e, "projection of %d angles has %d x %d pixels", mip[0], mip[1], mip[2]);
    return geometry_check(&m->grid, &m->turned, e);
}

static int regions_get(const struct wire_map *map, struct regions_message *m, struct error *e)
{
    struct regions_shape shape = {0};
    if (facts_get(map, &m->facts, e) || place_get(map, &m->grid, &m->turned, e) ||
        wire_get(map, regions_fields, COUNT_OF(regions_fields), m, e) ||
        wire_get(map, regions_shape_fields, COUNT_OF(regions_shape_fields), &shape, e))
        return -1;
    m->count = (size_t)shape.count;
    m->excluded_count = (size_t)shape.excluded_count;
    m->channels = shape.channels;
    m->mip_angles = shape.mip_angles;
    m->mip_height = shape.mip_height;
    m->mip_width = shape.mip_width;
    if (regions_check(m, e))
        return -1;
    /* the boxes come first: their bytes bound the number of regions for everything after */
    void *data;
    if (wire_copy_bin(map, "box", m->count * (size_t)m->channels * BOX_VOXELS, sizeof(float), &data, e))
        return -1;
    m->box = data;
    size_t regions, excluded;
    if (table_get(map, "region", &region_table, &data, &regions, e))
        return -1;
    m->region = data;
    if (table_get(map, "excluded", &region_table, &data, &excluded, e))
        return -1;
    m->excluded = data;
    if (regions != m->count || excluded != m->excluded_count)
        return fail(e, "message has %zu regions and %zu excluded, expected %zu and %zu", regions, excluded, m->count,
                    m->excluded_count);
    if (lesions_get(map, m->count, &m->lesions, e))
        return -1;
    const uint8_t *runs;
    size_t size;
    if (wire_get_bin(map, "label_runs", &runs, &size, e) || wire_copy_bin(map, "label_runs", size, 1, &data, e))
        return -1;
    m->label_runs = (struct buffer){.data = data, .size = size};
    if (labels_decode(&m->label_runs, NULL, place_voxels(&m->grid), e) ||
        wire_copy_bin(map, "mip", mip_bytes(m), 1, &data, e))
        return -1;
    m->mip = data;
    if (m->mip_angles == 0) {
        free(m->mip);
        m->mip = NULL;
    }
    return scan_get(map, m, e) || given_get(map, &m->scan.given, e) ? -1 : 0;
}

int regions_message_decode(const struct buffer *b, struct regions_message *m, struct error *e)
{
    struct wire_map map;
    *m = (struct regions_message){0};
    if (wire_open_as(b, "regions", &map, e))
        return -1;
    if (regions_get(&map, m, e) == 0)
        return 0;
    regions_message_free(m);
    return -1;
}

void regions_message_free(struct regions_message *m)
{
    free(m->region);
    free(m->excluded);
    free(m->box);
    free(m->mip);
    lesions_free(&m->lesions);
    volume_free(&m->scan);
    buffer_free(&m->excluded_runs);
    buffer_free(&m->label_runs);
    *m = (struct regions_message){0};
}
