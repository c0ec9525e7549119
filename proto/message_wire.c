/* SPDX-License-Identifier: Apache-2.0 */
/* message_wire -- msgpack maps, written through msgpack-c and read by a bounded walk.   message -> [message_wire] */
#include "proto/message_wire.h"
#include "proto/message.h"
#include <math.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays travel as they lie in memory: little endian");

/* ---- writing */

static void writer_reserve(struct wire_writer *w, size_t more)
{
    if (w->room - w->size >= more)
        return;
    size_t room = w->size + more;
    if (room < 2 * w->room)
        room = 2 * w->room;
    w->data = xresize(w->data, room, 1);
    w->room = room;
}

static int writer_take(void *writer, const char *bytes, size_t size)
{
    struct wire_writer *w = writer;
    writer_reserve(w, size);
    if (size)
        memcpy(w->data + w->size, bytes, size);
    w->size += size;
    return 0;
}

static msgpack_packer packer(struct wire_writer *w)
{
    msgpack_packer p;
    msgpack_packer_init(&p, w, writer_take);
    return p;
}

static void put_text(msgpack_packer *p, const char *text, size_t size)
{
    msgpack_pack_str(p, size);
    msgpack_pack_str_body(p, text, size);
}

static void put_bin(msgpack_packer *p, const char *name, const void *data, size_t size)
{
    if (size > UINT32_MAX)
        die(EX_OSERR, "cannot send '%s': it has %zu bytes and a message's array holds at most 4294967295", name, size);
    msgpack_pack_bin(p, size);
    msgpack_pack_bin_body(p, data, size);
}

void wire_begin(struct wire_writer *w, const char *type, size_t fields, size_t reserve)
{
    *w = (struct wire_writer){0};
    writer_reserve(w, reserve + 256);
    msgpack_packer p = packer(w);
    msgpack_pack_map(&p, fields + 2);
    put_text(&p, "v", 1);
    msgpack_pack_int(&p, MESSAGE_VERSION);
    put_text(&p, "type", 4);
    put_text(&p, type, strlen(type));
}

void wire_map(struct wire_writer *w, const char *name, size_t fields)
{
    msgpack_packer p = packer(w);
    put_text(&p, name, strlen(name));
    msgpack_pack_map(&p, fields);
}

void wire_put(struct wire_writer *w, const struct wire_field *field, size_t count, const void *from)
{
    msgpack_packer p = packer(w);
    for (size_t i = 0; i < count; i++) {
        const struct wire_field *f = &field[i];
        const char *at = (const char *)from + f->offset;
        put_text(&p, f->name, strlen(f->name));
        switch (f->kind) {
        case WIRE_TEXT: put_text(&p, at, strnlen(at, f->size - 1)); break;
        case WIRE_REAL: msgpack_pack_double(&p, *(const double *)at); break;
        case WIRE_I64: msgpack_pack_int64(&p, *(const int64_t *)at); break;
        case WIRE_I32: msgpack_pack_int32(&p, *(const int32_t *)at); break;
        case WIRE_U64: msgpack_pack_uint64(&p, *(const uint64_t *)at); break;
        case WIRE_U32: msgpack_pack_uint32(&p, *(const uint32_t *)at); break;
        case WIRE_BYTES: put_bin(&p, f->name, at, f->size); break;
        }
    }
}

void wire_put_bin(struct wire_writer *w, const char *name, const void *data, size_t size)
{
    msgpack_packer p = packer(w);
    put_text(&p, name, strlen(name));
    writer_reserve(w, size + 5);
    put_bin(&p, name, data, size);
}

void wire_end(struct wire_writer *w, struct buffer *out)
{
    *out = (struct buffer){.data = w->data, .size = w->size};
    *w = (struct wire_writer){0};
}

/* ---- reading */

enum value_kind { VALUE_OTHER, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BIN, VALUE_MAP };

/* One value's head: what it is, how many bytes of its own follow, how many values it holds. */
struct value {
    enum value_kind kind;
    const uint8_t *body;
    uint64_t bytes, children;
    bool negative;   /* an int: number is its two's complement */
    uint64_t number; /* an int */
    double real;
};

static uint64_t big_endian(const uint8_t *at, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | at[i];
    return v;
}

/* msgpack's first byte, 0xc0 to 0xdf: the width of the number or length behind it, and what that number is. */
static const struct {
    uint8_t width;
    char what;
} heads[32] = {
    [0x00] = {0, '.'}, [0x02] = {0, '.'}, [0x03] = {0, '.'}, /* nil, false, true */
    [0x04] = {1, 'b'}, [0x05] = {2, 'b'}, [0x06] = {4, 'b'}, /* bin */
    [0x07] = {1, 'x'}, [0x08] = {2, 'x'}, [0x09] = {4, 'x'}, /* ext: a type byte more */
    [0x0a] = {4, 'f'}, [0x0b] = {8, 'f'},                    /* float */
    [0x0c] = {1, 'u'}, [0x0d] = {2, 'u'}, [0x0e] = {4, 'u'}, [0x0f] = {8, 'u'}, [0x10] = {1, 'i'}, [0x11] = {2, 'i'},
    [0x12] = {4, 'i'}, [0x13] = {8, 'i'}, [0x14] = {0, 'e'}, [0x15] = {0, 'e'}, [0x16] = {0, 'e'}, /* fixext 1 2 4 */
    [0x17] = {0, 'e'}, [0x18] = {0, 'e'},                                                          /* fixext 8 16 */
    [0x19] = {1, 's'}, [0x1a] = {2, 's'}, [0x1b] = {4, 's'},                                       /* str */
    [0x1c] = {2, 'a'}, [0x1d] = {4, 'a'}, [0x1e] = {2, 'm'}, [0x1f] = {4, 'm'},
};

