/* SPDX-License-Identifier: Apache-2.0 */
/* raw -- voxels as a text header describes them: in the file itself or in another, plain or packed.   mha, nrrd -> [raw] */
#include "stages/load/raw.h"
#include "common/file.h"
#include "common/foreign.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <zlib.h>

enum { LINE_MOST = 1 << 24, DEFLATE_MOST = 1032 /* no packed byte makes more */ };

static const struct {
    const char *name;
    size_t width;
    foreign_floats *floats;
    const char *also[6]; /* as the formats write it */
} types[] = {
    {"uint8", 1, foreign_floats_u8, {"MET_UCHAR", "unsigned char", "uchar", "uint8_t"}},
    {"int8", 1, foreign_floats_i8, {"MET_CHAR", "signed char", "int8_t"}},
    {"int16", 2, foreign_floats_i16, {"MET_SHORT", "short", "short int", "signed short", "int16_t"}},
    {"uint16", 2, foreign_floats_u16, {"MET_USHORT", "unsigned short", "ushort", "unsigned short int", "uint16_t"}},
    {"int32", 4, foreign_floats_i32, {"MET_INT", "int", "signed int", "int32_t"}},
    {"uint32", 4, foreign_floats_u32, {"MET_UINT", "unsigned int", "uint", "uint32_t"}},
    {"int64", 8, foreign_floats_i64, {"MET_LONG_LONG", "long long", "longlong", "int64_t", "long long int"}},
    {"uint64", 8, foreign_floats_u64, {"MET_ULONG_LONG", "unsigned long long", "ulonglong", "uint64_t"}},
    {"float", 4, foreign_floats_f32, {"MET_FLOAT"}},
    {"double", 8, foreign_floats_f64, {"MET_DOUBLE"}},
};

static size_t type_row(const char *name)
{
    size_t row = 0;
    while (row < COUNT_OF(types) && types[row].name != name)
        row++;
    return row;
}

const char *raw_type(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (strcmp(name, types[i].name) == 0)
            return types[i].name;
        for (size_t k = 0; k < COUNT_OF(types[i].also) && types[i].also[k]; k++)
            if (strcmp(name, types[i].also[k]) == 0)
                return types[i].name;
    }
    return NULL;
}

char *raw_line(struct buffer *b, size_t *at)
{
    size_t left = b->size - *at;
    char *line = (char *)b->data + *at, *end = memchr(line, '\n', left < LINE_MOST ? left : LINE_MOST);
    if (!end)
        return NULL;
    *end = '\0';
    *at += (size_t)(end - line) + 1;
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

bool raw_numbers(const char *text, const char *skip, double *to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text += strspn(text, skip);
        char *end;
        to[i] = strtod(text, &end);
        if (end == text || !isfinite(to[i]))
            return false;
        text = end;
    }
    return text[strspn(text, skip)] == '\0';
}

int raw_place(const char *path, struct grid *g, struct error *e)
{
    return grid_measure(g, e) < 0 ? fail_in(e, "cannot open '%s'", path) : 0;
}

double raw_unit_mm(const char *unit)
{
    static const struct {
        const char *name;
        double mm;
    } units[] = {{"mm", 1},     {"millimeter", 1}, {"millimeters", 1}, {"millimetre", 1},     {"", 1},
                 {"?", 1},      {"cm", 10},        {"centimeter", 10}, {"m", 1000},           {"meter", 1000},
                 {"um", 0.001}, {"micron", 0.001}, {"microns", 0.001}, {"micrometer", 0.001}, {"\xc2\xb5m", 0.001}};
    for (size_t i = 0; i < COUNT_OF(units); i++)
        if (strcasecmp(units[i].name, unit) == 0)
            return units[i].mm;
    return (double)NAN;
}

bool raw_true(const char *text)
{
    return *text == 'T' || *text == 't' || *text == '1' || *text == 'Y' || *text == 'y';
}

