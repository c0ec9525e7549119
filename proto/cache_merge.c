/* SPDX-License-Identifier: Apache-2.0 */
/* cache_merge -- another cache's shards into this one: what the tasks of a cluster's array made, each in a directory of its own, becomes
 * one cache, and the same one as a single run over all scans would have made.   caches -> [cache_merge] -> cache
 *
 * A shard is immutable and named by its contents, so it is copied (or linked) as it is; keys come with it, and with them the order of
 * rows. The SHA-256 of what was read is held against the manifest's it came from. */
#include "common/file.h"
#include "proto/cache_internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARD_BYTES_MAX ((size_t)64 << 30)

static int settings_agree(const struct cache *c, const struct cache *from, struct error *e)
{
    struct cache_settings made;
    if (!c->shard_count || !from->shard_count)
        return 0;
    if (cache_settings(from, &made, e) || cache_settings_check(c, from->shard[0].settings, made.record, e))
        return -1;
    if (c->shard[0].channels != from->shard[0].channels)
        return fail_as(e, EX_CONFIG, "cache '%s' holds boxes of %d channels, '%s' of %d: they cannot become one",
                       c->dir, c->shard[0].channels, from->dir, from->shard[0].channels);
    return 0;
}

static int damaged(const struct cache *from, const struct shard_entry *s, struct error *e)
{
    return fail(
        e, "cache '%s', shard '%s': the file is damaged: its SHA-256 is not the manifest's; collect that scan again",
        from->dir, s->file);
}

static int shard_link(const struct cache *from, const struct shard_entry *s, const char *source, const char *target,
                      struct error *e)
{
    char found[65], *temporary = xprintf("%s.tmp", target);
    int result = file_sha256(source, found, e);
    if (!result && strcmp(found, s->sha256) != 0)
        result = damaged(from, s, e);
    if (!result) {
        unlink(temporary); /* of a merge that was killed */
        result = link(source, temporary) == 0
                     ? publish_rename(temporary, target, e)
                     : fail_as(e, EX_CANTCREAT, "cannot link '%s' to '%s': %s (without --link shards are copied)",
                               source, target, strerror(errno));
        unlink(temporary); /* where both were the same file already, rename leaves it */
    }
    free(temporary);
    return result;
}

static int shard_copy(const struct cache *from, const struct shard_entry *s, const char *source, const char *target,
                      struct error *e)
{
    struct buffer b = {0};
    char found[65];
    if (file_read(source, SHARD_BYTES_MAX, &b, e))
        return -1;
    bytes_sha256(b.data, b.size, found);
    int result = strcmp(found, s->sha256) != 0 ? damaged(from, s, e) : publish_bytes(target, b.data, b.size, e);
    buffer_free(&b);
    return result;
}

/* 1: brought; 0: it was here. */
static int shard_bring(struct cache *c, const struct cache *from, const struct shard_entry *given, bool by_link,
                       struct error *e)
{
    struct shard_entry s = *given;
    size_t const same_file = index_find(c, BY_FILE, s.file);
    const struct shard_entry *there = cache_find(c, s.key);
    if (!there || !there->file[0])
        there = same_file == INDEX_NONE ? NULL : &c->shard[same_file];
    if (there) {
        if (strcmp(there->sha256, s.sha256) != 0)
            return fail(
                e, "scan '%s/%s' of patient '%s' is in '%s' and in '%s', and they differ: merge into an empty directory",
                s.study, s.scan, s.patient, c->dir, from->dir);
        if (cache_has(c, s.key))
            return 0;
        if (manifest_append(c, "again", &s, e))
            return -1;
        cache_again(c, s.key);
        return 0;
    }
    size_t const of_patient = index_find(c, BY_PATIENT, s.patient);
    s.split = of_patient == INDEX_NONE ? SPLIT_NONE : c->shard[of_patient].split;
    char *source = cache_path(from, s.file), *target = cache_path(c, s.file);
    struct scan_facts facts = {0};
    int result = c->refused_count && (cache_read_facts(from, (size_t)(given - from->shard), &facts, e) ||
                                      refusals_withdraw(c, s.key, facts.source, e))
                     ? -1
                     : (by_link ? shard_link : shard_copy)(from, &s, source, target, e);
    if (!result)
        result = manifest_append(c, NULL, &s, e);
    free(source);
    free(target);
    if (result)
        return -1;
    cache_put(c, &s);
    return 1;
}

int cache_merge(struct cache *c, const struct cache *from, bool by_link, size_t *brought, struct error *e)
{
    *brought = 0;
    if (settings_agree(c, from, e))
        return -1;
    for (size_t i = 0; i < from->shard_count; i++) {
        int one = shard_bring(c, from, &from->shard[i], by_link, e);
        if (one < 0)
            return -1;
        *brought += (size_t)one;
    }
    for (size_t i = from->shard_count; i < cache_entries(from); i++)
        if (!cache_has(c, from->shard[i].key) && cache_refuse(c, from->shard[i].key, from->shard[i].refusal, e))
            return -1;
    cache_count(c);
    return 0;
}
