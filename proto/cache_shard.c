/* SPDX-License-Identifier: Apache-2.0 */
/* cache_shard -- one scan's regions in one HDF5 file, the layout of CACHE.md.   proto */
#include "common/file.h"
#include "proto/cache_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum store_type column_types[] = {
    [REGION_I32] = STORE_I32, [REGION_I64] = STORE_I64, [REGION_F64] = STORE_F64, [REGION_F32] = STORE_F32};

size_t box_floats(int32_t channels)
{
    return (size_t)channels * BOX_VOXELS;
}

/* GROUP/NAME; of /roi, label and position, which training reads, stand at the top. */
static void column_name(const char *group, const struct region_field *f, char name[64])
{
    bool top = strcmp(group, "/roi") == 0 && (strcmp(f->name, "label") == 0 || strcmp(f->name, "position") == 0);
    format_into(name, 64, "%s/%s", top ? "" : group, f->name);
}

/* Shape of a column: [N], [N,3], [N,4,9]. */
static int column_shape(const struct region_field *f, size_t regions, uint64_t dim[3])
{
    dim[0] = regions;
    dim[1] = f->count;
    if (f->count != (size_t)POSITION_FORMS * POSITION_SIZE)
        return f->count > 1 ? 2 : 1;
    dim[1] = POSITION_FORMS;
    dim[2] = POSITION_SIZE;
    return 3;
}

/* ---- writing */

static int columns_write(struct store *s, const char *group, const struct record_table *t, const void *record,
                         size_t count, struct error *e)
{
    void *column = xalloc(count + 1, t->size);
    int result = 0;
    for (size_t i = 0; i < t->fields && !result; i++) {
        const struct region_field *f = &t->field[i];
        char name[64];
        uint64_t dim[3];
        column_name(group, f, name);
        int ndim = column_shape(f, count, dim);
        column_get(t, i, record, count, column);
        if (store_write(s, name, column_types[f->kind], ndim, dim, 0, column, e) ||
            store_set_text(s, name, "unit", f->unit, e) || store_set_text(s, name, "meaning", f->meaning, e))
            result = -1;
    }
    free(column);
    return result;
}

static int lesions_write(struct store *s, const struct lesions *l, struct error *e)
{
    return columns_write(s, "/lesion", &lesion_table, l->lesion, l->count, e) ||
                   columns_write(s, "/lesion_part", &lesion_part_table, l->part, l->part_count, e)
               ? -1
               : 0;
}

static int boxes_write(struct store *s, const struct regions_message *m, struct error *e)
{
    size_t floats = box_floats(m->channels);
    const uint64_t dim[5] = {m->count, (uint64_t)m->channels, BOX_SIDE, BOX_SIDE, BOX_SIDE};
    uint64_t *sum = xalloc(m->count + 1, sizeof *sum);
    for (size_t i = 0; i < m->count; i++)
        sum[i] = bytes_xxh3(m->box + i * floats, floats * sizeof(float));
    int result = store_write(s, "/box", STORE_F32, 5, dim, 1, m->box, e) ||
                         store_set_text(s, "/box", "unit", m->channels > BOX_CT ? "SUV, HU" : "SUV", e) ||
                         store_set_text(s, "/box", "channels", box_channel_names(m->channels), e) ||
                         store_write(s, "/box_xxh3", STORE_U64, 1, dim, 0, sum, e)
                     ? -1
                     : 0;
    free(sum);
    return result;
}

static int facts_write(struct store *s, const struct scan_facts *facts, struct error *e)
{
    for (size_t i = 0; i < scan_fact_count; i++) {
        const struct fact_field *f = &scan_fact_fields[i];
        const void *at = (const char *)facts + f->offset;
        int result = f->kind == FACT_TEXT   ? store_set_text(s, "/scan", f->name, at, e)
                     : f->kind == FACT_REAL ? store_set_real(s, "/scan", f->name, 1, at, e)
                                            : store_set_int(s, "/scan", f->name, *(const int64_t *)at, e);
        if (result)
            return -1;
    }
    return 0;
}

