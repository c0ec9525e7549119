/* SPDX-License-Identifier: Apache-2.0 */
/* cache -- a cache opened, sorted and counted.   proto */
#include "proto/cache.h"
#include "common/file.h"
#include "proto/cache_internal.h"
#include <stdlib.h>
#include <string.h>

size_t cache_entries(const struct cache *c)
{
    return c->shard_count + c->refused_count;
}

char *cache_path(const struct cache *c, const char *file)
{
    return path_join(c->dir, file);
}

struct shard_entry *cache_find(const struct cache *c, struct item_key key)
{
    size_t place = index_find(c, BY_KEY, &key);
    return place == INDEX_NONE ? NULL : &c->shard[place];
}

bool cache_names(const struct cache *c, const char *file)
{
    return index_find(c, BY_FILE, file) != INDEX_NONE;
}

bool cache_has(const struct cache *c, struct item_key key)
{
    const struct shard_entry *entry = cache_find(c, key);
    return (entry && entry->file[0]) || index_find(c, BY_AGAIN, &key) != INDEX_NONE;
}

/* Room for one more, twice as much as there was, so that many do not copy all the others again. */
static void *room_for(void *items, size_t count, size_t size)
{
    return count & (count - 1) ? items : xresize(items, count ? 2 * count : 1, size);
}

void cache_again(struct cache *c, struct item_key key)
{
    c->again = room_for(c->again, c->again_count, sizeof *c->again);
    c->again[c->again_count++] = key;
    index_put(c, BY_AGAIN, c->again_count - 1);
}

/* An entry stands elsewhere now; it is a refusal, and so is in one table alone. */
static void refusal_move(struct cache *c, size_t from, size_t to)
{
    if (from == to)
        return;
    index_drop(c, BY_KEY, &c->shard[from].key);
    c->shard[to] = c->shard[from];
    index_put(c, BY_KEY, to);
}

void cache_withdraw(struct cache *c, struct item_key key)
{
    size_t place = index_find(c, BY_KEY, &key);
    if (place == INDEX_NONE || c->shard[place].file[0])
        return;
    free(c->shard[place].refusal);
    index_drop(c, BY_KEY, &key);
    refusal_move(c, cache_entries(c) - 1, place);
    c->refused_count--;
}

/* Shards first, refusals behind them, each in the order they came: cache_count sorts. */
void cache_put(struct cache *c, const struct shard_entry *given)
{
    const struct shard_entry entry = *given; /* may lie in c->shard, which moves */
    size_t there = index_find(c, BY_KEY, &entry.key);
    if (there != INDEX_NONE && c->shard[there].file[0])
        die(EX_SOFTWARE, "a second shard of one key");
    cache_withdraw(c, entry.key); /* an older refusal of it */
    size_t place = cache_entries(c);
    c->shard = room_for(c->shard, place, sizeof *c->shard);
    if (entry.file[0]) {
        if (c->refused_count)
            refusal_move(c, c->shard_count, place);
        place = c->shard_count++;
        c->regions += (size_t)entry.regions;
        c->tumours += (size_t)entry.tumours;
    } else {
        c->refused_count++;
    }
    c->shard[place] = entry;
    for (int by = BY_KEY; by <= BY_PATIENT; by++)
        index_put(c, (enum index_by)by, place);
}

static int entry_order(const void *a, const void *b)
{
    const struct shard_entry *p = a, *q = b;
    if (!p->file[0] != !q->file[0])
        return !p->file[0] - !q->file[0];
    if (p->key.index != q->key.index)
        return p->key.index < q->key.index ? -1 : 1;
    return p->key.run < q->key.run ? -1 : p->key.run > q->key.run;
}

void cache_count(struct cache *c)
{
    size_t entries = cache_entries(c), simulated = 0;
    if (entries)
        qsort(c->shard, entries, sizeof *c->shard, entry_order);
    c->shard_count = c->regions = c->tumours = 0;
    while (c->shard_count < entries && c->shard[c->shard_count].file[0]) {
        struct shard_entry *s = &c->shard[c->shard_count++];
        s->first_row = c->regions;
        c->regions += (size_t)s->regions;
        c->tumours += (size_t)s->tumours;
        simulated += s->simulated != 0;
    }
    c->refused_count = entries - c->shard_count;
    c->simulated = simulated == 0 ? 0 : simulated == c->shard_count ? 1 : 2;
    char *digests = xalloc(c->shard_count * 64 + 1, 1);
    for (size_t i = 0; i < c->shard_count; i++)
        memcpy(digests + i * 64, c->shard[i].sha256, 64);
    bytes_sha256(digests, c->shard_count * 64, c->digest);
    free(digests);
    index_rebuild(c);
}

size_t cache_patients(const struct cache *c, enum split split)
{
    size_t count = 0;
    for (size_t i = 0; i < c->shard_count; i++)
        count += c->shard[i].split == split && index_find(c, BY_PATIENT, c->shard[i].patient) == i;
    return count;
}

/* The directory is read once: over a network, asking for each of 100,000 files takes a minute. */
static int shards_present(const struct cache *c, struct error *e)
{
    struct names names;
    int result = dir_list(c->dir, &names, e);
    for (size_t i = 0; i < c->shard_count && !result; i++) {
        const char *file = c->shard[i].file;
        if (!names_have(&names, file))
            result =
                fail(e, "cache '%s' has lost its shard '%s': make it again with petrel-cache collect", c->dir, file);
    }
    names_free(&names);
    return result;
}

int cache_open(struct cache *c, const char *dir, struct error *e)
{
    struct manifest_state is;
    *c = (struct cache){.dir = xstrdup(dir)};
    int result = manifest_read(c, &is, e);
    if (!result && is.lost)
        result = fail(e, "cache '%s' has a damaged '%s': lines are lost from it; collect the same scans again", c->dir,
                      CACHE_MANIFEST);
    if (!result) {
        cache_count(c);
        c->sound = xalloc(c->shard_count + 1, sizeof *c->sound);
        if (shards_present(c, e) == 0 && splits_read(c, e) == 0)
            return 0;
    }
    cache_close(c);
    return -1;
}
