/* SPDX-License-Identifier: Apache-2.0 */
/* message_records -- regions, and lesions of the truth, as columns.   proto */
#include "proto/message.h"
#include "proto/message_internal.h"
#include <stdlib.h>
#include <string.h>

/* ---- what is kept of each */

#define REGION(kind, field, count, unit, meaning)                                                                      \
    {                                                                                                                  \
#field, kind, offsetof(struct region, field), count, unit, meaning                                             \
    }
const struct region_field region_fields[] = {
    REGION(REGION_I32, component, 1, "", "value in the label map, from 1"),
    REGION(REGION_I32, label, 1, "", "1 tumour, 0 not, -1 no truth"),
    REGION(REGION_I64, voxels, 1, "", "number of voxels"),
    REGION(REGION_F64, ml, 1, "ml", "volume"),
    REGION(REGION_F64, suv_max, 1, "SUV", "largest SUV"),
    REGION(REGION_F64, suv_mean, 1, "SUV", "mean SUV"),
    REGION(REGION_F64, suv_peak, 1, "SUV", "mean in a sphere of 1 ml, where it is highest"),
    REGION(REGION_F64, centroid_mm, 3, "mm", "centroid, RAS x y z"),
    REGION(REGION_F64, centroid, 3, "voxels", "mean index z y x"),
    REGION(REGION_I32, low, 3, "voxels", "lower bounds z y x"),
    REGION(REGION_I32, high, 3, "voxels", "upper bounds z y x, included"),
    REGION(REGION_I32, box_low, 3, "voxels", "first voxel of the box z y x; may lie outside the volume"),
    REGION(REGION_F64, overlap, 1, "", "share of its voxels inside the truth mask; NaN: no truth"),
    REGION(REGION_I32, organ, 1, "", "organ it belongs to, as numbered in organ maps; 0: none known"),
    REGION(REGION_I32, organ_by, 1, "", "how that is known: 1 organ map, 2 rule; 0: not"),
    REGION(REGION_I32, clipped, 1, "", "1: the box left the volume and was padded with air"),
    REGION(REGION_F64, in_box, 1, "", "share of its voxels inside its box"),
    REGION(REGION_F32, position, (size_t)POSITION_FORMS *POSITION_SIZE, "",
           "position vectors: axis/voxel, axis/mm, oriented/voxel, oriented/mm"),
};
const size_t region_field_count = COUNT_OF(region_fields);

#define LESION(kind, field, count, unit, meaning)                                                                      \
    {                                                                                                                  \
#field, kind, offsetof(struct lesion, field), count, unit, meaning                                             \
    }
static const struct region_field lesion_fields[] = {
    LESION(REGION_I32, id, 1, "", "number, from 1, by first voxel"),
    LESION(REGION_I64, voxels, 1, "", "number of voxels"),
    LESION(REGION_F64, ml, 1, "ml", "volume"),
    LESION(REGION_F64, suv_max, 1, "SUV", "largest SUV"),
    LESION(REGION_F64, suv_mean, 1, "SUV", "mean SUV"),
    LESION(REGION_F64, centroid_mm, 3, "mm", "centroid, RAS x y z"),
    LESION(REGION_F64, centroid, 3, "voxels", "mean index z y x"),
    LESION(REGION_F64, from_liver_mm, 3, "mm", "centroid from the liver's: left, front, up; NaN: no liver known"),
    LESION(REGION_I32, organ, 1, "", "organ of the map that holds most of it; 0: none, or no map"),
    LESION(REGION_I32, region, 1, "", "component of the region that holds most of it; 0: none"),
    LESION(REGION_I32, sharing, 1, "", "other lesions of which that region holds at least half"),
    LESION(REGION_F64, covered, 1, "", "share of its voxels in that region"),
    LESION(REGION_F64, in_regions, 1, "", "share of its voxels in any region"),
    LESION(REGION_F64, in_tumours, 1, "", "share of its voxels in regions labelled tumour"),
    LESION(REGION_F64, in_excluded, 1, "", "share of its voxels in regions left out as an organ's"),
};

#define PART(kind, field, meaning)                                                                                     \
    {                                                                                                                  \
#field, kind, offsetof(struct lesion_part, field), 1, "", meaning                                              \
    }
static const struct region_field part_fields[] = {
    PART(REGION_I32, lesion, "number of the lesion"),
    PART(REGION_I32, component, "number of the region"),
    PART(REGION_I64, voxels, "voxels in both"),
};

const struct record_table region_table = {region_fields, COUNT_OF(region_fields), sizeof(struct region)};
const struct record_table lesion_table = {lesion_fields, COUNT_OF(lesion_fields), sizeof(struct lesion)};
const struct record_table lesion_part_table = {part_fields, COUNT_OF(part_fields), sizeof(struct lesion_part)};