/* Where the voxels lie: three numbers an attribute, axes z y x; the affine's rows x y z. */
static int place_write(struct store *s, const struct regions_message *m, struct error *e)
{
    double dim[3], axis[3], flipped[3];
    for (int a = 0; a < 3; a++) {
        dim[a] = (double)m->grid.dim[a];
        axis[a] = m->turned.file_axis[a];
        flipped[a] = m->turned.flipped[a];
    }
    return store_set_real(s, "/scan", "dim", 3, dim, e) ||
                   store_set_real(s, "/scan", "spacing_mm", 3, m->grid.spacing_mm, e) ||
                   store_set_real(s, "/scan", "affine", 12, m->grid.affine[0], e) ||
                   store_set_real(s, "/scan", "file_axis", 3, axis, e) ||
                   store_set_real(s, "/scan", "flipped", 3, flipped, e)
               ? -1
               : 0;
}

static int contents_write(struct store *s, const struct regions_message *m, struct error *e)
{
    const uint64_t runs[2] = {m->label_runs.size / 8, 2};
    const uint64_t mip[3] = {(uint64_t)m->mip_angles, (uint64_t)m->mip_height, (uint64_t)m->mip_width};
    if (store_set_int(s, "/", "petrel_cache", CACHE_VERSION, e) || boxes_write(s, m, e) ||
        columns_write(s, "/roi", &region_table, m->region, m->count, e) ||
        (m->excluded_count && columns_write(s, "/excluded", &region_table, m->excluded, m->excluded_count, e)) ||
        (m->lesions.known && lesions_write(s, &m->lesions, e)) ||
        store_write(s, "/labels", STORE_U32, 2, runs, 0, m->label_runs.data, e) ||
        store_set_text(s, "/labels", "meaning", "label map in runs: value, length; z slowest", e) ||
        facts_write(s, &m->facts, e) || place_write(s, m, e) ||
        store_set_int(s, "/scan", "settings", (int64_t)m->settings, e))
        return -1;
    if (m->mip_angles == 0)
        return 0;
    const double middle[3] = {m->mip_z, m->mip_y, m->mip_x};
    return store_write(s, "/mip", STORE_U8, 3, mip, 1, m->mip, e) ||
                   store_set_real(s, "/mip", "pixel_mm", 1, &m->mip_mm, e) ||
                   store_set_real(s, "/mip", "middle_zyx", 3, middle, e) ||
                   store_set_text(s, "/mip", "meaning",
                                  "maximum-intensity projections by angle; row 0 the head; SUV 0..10 as 0..255", e)
               ? -1
               : 0;
}

int shard_write(const char *path, const struct regions_message *m, struct error *e)
{
    struct store *s;
    if (store_create(&s, path, e))
        return -1;
    if (contents_write(s, m, e) == 0)
        return store_commit(&s, e);
    store_close(&s);
    return -1;
}

/* ---- reading */

int shard_open(struct store **s, const char *path, struct error *e)
{
    int64_t version;
    if (store_open(s, path, e))
        return -1;
    if (store_get_int(*s, "/", "petrel_cache", &version, e) == 0) {
        if (version == CACHE_VERSION)
            return 0;
        fail(e, "'%s' has layout version %lld, this petrel reads %d: make the cache again", path, (long long)version,
             CACHE_VERSION);
    }
    store_close(s);
    return -1;
}

int shard_shape(struct store *s, size_t *regions, int32_t *channels, struct error *e)
{
    int ndim;
    uint64_t dim[8];
    if (store_shape(s, "/box", &ndim, dim, e))
        return -1;
    if (ndim != 5 || dim[1] < 1 || dim[1] > BOX_CHANNELS || dim[2] != BOX_SIDE || dim[3] != BOX_SIDE ||
        dim[4] != BOX_SIDE)
        return fail(e, "its '/box' is not [regions, channels, %d, %d, %d]", BOX_SIDE, BOX_SIDE, BOX_SIDE);
    *regions = (size_t)dim[0];
    *channels = (int32_t)dim[1];
    return 0;
}

/* Exactly the shape the number of regions asks for. */
static int shape_check(struct store *s, const char *name, int ndim, const uint64_t *dim, struct error *e)
{
    int found;
    uint64_t has[8];
    if (store_shape(s, name, &found, has, e))
        return -1;
    bool same = found == ndim;
    for (int a = 0; a < ndim; a++)
        same = same && has[a] == dim[a];
    return same ? 0 : fail(e, "its '%s' has another shape than its '/box'", name);
}

