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
    for (size_t i = 0; i < cache_entries(c); i++)
        if (c->shard[i].key.run == key.run && c->shard[i].key.index == key.index)
            return &c->shard[i];
    return NULL;
}

bool cache_has(const struct cache *c, struct item_key key)
{
    const struct shard_entry *entry = cache_find(c, key);
    bool has = entry && entry->file[0];
    for (size_t i = 0; i < c->again_count && !has; i++)
        has = c->again[i].run == key.run && c->again[i].index == key.index;
    return has;
}

void cache_again(struct cache *c, struct item_key key)
{
    c->again = xresize(c->again, c->again_count + 1, sizeof *c->again);
    c->again[c->again_count++] = key;
}

void cache_withdraw(struct cache *c, struct item_key key)
{
    struct shard_entry *there = cache_find(c, key);
    if (!there || there->file[0])
        return;
    *there = c->shard[cache_entries(c) - 1]; /* cache_count sorts */
    c->refused_count--;
}

void cache_put(struct cache *c, const struct shard_entry *entry)
{
    struct shard_entry *there = cache_find(c, entry->key);
    if (!there) {
        c->shard = xresize(c->shard, cache_entries(c) + 1, sizeof *c->shard);
        there = &c->shard[cache_entries(c)];
        c->refused_count++; /* cache_count tells them apart */
    }
    *there = *entry;
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
}

static int shards_present(const struct cache *c, struct error *e)
{
    for (size_t i = 0; i < c->shard_count; i++) {
        char *path = cache_path(c, c->shard[i].file);
        bool there = file_exists(path);
        free(path);
        if (!there)
            return fail(e, "cache '%s' has lost its shard '%s': make it again with petrel-cache collect", c->dir,
                        c->shard[i].file);
    }
    return 0;
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
