/* SPDX-License-Identifier: Apache-2.0 */
/* message_wire -- msgpack maps written and read for message.c; no one else includes this.   proto
 *
 * Writing goes through msgpack-c into one growing buffer, reserved beforehand, so that a large array is copied once.
 * Reading does not: msgpack-c's unpacker allocates what a length claims (16 GiB from 5 bytes). The reader here walks
 * the bytes first, holds every claimed length against the bytes that are there, allocates nothing, and then hands out
 * places inside the message. */
#ifndef PETREL_PROTO_MESSAGE_WIRE_H
#define PETREL_PROTO_MESSAGE_WIRE_H
#include "common/base.h"

enum { WIRE_VALUES_MAX = 4096 }; /* in one message, arrays being one value each; ours have under 250 */

/* A fixed part of a struct: its fields, each a value of the map. */
enum wire_kind {
    WIRE_TEXT, /* char[size], NUL included; str */
    WIRE_REAL, /* double; float 64 */
    WIRE_I64,
    WIRE_I32,
    WIRE_U64,
    WIRE_U32,  /* int */
    WIRE_BYTES /* size bytes as they lie in memory; bin */
};
struct wire_field {
    const char *name;
    enum wire_kind kind;
    size_t offset, size;
};
#define FIELD(kind, type, field)                                                                                       \
    {                                                                                                                  \
#field, kind, offsetof(struct type, field), sizeof((struct type *)0)->field                                    \
    }

struct wire_writer {
    uint8_t *data;
    size_t size, room;
};
/* Begins the message's map: "v", "type" and `fields` more, which the calls below must then write. */
void wire_begin(struct wire_writer *w, const char *type, size_t fields, size_t reserve);
void wire_map(struct wire_writer *w, const char *name, size_t fields); /* a map inside */
void wire_put(struct wire_writer *w, const struct wire_field *field, size_t count, const void *from);
void wire_put_bin(struct wire_writer *w, const char *name, const void *data, size_t size);
void wire_end(struct wire_writer *w, struct buffer *out);

/* A map inside a message that has been walked: nothing can leave it. */
struct wire_map {
    const uint8_t *at, *end;
    size_t pairs;
};
/* The whole message: well formed, nothing behind it, of this version. type: its text, NUL-terminated. */
int wire_open(const struct buffer *b, struct wire_map *map, char type[32], struct error *e) MUST_USE;
/* The same, and of this type, or a sentence. */
int wire_open_as(const struct buffer *b, const char *type, struct wire_map *map, struct error *e) MUST_USE;
int wire_get_map(const struct wire_map *map, const char *name, struct wire_map *inner, struct error *e) MUST_USE;
int wire_get(const struct wire_map *map, const struct wire_field *field, size_t count, void *to,
             struct error *e) MUST_USE;
/* The array itself, still inside the message. */
int wire_get_bin(const struct wire_map *map, const char *name, const uint8_t **data, size_t *size,
                 struct error *e) MUST_USE;
/* The same, of count * width bytes exactly, in new memory (never NULL on success). */
int wire_copy_bin(const struct wire_map *map, const char *name, size_t count, size_t width, void **to,
                  struct error *e) MUST_USE;
#endif