int shard_box_sums(struct store *s, size_t regions, uint64_t **sums, struct error *e)
{
    const uint64_t dim[1] = {regions};
    *sums = NULL;
    if (shape_check(s, "/box_xxh3", 1, dim, e))
        return -1;
    *sums = try_alloc(e, regions + 1, sizeof **sums);
    return *sums && store_read(s, "/box_xxh3", STORE_U64, 0, regions, *sums, e) == 0 ? 0 : -1;
}

/* What a cache of an earlier version does not know is unknown. */
int shard_facts(struct store *s, struct scan_facts *facts, struct error *e)
{
    scan_facts_init(facts);
    for (size_t i = 0; i < scan_fact_count; i++) {
        const struct fact_field *f = &scan_fact_fields[i];
        void *at = (char *)facts + f->offset;
        int result = store_has_attribute(s, "/scan", f->name, e);
        if (result < 0)
            return -1;
        if (!result)
            continue;
        result = f->kind == FACT_TEXT   ? store_get_text(s, "/scan", f->name, at, f->size, e)
                 : f->kind == FACT_REAL ? store_get_real(s, "/scan", f->name, 1, at, e)
                                        : store_get_int(s, "/scan", f->name, at, e);
        if (result)
            return -1;
    }
    return 0;
}

static int place_read(struct store *s, struct regions_message *m, struct error *e)
{
    double dim[3], axis[3], flipped[3];
    if (store_get_real(s, "/scan", "dim", 3, dim, e) ||
        store_get_real(s, "/scan", "spacing_mm", 3, m->grid.spacing_mm, e) ||
        store_get_real(s, "/scan", "affine", 12, m->grid.affine[0], e) ||
        store_get_real(s, "/scan", "file_axis", 3, axis, e) || store_get_real(s, "/scan", "flipped", 3, flipped, e))
        return -1;
    for (int a = 0; a < 3; a++) {
        if (!(dim[a] >= 1 && dim[a] <= MESSAGE_VOXELS_MAX && axis[a] >= 0 && axis[a] <= 2 && flipped[a] >= 0 &&
              flipped[a] <= 1))
            return fail(e, "its '/scan' has a grid that is none");
        m->grid.dim[a] = (int64_t)dim[a];
        m->turned.file_axis[a] = (uint8_t)axis[a];
        m->turned.flipped[a] = (uint8_t)flipped[a];
    }
    return geometry_check(&m->grid, &m->turned, e);
}

static int columns_read(struct store *s, const char *group, const struct record_table *t, void *record, size_t count,
                        struct error *e)
{
    void *column = try_alloc(e, count + 1, t->size);
    int result = column ? 0 : -1;
    for (size_t i = 0; i < t->fields && !result; i++) {
        const struct region_field *f = &t->field[i];
        char name[64];
        uint64_t dim[3];
        column_name(group, f, name);
        int ndim = column_shape(f, count, dim);
        int const there = f->offset == offsetof(struct region, in_box) && t == &region_table ? store_has(s, name, e) : 1;
        if (there < 0) {
            result = -1;
            continue;
        }
        if (!there) {
            double *unknown = column; /* a cache of before it was kept */
            for (size_t k = 0; k < count; k++)
                unknown[k] = NAN;
            column_put(t, i, record, count, column);
            continue;
        }
        result = shape_check(s, name, ndim, dim, e) || store_read(s, name, column_types[f->kind], 0, count, column, e)
                     ? -1
                     : 0;
        if (!result)
            column_put(t, i, record, count, column);
    }
    free(column);
    return result;
}

/* A group of columns as long as its first. */
static int table_read(struct store *s, const char *group, const struct record_table *t, void **record, size_t *count,
                      struct error *e)
{
    int ndim;
    uint64_t dim[8];
    char first[64];
    column_name(group, &t->field[0], first);
    if (store_shape(s, first, &ndim, dim, e))
        return -1;
    if (ndim != 1 || dim[0] > UINT32_MAX)
        return fail(e, "its '%s' is no column", first);
    *record = try_alloc(e, (size_t)dim[0] + 1, t->size);
    if (!*record)
        return -1;
    *count = (size_t)dim[0];
    return columns_read(s, group, t, *record, *count, e);
}

