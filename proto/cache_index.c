/* SPDX-License-Identifier: Apache-2.0 */
/* cache_index -- where in c->shard the entry of a key, a file or a patient stands, so that 100,000 scans are not looked through for
 * each.   proto
 *
 * Open addressing with linear probing; a slot that was given up stays as a stone others step over. Tables grow at half full. */
#include "common/file.h"
#include "proto/cache_internal.h"
#include <stdlib.h>
#include <string.h>

enum { FREE = 0, STONE = 1, TAKEN = 2 /* and the place: TAKEN + place */ };
struct index_table {
    size_t *slot;
    size_t room, used; /* used: stones, too */
};
struct cache_index {
    struct index_table table[INDEXES];
};

static uint64_t hash_of(enum index_by by, const void *wanted)
{
    const struct item_key *key = wanted;
    if (by == BY_KEY || by == BY_AGAIN)
        return bytes_xxh3(&(uint64_t[2]){key->run, key->index}, 2 * sizeof(uint64_t));
    return bytes_xxh3(wanted, strlen(wanted));
}

/* What the entry at this place is found by; NULL: it is not in this table. */
static const void *wanted_of(const struct cache *c, enum index_by by, size_t place)
{
    if (by == BY_AGAIN)
        return &c->again[place];
    const struct shard_entry *s = &c->shard[place];
    if (by == BY_KEY)
        return &s->key;
    if (!s->file[0])
        return NULL;
    return by == BY_FILE ? s->file : s->patient;
}

static bool same(enum index_by by, const void *a, const void *b)
{
    if (by != BY_KEY && by != BY_AGAIN)
        return strcmp(a, b) == 0;
    const struct item_key *p = a, *q = b;
    return p->run == q->run && p->index == q->index;
}

/* The slot that holds it, or NULL. */
static size_t *slot_of(const struct cache *c, enum index_by by, const void *wanted)
{
    const struct index_table *t = c->index ? &c->index->table[by] : NULL;
    if (!t || !t->room)
        return NULL;
    for (size_t at = hash_of(by, wanted) & (t->room - 1); t->slot[at] != FREE; at = (at + 1) & (t->room - 1))
        if (t->slot[at] >= TAKEN && same(by, wanted_of(c, by, t->slot[at] - TAKEN), wanted))
            return &t->slot[at];
    return NULL;
}

size_t index_find(const struct cache *c, enum index_by by, const void *wanted)
{
    const size_t *slot = slot_of(c, by, wanted);
    return slot ? *slot - TAKEN : INDEX_NONE;
}

static void slot_take(const struct cache *c, struct index_table *t, enum index_by by, size_t place)
{
    size_t at = hash_of(by, wanted_of(c, by, place)) & (t->room - 1);
    while (t->slot[at] >= TAKEN)
        at = (at + 1) & (t->room - 1);
    t->used += t->slot[at] == FREE;
    t->slot[at] = TAKEN + place;
}

static void table_grow(const struct cache *c, struct index_table *t, enum index_by by)
{
    struct index_table grown = {.room = t->room ? 2 * t->room : 64};
    grown.slot = xalloc(grown.room, sizeof *grown.slot);
    for (size_t i = 0; i < t->room; i++)
        if (t->slot[i] >= TAKEN)
            slot_take(c, &grown, by, t->slot[i] - TAKEN);
    free(t->slot);
    *t = grown;
}

void index_put(struct cache *c, enum index_by by, size_t place)
{
    if (!c->index)
        c->index = xalloc(1, sizeof *c->index);
    struct index_table *t = &c->index->table[by];
    const void *wanted = wanted_of(c, by, place);
    if (!wanted || slot_of(c, by, wanted))
        return;
    if (2 * (t->used + 1) > t->room)
        table_grow(c, t, by);
    slot_take(c, t, by, place);
}

void index_drop(struct cache *c, enum index_by by, const void *wanted)
{
    size_t *slot = slot_of(c, by, wanted);
    if (slot)
        *slot = STONE;
}

void index_free(struct cache *c)
{
    for (int by = 0; c->index && by < INDEXES; by++)
        free(c->index->table[by].slot);
    free(c->index);
    c->index = NULL;
}

void index_rebuild(struct cache *c)
{
    index_free(c);
    for (size_t i = 0; i < cache_entries(c); i++)
        for (int by = BY_KEY; by <= BY_PATIENT; by++)
            index_put(c, (enum index_by)by, i);
    for (size_t i = 0; i < c->again_count; i++)
        index_put(c, BY_AGAIN, i);
}