size_t region_kind_size(enum region_kind kind)
{
    return kind == REGION_I64 || kind == REGION_F64 ? 8 : 4;
}

void column_get(const struct record_table *t, size_t field, const void *record, size_t count, void *column)
{
    const struct region_field *f = &t->field[field];
    size_t width = f->count * region_kind_size(f->kind);
    for (size_t i = 0; i < count; i++)
        memcpy((char *)column + i * width, (const char *)record + i * t->size + f->offset, width);
}

void column_put(const struct record_table *t, size_t field, void *record, size_t count, const void *column)
{
    const struct region_field *f = &t->field[field];
    size_t width = f->count * region_kind_size(f->kind);
    for (size_t i = 0; i < count; i++)
        memcpy((char *)record + i * t->size + f->offset, (const char *)column + i * width, width);
}

/* ---- in a message: a map of columns */

void table_put(struct wire_writer *w, const char *name, const struct record_table *t, const void *record, size_t count)
{
    void *column = xalloc(count + 1, t->size);
    wire_map(w, name, t->fields);
    for (size_t i = 0; i < t->fields; i++) {
        const struct region_field *f = &t->field[i];
        column_get(t, i, record, count, column);
        wire_put_bin(w, f->name, column, count * f->count * region_kind_size(f->kind));
    }
    free(column);
}

int table_get(const struct wire_map *map, const char *name, const struct record_table *t, void **record, size_t *count,
              struct error *e)
{
    struct wire_map columns;
    const uint8_t *column;
    size_t size;
    *record = NULL;
    if (wire_get_map(map, name, &columns, e) || wire_get_bin(&columns, t->field[0].name, &column, &size, e))
        return -1;
    /* so many bytes of one column are there: that bounds the table before it is allocated */
    *count = size / region_kind_size(t->field[0].kind);
    if (*count > UINT32_MAX)
        return fail(e, "message's '%s' has %zu records, at most 4294967295", name, *count);
    *record = try_alloc(e, *count + 1, t->size);
    if (!*record)
        return -1;
    for (size_t i = 0; i < t->fields; i++) {
        const struct region_field *f = &t->field[i];
        size_t width = f->count * region_kind_size(f->kind);
        int result = wire_get_bin(&columns, f->name, &column, &size, e);
        if (!result && size != *count * width)
            result = fail(e, "message's '%s' of '%s' has %zu bytes, expected %zu of %zu", f->name, name, size, *count,
                          width);
        if (result) {
            free(*record);
            *record = NULL;
            return -1;
        }
        column_put(t, i, *record, *count, column);
    }
    return 0;
}

/* ---- lesions */

static const struct wire_field known_field[] = {
    {"lesions_known", WIRE_I32, offsetof(struct lesions, known), sizeof(int32_t)}};

void lesions_put(struct wire_writer *w, const struct lesions *l)
{
    wire_put(w, known_field, COUNT_OF(known_field), l);
    table_put(w, "lesion", &lesion_table, l->lesion, l->count);
    table_put(w, "lesion_part", &lesion_part_table, l->part, l->part_count);
}

int lesions_check(const struct lesions *l, size_t regions, struct error *e)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->lesion[i].id != (int32_t)i + 1 || l->lesion[i].region < 0 || (size_t)l->lesion[i].region > regions ||
            l->lesion[i].voxels < 1)
            return fail(e, "lesion %zu has number %d, %lld voxels and region %d of %zu", i + 1, l->lesion[i].id,
                        (long long)l->lesion[i].voxels, l->lesion[i].region, regions);
    for (size_t i = 0; i < l->part_count; i++) {
        const struct lesion_part *p = &l->part[i];
        if (p->lesion < 1 || (size_t)p->lesion > l->count || p->component < 1 || (size_t)p->component > regions ||
            p->voxels < 1 || p->voxels > l->lesion[p->lesion - 1].voxels)
            return fail(e, "part %zu of the lesions is %lld voxels of lesion %d in region %d, which cannot be", i,
                        (long long)p->voxels, p->lesion, p->component);
    }
    return 0;
}

int lesions_get(const struct wire_map *map, size_t regions, struct lesions *l, struct error *e)
{
    void *record;
    if (wire_get(map, known_field, COUNT_OF(known_field), l, e) ||
        table_get(map, "lesion", &lesion_table, &record, &l->count, e))
        return -1;
    l->lesion = record;
    if (table_get(map, "lesion_part", &lesion_part_table, &record, &l->part_count, e))
        return -1;
    l->part = record;
    return lesions_check(l, regions, e);
}

void lesions_free(struct lesions *l)
{
    free(l->lesion);
    free(l->part);
    *l = (struct lesions){0};
}
