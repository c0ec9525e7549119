/* gzip -- whole .gz files in and out; the only user of libdeflate.   common
 *
 * libdeflate unpacks whole buffers, fast, but does not say whether bad data were damaged or cut short. People need to
 * know, so a file it refuses is gone through once more by zlib, which does. */
#include "common/gzip.h"

#include "common/file.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MEMBER_LEAST = 18 /* header and trailer */, DEFLATE_MOST = 1032 /* no byte can unpack to more */ };

static bool is_gzip(const uint8_t *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static bool all_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i])
            return false;
    return true;
}

static int fail_diagnosed(const char *path, const uint8_t *member, size_t size, struct error *e)
{
    enum { PIECE = 1 << 16 };
    uint8_t *sink = xalloc(PIECE, 1);
    z_stream z = {0};
    int result = inflateInit2(&z, 15 + 16); /* the largest window, in a gzip wrapper */
    char why[100] = "";
    while (result == Z_OK) {
        if (z.avail_in == 0 && size) {
            z.next_in = (Bytef *)(uintptr_t)member;
            z.avail_in = size < PIECE ? (uInt)size : PIECE;
            member += z.avail_in;
            size -= z.avail_in;
        }
        z.next_out = sink;
        z.avail_out = PIECE;
        result = inflate(&z, Z_NO_FLUSH);
    }
    if (z.msg)
        format_into(why, sizeof why, "%.60s; ", z.msg);
    bool early = result == Z_BUF_ERROR;
    inflateEnd(&z);
    free(sink);
    if (early)
        return fail(e, "cannot read '%s': gzip data ends early (the file is truncated; copy it again)", path);
    return fail(e, "cannot read '%s': gzip data is damaged (%scopy it again)", path, why);
}

/* Bytes to make room for at first: the trailer's count is modulo 2^32, of the last member alone, and only a claim. */
static size_t first_room(const struct buffer *packed, size_t most)
{
    size_t claim = 0;
    if (packed->size >= MEMBER_LEAST)
        for (size_t i = 1; i <= 4; i++)
            claim = claim << 8 | packed->data[packed->size - i];
    return claim < most ? claim : most;
}

static int unpack(const char *path, const struct buffer *packed, size_t max, struct buffer *out, struct error *e)
{
    struct libdeflate_decompressor *engine = libdeflate_alloc_decompressor();
    size_t most = packed->size > max / DEFLATE_MOST ? max : packed->size * DEFLATE_MOST;
    size_t room = first_room(packed, most), size = 0, at = 0;
    uint8_t *data = engine ? malloc(room + 1) : NULL;
    int result = 0;
    if (!data)
        result = fail_as(e, EX_OSERR, "cannot read '%s': no memory for %zu bytes", path, room);

    while (!result && at < packed->size) {
        const uint8_t *member = packed->data + at;
        size_t left = packed->size - at, used = 0, made = 0;
        if (at && !is_gzip(member, left)) {
            if (!all_zero(member, left)) /* tapes and some archives pad with zeros */
                result = fail(e, "cannot read '%s': %zu bytes after the gzip data are none", path, left);
            break;
        }
        switch (libdeflate_gzip_decompress_ex(engine, member, left, data + size, room - size, &used, &made)) {
        case LIBDEFLATE_SUCCESS:
            at += used;
            size += made;
            break;
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            if (room == most) {
                result = fail(e, "cannot read '%s': it unpacks to more than %zu bytes", path, max);
                break;
            }
            room = room < 32768 ? 65536 : room * 2; /* the trailer may claim 0: twice that would never grow */
            room = room < most ? room : most;
            uint8_t *larger = realloc(data, room + 1);
            if (!larger)
                result = fail_as(e, EX_OSERR, "cannot read '%s': no memory for %zu bytes", path, room);
            else
                data = larger;
            break;
        default:
            result = fail_diagnosed(path, member, left, e);
        }
    }
    if (engine)
        libdeflate_free_decompressor(engine);
    if (result) {
        free(data);
        return -1;
    }
    data[size] = '\0';
    *out = (struct buffer){data, size};
    return 0;
}

int gzip_read(const char *path, size_t max, struct buffer *out, struct error *e)
{
    *out = (struct buffer){0};
    struct buffer file;
    size_t slack = max / 8 + 65536; /* what does not pack grows a little */
    if (file_read(path, max < SIZE_MAX - slack ? max + slack : SIZE_MAX, &file, e))
        return -1;
    if (!is_gzip(file.data, file.size)) {
        if (file.size > max) {
            buffer_free(&file);
            return fail(e, "cannot read '%s': it is larger than %zu bytes", path, max);
        }
        *out = file;
        return 0;
    }
    int result = unpack(path, &file, max < PTRDIFF_MAX ? max : PTRDIFF_MAX - 1, out, e);
    buffer_free(&file);
    return result;
}

int gzip_write(const char *path, const void *data, size_t size, int level, struct error *e)
{
    struct libdeflate_compressor *engine = libdeflate_alloc_compressor(level);
    if (!engine)
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': gzip level %d (1 to 12)", path, level);
    size_t room = libdeflate_gzip_compress_bound(engine, size);
    uint8_t *packed = try_alloc(e, room, 1);
    int result = -1;
    if (packed) {
        size_t made = libdeflate_gzip_compress(engine, data, size, packed, room);
        result = made ? publish_bytes(path, packed, made, e)
                      : fail_as(e, EX_SOFTWARE, "cannot write '%s': it did not pack into %zu bytes", path, room);
    } else {
        fail_in(e, "cannot write '%s'", path);
    }
    free(packed);
    libdeflate_free_compressor(engine);
    return result;
}