static void value_signed(struct value *v, int64_t number)
{
    v->kind = VALUE_INT;
    v->number = (uint64_t)number;
    v->negative = number < 0;
}

/* false: no value begins here, or its own bytes run past the end. */
static bool value_read(const uint8_t *at, const uint8_t *end, struct value *v)
{
    *v = (struct value){0};
    if (at >= end)
        return false;
    uint8_t first = *at++;
    v->body = at;
    if (first < 0x80)
        value_signed(v, first);
    else if (first < 0x90)
        v->kind = VALUE_MAP, v->children = 2 * (uint64_t)(first & 15);
    else if (first < 0xa0)
        v->children = first & 15;
    else if (first < 0xc0)
        v->kind = VALUE_TEXT, v->bytes = first & 31;
    else if (first >= 0xe0)
        value_signed(v, (int8_t)first);
    else {
        size_t width = heads[first - 0xc0].width;
        if ((size_t)(end - at) < width)
            return false;
        uint64_t n = big_endian(at, width);
        v->body = at + width;
        switch (heads[first - 0xc0].what) {
        case '.': break;
        case 'b': v->kind = VALUE_BIN, v->bytes = n; break;
        case 's': v->kind = VALUE_TEXT, v->bytes = n; break;
        case 'x': v->bytes = n + 1; break;
        case 'e': v->bytes = 1 + (UINT64_C(1) << (first - 0xd4)); break;
        case 'a': v->children = n; break;
        case 'm': v->kind = VALUE_MAP, v->children = 2 * n; break;
        case 'u': v->kind = VALUE_INT, v->number = n; break;
        case 'i':
            value_signed(v, width == 1 ? (int8_t)n : width == 2 ? (int16_t)n : width == 4 ? (int32_t)n : (int64_t)n);
            break;
        case 'f': {
            uint32_t single = (uint32_t)n;
            float f;
            memcpy(&f, &single, sizeof f);
            if (width == 8)
                memcpy(&v->real, &n, sizeof n);
            else
                v->real = (double)f;
            v->kind = VALUE_REAL;
            break;
        }
        default: return false; /* 0xc1 is no value */
        }
    }
    return v->bytes <= (uint64_t)(end - v->body);
}

/* Where the value at `at` ends; NULL: it does not. Values inside are counted, not descended into, so a message cannot
 * exhaust the stack; each still owed needs a byte at least, so it cannot owe more than it has. */
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end, size_t *values)
{
    uint64_t owed = 1;
    while (owed) {
        struct value v;
        if (++*values > WIRE_VALUES_MAX || !value_read(at, end, &v))
            return NULL;
        at = v.body + v.bytes;
        owed += v.children - 1;
        if (owed > (uint64_t)(end - at))
            return NULL;
    }
    return at;
}

/* The value of a name, in a map already walked. */
static bool map_find(const struct wire_map *map, const char *name, struct value *found)
{
    const uint8_t *at = map->at;
    for (size_t i = 0; i < map->pairs; i++) {
        struct value key;
        size_t values = 0;
        bool readable = value_read(at, map->end, &key);
        const uint8_t *value_at = readable ? value_end(at, map->end, &values) : NULL;
        if (!value_at || !value_read(value_at, map->end, found))
            return false;
        if (key.kind == VALUE_TEXT && key.bytes == strlen(name) && memcmp(key.body, name, key.bytes) == 0)
            return true;
        at = value_end(value_at, map->end, &values);
        if (!at)
            return false;
    }
    return false;
}

static int map_get(const struct wire_map *map, const char *name, enum value_kind kind, struct value *v, struct error *e)
{
    static const char *const kinds[] = {"something else", "an integer",        "a real number",
                                        "a text",         "an array of bytes", "a map"};
    if (!map_find(map, name, v))
        return fail(e, "message has no '%s'", name);
    if (v->kind == kind || (kind == VALUE_REAL && v->kind == VALUE_INT))
        return 0;
    return fail(e, "message's '%s' is %s, expected %s", name, kinds[v->kind], kinds[kind]);
}

static int get_text(const struct value *v, const char *name, char *to, size_t size, struct error *e)
{
    if (v->bytes >= size)
        return fail(e, "message's '%s' has %llu characters, at most %zu fit", name, (unsigned long long)v->bytes,
                    size - 1);
    if (memchr(v->body, 0, v->bytes))
        return fail(e, "message's '%s' has a zero byte inside", name);
    memset(to, 0, size);
    memcpy(to, v->body, v->bytes);
    return 0;
}