/* Exactly `wanted` bytes out of packed ones, or a sentence. */
static int unpack(const char *path, const uint8_t *packed, size_t size, uint8_t *to, size_t wanted, struct error *e)
{
    enum { PIECE = 1 << 28 }; /* zlib counts in 32 bits */
    z_stream z = {0};
    size_t made = 0;
    int state = inflateInit2(&z, 15 + 32); /* zlib or gzip, whichever it is */
    while (state == Z_OK && made < wanted) {
        if (z.avail_in == 0) {
            z.next_in = (Bytef *)(uintptr_t)packed;
            z.avail_in = size < PIECE ? (uInt)size : PIECE;
            packed += z.avail_in;
            size -= z.avail_in;
        }
        size_t const room = wanted - made < PIECE ? wanted - made : PIECE;
        z.next_out = to + made;
        z.avail_out = (uInt)room;
        state = inflate(&z, Z_NO_FLUSH);
        made += room - z.avail_out;
    }
    inflateEnd(&z);
    if (made == wanted)
        return 0;
    return state == Z_STREAM_END || state == Z_BUF_ERROR
               ? fail(e, "cannot open '%s': its packed voxels end after %zu bytes of %zu: cut short", path, made, wanted)
               : fail(e, "cannot open '%s': its packed voxels are damaged; copy it again", path);
}

static bool here_is_big_endian(void)
{
    uint16_t const one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* from: `bytes` of voxels that may be changed. */
static int convert(const char *path, const struct raw *r, uint8_t *from, struct nifti *image, struct error *e)
{
    size_t const row = type_row(r->type), count = grid_voxels(&image->grid);
    if (r->big_endian != here_is_big_endian())
        foreign_swap(from, count, types[row].width);
    image->voxel = try_alloc(e, count, sizeof *image->voxel);
    if (!image->voxel)
        return fail_in(e, "cannot open '%s'", path);
    types[row].floats(from, count, 1, 0, image->voxel);
    return nifti_count_nan(image, path, e);
}

static int voxels_read(const char *path, const struct raw *r, const struct buffer *file, size_t bytes,
                       struct nifti *image, struct error *e)
{
    size_t offset = r->at_end && !r->packed && file->size >= bytes ? file->size - bytes : r->offset;
    if (offset > file->size || (!r->packed && bytes > file->size - offset) ||
        (r->packed && bytes / DEFLATE_MOST > file->size - offset))
        return fail(
            e, "cannot open '%s': %zu bytes of voxels from byte %zu are more than the %zu bytes there are%s: cut short",
            path, bytes, offset, file->size, r->packed ? " can unpack to" : "");
    if (!r->packed)
        return convert(path, r, file->data + offset, image, e);
    uint8_t *unpacked = try_alloc(e, bytes, 1);
    if (!unpacked)
        return fail_in(e, "cannot open '%s'", path);
    int rc = unpack(path, file->data + offset, file->size - offset, unpacked, bytes, e);
    if (rc == 0)
        rc = convert(path, r, unpacked, image, e);
    free(unpacked);
    return rc;
}

/* header: the bytes of `path`. Fills image->voxel, image->grid.dim being known. */
static int raw_read(const char *path, const struct buffer *header, const struct raw *r, size_t max_bytes,
                    struct nifti *image, struct error *e)
{
    size_t const row = type_row(r->type), count = grid_voxels(&image->grid); /* at most 32767^3 */
    if (count > max_bytes / 2 / sizeof(float))
        return fail(e, "cannot open '%s': %zu voxels need more memory than --memory-limit gives", path, count);
    int rc;
    if (r->file) {
        struct buffer file = {0};
        rc = file_read(r->file, max_bytes, &file, e) < 0
                 ? fail_in(e, "cannot open '%s'", path)
                 : voxels_read(r->file, r, &file, count * types[row].width, image, e);
        buffer_free(&file);
    } else {
        rc = voxels_read(path, r, header, count * types[row].width, image, e);
    }
    if (rc < 0) {
        free(image->voxel);
        image->voxel = NULL;
    }
    return rc;
}

int raw_open(const char *path, size_t max_bytes, raw_header *header_read, struct nifti *image, char **data_file,
             struct error *e)
{
    struct buffer file = {0};
    struct raw r = {0};
    *image = (struct nifti){0};
    int rc = file_read(path, max_bytes, &file, e);
    if (rc == 0)
        rc = header_read(&file, path, &r, image, e);
    if (rc == 0)
        rc = raw_read(path, &file, &r, max_bytes, image, e);
    buffer_free(&file);
    *data_file = r.file;
    return rc;
}
