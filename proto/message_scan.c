/* SPDX-License-Identifier: Apache-2.0 */
/* message_scan -- what a regions message tells of the scan itself: references, and its voxels where they were asked for.   proto */
#include "proto/message.h"
#include "proto/message_internal.h"
#include <math.h>
#include <stdlib.h>

static const struct wire_field reference_fields[] = {
    FIELD(WIRE_I32, references, liver_by),    FIELD(WIRE_REAL, references, liver_mean),
    FIELD(WIRE_REAL, references, liver_sd),   FIELD(WIRE_REAL, references, liver_ml),
    FIELD(WIRE_BYTES, references, liver_mm),  FIELD(WIRE_BYTES, references, liver_centroid_mm),
    FIELD(WIRE_REAL, references, blood_mean), FIELD(WIRE_REAL, references, blood_sd),
    FIELD(WIRE_REAL, references, blood_ml),   FIELD(WIRE_REAL, references, spleen_mean),
    FIELD(WIRE_REAL, references, spleen_ml),  FIELD(WIRE_REAL, references, marrow_mean),
    FIELD(WIRE_REAL, references, marrow_ml),  FIELD(WIRE_REAL, references, body_low),
    FIELD(WIRE_REAL, references, body_high)};
_Static_assert(SCAN_FIELDS == COUNT_OF(reference_fields) + 4, "as many fields as scan_put writes");

void references_init(struct references *f)
{
    *f = (struct references){.liver_by = REFERENCE_UNKNOWN};
    for (size_t i = 1; i < COUNT_OF(reference_fields); i++)
        for (size_t k = 0; k < reference_fields[i].size / sizeof(double); k++)
            *(double *)(void *)((char *)f + reference_fields[i].offset + k * sizeof(double)) = NAN;
}

static size_t there(const struct regions_message *m, const void *array, size_t width)
{
    return m->scan.voxel && array ? grid_voxels(&m->grid) * width : 0;
}

size_t scan_bytes(const struct regions_message *m)
{
    return there(m, m->scan.voxel, sizeof(float)) + there(m, m->scan.ct, sizeof(int16_t)) + there(m, m->scan.organ, 1) +
           m->excluded_runs.size;
}

void scan_put(struct wire_writer *w, const struct regions_message *m)
{
    const struct volume *v = &m->scan;
    struct buffer organs = {0};
    if (v->voxel && v->organ)
        bytes_encode(v->organ, grid_voxels(&m->grid), &organs);
    wire_put(w, reference_fields, COUNT_OF(reference_fields), &m->references);
    wire_put_bin(w, "scan_voxel", v->voxel, there(m, v->voxel, sizeof *v->voxel));
    wire_put_bin(w, "scan_ct", v->ct, there(m, v->ct, sizeof *v->ct));
    wire_put_bin(w, "scan_organ", organs.data, organs.size);
    wire_put_bin(w, "excluded_runs", m->excluded_runs.data, m->excluded_runs.size);
    buffer_free(&organs);
}

/* An array that need not be there: no bytes say that it is not. */
static int array_get(const struct wire_map *map, const char *name, size_t voxels, size_t width, void **to,
                     struct error *e)
{
    const uint8_t *data;
    size_t size;
    *to = NULL;
    if (wire_get_bin(map, name, &data, &size, e))
        return -1;
    return size == 0 ? 0 : wire_copy_bin(map, name, voxels, width, to, e);
}

static int excluded_get(const struct wire_map *map, struct regions_message *m, struct error *e)
{
    const uint8_t *runs;
    size_t size;
    void *data;
    if (wire_get_bin(map, "excluded_runs", &runs, &size, e) || wire_copy_bin(map, "excluded_runs", size, 1, &data, e))
        return -1;
    m->excluded_runs = (struct buffer){.data = data, .size = size};
    return size ? labels_decode(&m->excluded_runs, NULL, grid_voxels(&m->grid), e) : 0;
}

int scan_get(const struct wire_map *map, struct regions_message *m, struct error *e)
{
    struct volume *v = &m->scan;
    size_t const voxels = grid_voxels(&m->grid);
    void *voxel, *ct;
    const uint8_t *data;
    struct buffer runs = {0};
    if (wire_get(map, reference_fields, COUNT_OF(reference_fields), &m->references, e))
        return -1;
    if (m->references.liver_by < 0 || m->references.liver_by >= REFERENCE_WAYS)
        return fail(e, "message's 'liver_by' is %d", m->references.liver_by);
    v->grid = m->grid;
    v->turned = m->turned;
    if (array_get(map, "scan_voxel", voxels, sizeof *v->voxel, &voxel, e))
        return -1;
    v->voxel = voxel;
    if (array_get(map, "scan_ct", voxels, sizeof *v->ct, &ct, e))
        return -1;
    v->ct = ct;
    if (excluded_get(map, m, e))
        return -1;
    if (wire_get_bin(map, "scan_organ", &data, &runs.size, e))
        return -1;
    if (runs.size == 0)
        return 0;
    runs.data = (uint8_t *)(uintptr_t)data; /* read only: the message keeps it */
    v->organ = try_alloc(e, voxels, 1);
    if (!v->organ || bytes_decode(&runs, v->organ, voxels, e))
        return fail_in(e, "message's 'scan_organ'");
    return 0;
}
