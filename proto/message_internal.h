/* SPDX-License-Identifier: Apache-2.0 */
/* message_internal -- the parts that several messages hold; message_arrays.c, message_batch.c and the cache build on them.   proto */
#ifndef PETREL_PROTO_MESSAGE_INTERNAL_H
#define PETREL_PROTO_MESSAGE_INTERNAL_H
#include "common/given.h"
#include "proto/message.h"
#include "proto/message_wire.h"

void facts_put(struct wire_writer *w, const struct scan_facts *facts);
int facts_get(const struct wire_map *map, struct scan_facts *facts, struct error *e) MUST_USE;

/* Grids and shapes that may be believed: also asked of what comes out of a cache. */
int geometry_check(const struct grid *g, const struct turn *t, struct error *e) MUST_USE;
int regions_check(const struct regions_message *m, struct error *e) MUST_USE;
/* One field of every record, as an array of count * field->count values, out of the structs and into them. */
void column_get(const struct record_table *t, size_t field, const void *record, size_t count, void *column);
void column_put(const struct record_table *t, size_t field, void *record, size_t count, const void *column);
/* Records as a map of columns. table_get: new memory, of as many records as the first column has, at most UINT32_MAX. */
void table_put(struct wire_writer *w, const char *name, const struct record_table *t, const void *record, size_t count);
int table_get(const struct wire_map *map, const char *name, const struct record_table *t, void **record, size_t *count,
              struct error *e) MUST_USE;
enum { LESIONS_FIELDS = 3 };
void lesions_put(struct wire_writer *w, const struct lesions *l);
int lesions_get(const struct wire_map *map, size_t regions, struct lesions *l, struct error *e) MUST_USE;
/* Lesions whose parts and regions are there. */
int lesions_check(const struct lesions *l, size_t regions, struct error *e) MUST_USE;

/* Of a regions message: references, and the scan and what was left out where they are there. */
enum { SCAN_FIELDS = 19 };
void scan_put(struct wire_writer *w, const struct regions_message *m);
size_t scan_bytes(const struct regions_message *m);
int scan_get(const struct wire_map *map, struct regions_message *m, struct error *e) MUST_USE;

/* Regions somebody drew, or that nobody did (NULL). */
enum { GIVEN_FIELDS = 1 };
void given_put(struct wire_writer *w, const struct given *g);
int given_get(const struct wire_map *map, struct given **g, struct error *e) MUST_USE;

enum { PAIR_TASK_FIELDS = 10 };
extern const struct wire_field pair_task_fields[PAIR_TASK_FIELDS];
int pair_task_check(const struct pair_task_message *m, struct error *e) MUST_USE;
#endif