int wire_open(const struct buffer *b, struct wire_map *map, char type[32], struct error *e)
{
    const uint8_t *end = b->data + b->size;
    struct value v;
    size_t values = 0;
    if (!b->size || !value_read(b->data, end, &v) || v.kind != VALUE_MAP)
        return fail(e, "message of %zu bytes does not begin with a msgpack map", b->size);
    const uint8_t *stop = value_end(b->data, end, &values);
    if (!stop && values > WIRE_VALUES_MAX)
        return fail(e, "message has more than %d values", WIRE_VALUES_MAX);
    if (!stop)
        return fail(e, "message of %zu bytes is cut short or damaged: a length in it reaches past its end", b->size);
    if (stop != end)
        return fail(e, "message has %td bytes behind its end", end - stop);
    *map = (struct wire_map){v.body, end, (size_t)(v.children / 2)};
    if (map_get(map, "v", VALUE_INT, &v, e))
        return -1;
    if (v.negative || v.number != MESSAGE_VERSION)
        return fail(e, "message has version %lld, this petrel reads %d: run the same petrel at both ends",
                    (long long)v.number, MESSAGE_VERSION);
    if (map_get(map, "type", VALUE_TEXT, &v, e))
        return -1;
    return get_text(&v, "type", type, 32, e);
}

int wire_open_as(const struct buffer *b, const char *type, struct wire_map *map, struct error *e)
{
    char found[32];
    if (wire_open(b, map, found, e))
        return -1;
    return strcmp(found, type) == 0 ? 0 : fail(e, "message is a '%s', expected a '%s'", found, type);
}

int wire_get_map(const struct wire_map *map, const char *name, struct wire_map *inner, struct error *e)
{
    struct value v;
    if (map_get(map, name, VALUE_MAP, &v, e))
        return -1;
    *inner = (struct wire_map){v.body, map->end, (size_t)(v.children / 2)};
    return 0;
}

int wire_get(const struct wire_map *map, const struct wire_field *field, size_t count, void *to, struct error *e)
{
    static const enum value_kind kind_of[] = {
        [WIRE_TEXT] = VALUE_TEXT, [WIRE_REAL] = VALUE_REAL, [WIRE_I64] = VALUE_INT,  [WIRE_I32] = VALUE_INT,
        [WIRE_U64] = VALUE_INT,   [WIRE_U32] = VALUE_INT,   [WIRE_BYTES] = VALUE_BIN};
    for (size_t i = 0; i < count; i++) {
        const struct wire_field *f = &field[i];
        char *at = (char *)to + f->offset;
        struct value v;
        if (map_get(map, f->name, kind_of[f->kind], &v, e))
            return -1;
        bool fits = true;
        switch (f->kind) {
        case WIRE_TEXT:
            if (get_text(&v, f->name, at, f->size, e))
                return -1;
            break;
        case WIRE_REAL:
            *(double *)at = v.kind == VALUE_REAL ? v.real : v.negative ? (double)(int64_t)v.number : (double)v.number;
            break;
        case WIRE_I64:
            fits = v.negative || v.number <= INT64_MAX;
            *(int64_t *)at = (int64_t)v.number;
            break;
        case WIRE_I32:
            fits = v.negative ? (int64_t)v.number >= INT32_MIN : v.number <= INT32_MAX;
            *(int32_t *)at = (int32_t)v.number;
            break;
        case WIRE_U64:
            fits = !v.negative;
            *(uint64_t *)at = v.number;
            break;
        case WIRE_U32:
            fits = !v.negative && v.number <= UINT32_MAX;
            *(uint32_t *)at = (uint32_t)v.number;
            break;
        case WIRE_BYTES:
            if (v.bytes != f->size)
                return fail(e, "message's '%s' has %llu bytes, expected %zu", f->name, (unsigned long long)v.bytes,
                            f->size);
            memcpy(at, v.body, f->size);
            break;
        }
        if (!fits)
            return fail(e, "message's '%s' is %s%llu, out of range", f->name, v.negative ? "-" : "",
                        (unsigned long long)(v.negative ? 0 - v.number : v.number));
    }
    return 0;
}

int wire_get_bin(const struct wire_map *map, const char *name, const uint8_t **data, size_t *size, struct error *e)
{
    struct value v;
    if (map_get(map, name, VALUE_BIN, &v, e))
        return -1;
    *data = v.body;
    *size = (size_t)v.bytes;
    return 0;
}

int wire_copy_bin(const struct wire_map *map, const char *name, size_t count, size_t width, void **to, struct error *e)
{
    const uint8_t *data;
    size_t size;
    if (wire_get_bin(map, name, &data, &size, e))
        return -1;
    if (size % width != 0 || size / width != count)
        return fail(e, "message's '%s' has %zu bytes, expected %zu values of %zu", name, size, count, width);
    *to = try_alloc(e, size ? size : 1, 1);
    if (!*to)
        return fail_in(e, "message's '%s'", name);
    memcpy(*to, data, size);
    return 0;
}