/* /excluded is there where a region was left out. */
static int excluded_read(struct store *s, struct regions_message *m, struct error *e)
{
    void *record = NULL;
    int result = store_has(s, "/excluded", e);
    if (result > 0)
        result = table_read(s, "/excluded", &region_table, &record, &m->excluded_count, e);
    m->excluded = record;
    return result;
}

/* /lesion is there where the scan had a truth, and in no cache of before there were lesions. */
int shard_lesions(struct store *s, size_t regions, struct lesions *l, struct error *e)
{
    void *lesion = NULL, *part = NULL;
    int result = store_has(s, "/lesion", e);
    if (result <= 0)
        return result;
    result = table_read(s, "/lesion", &lesion_table, &lesion, &l->count, e) ||
                     table_read(s, "/lesion_part", &lesion_part_table, &part, &l->part_count, e)
                 ? -1
                 : 0;
    l->lesion = lesion, l->part = part;
    l->known = 1;
    return result ? result : lesions_check(l, regions, e);
}

static int labels_read(struct store *s, struct regions_message *m, struct error *e)
{
    int ndim;
    uint64_t dim[8];
    if (store_shape(s, "/labels", &ndim, dim, e))
        return -1;
    if (ndim != 2 || dim[1] != 2)
        return fail(e, "its '/labels' are no runs");
    m->label_runs.size = (size_t)dim[0] * 8;
    m->label_runs.data = try_alloc(e, m->label_runs.size + 1, 1);
    return m->label_runs.data && store_read(s, "/labels", STORE_U32, 0, dim[0], m->label_runs.data, e) == 0 &&
                   labels_decode(&m->label_runs, NULL, grid_voxels(&m->grid), e) == 0
               ? 0
               : -1;
}

static int mip_read(struct store *s, struct regions_message *m, struct error *e)
{
    int ndim;
    uint64_t dim[8];
    int const there = store_has(s, "/mip", e);
    if (there <= 0)
        return there;
    double middle[3];
    if (store_shape(s, "/mip", &ndim, dim, e) || store_get_real(s, "/mip", "pixel_mm", 1, &m->mip_mm, e) ||
        store_get_real(s, "/mip", "middle_zyx", 3, middle, e))
        return -1;
    m->mip_z = middle[0], m->mip_y = middle[1], m->mip_x = middle[2];
    if (ndim != 3 || dim[0] > 65535 || dim[1] > 65535 || dim[2] > 65535)
        return fail(e, "its '/mip' is not [angles, height, width]");
    m->mip_angles = (int32_t)dim[0];
    m->mip_height = (int32_t)dim[1];
    m->mip_width = (int32_t)dim[2];
    m->mip = try_alloc(e, (size_t)(dim[0] * dim[1] * dim[2]) + 1, 1);
    return m->mip ? store_read(s, "/mip", STORE_U8, 0, dim[0], m->mip, e) : -1;
}

int shard_read(struct store *s, struct regions_message *m, struct error *e)
{
    int64_t settings;
    *m = (struct regions_message){0};
    if (shard_shape(s, &m->count, &m->channels, e) || shard_facts(s, &m->facts, e) || place_read(s, m, e) ||
        store_get_int(s, "/scan", "settings", &settings, e))
        return -1;
    m->settings = (uint64_t)settings;
    m->box = try_alloc(e, m->count * box_floats(m->channels) + 1, sizeof *m->box);
    m->region = try_alloc(e, m->count + 1, sizeof *m->region);
    return m->box && m->region && store_read(s, "/box", STORE_F32, 0, m->count, m->box, e) == 0 &&
                   columns_read(s, "/roi", &region_table, m->region, m->count, e) == 0 && excluded_read(s, m, e) == 0 &&
                   shard_lesions(s, m->count, &m->lesions, e) == 0 && labels_read(s, m, e) == 0 && mip_read(s, m, e) == 0
               ? regions_check(m, e)
               : -1;
}
