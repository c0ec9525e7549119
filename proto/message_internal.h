/* SPDX-License-Identifier: Apache-2.0 */
/* message_internal -- the parts that several messages hold; message_arrays.c, message_batch.c and the cache build on them.   proto */
#ifndef PETREL_PROTO_MESSAGE_INTERNAL_H
#define PETREL_PROTO_MESSAGE_INTERNAL_H
#include "proto/message.h"
#include "proto/message_wire.h"

void facts_put(struct wire_writer *w, const struct scan_facts *facts);
int facts_get(const struct wire_map *map, struct scan_facts *facts, struct error *e) MUST_USE;

/* Grids and shapes that may be believed: also asked of what comes out of a cache. */
int geometry_check(const struct grid *g, const struct turn *t, struct error *e) MUST_USE;
int regions_check(const struct regions_message *m, struct error *e) MUST_USE;
/* One field of every region, as an array of count * field->count values, out of the structs and into them. */
void region_column_get(const struct region_field *f, const struct region *r, size_t count, void *column);
void region_column_put(const struct region_field *f, struct region *r, size_t count, const void *column);

enum { PAIR_TASK_FIELDS = 8 };
extern const struct wire_field pair_task_fields[PAIR_TASK_FIELDS];
int pair_task_check(const struct pair_task_message *m, struct error *e) MUST_USE;
#endif
