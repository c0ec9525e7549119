/* SPDX-License-Identifier: Apache-2.0 */
/* cache_internal -- what the cache's own files share.   proto
 * cache.c opens and counts; cache_index.c finds; cache_manifest.c lines and splits; cache_shard.c one HDF5 file; cache_write.c publishes;
 * cache_read.c gives shards and boxes, cache_rows.c rows; cache_split.c divides patients. */
#ifndef PETREL_PROTO_CACHE_INTERNAL_H
#define PETREL_PROTO_CACHE_INTERNAL_H
#include "common/store.h"
#include "proto/cache.h"
#include "proto/message_internal.h"
#include <stdio.h>

#define CACHE_MANIFEST "manifest"
#define CACHE_SPLITS   "splits.tsv"
#define CACHE_LOCK     "lock"
#define CACHE_ROWS     "rows"

/* ---- cache.c */
size_t cache_entries(const struct cache *c);
/* The entry of a key, shard or refusal; NULL: none. */
struct shard_entry *cache_find(const struct cache *c, struct item_key key);
/* Puts an entry in, in place of a refusal of its key; when all are in, cache_count sorts and counts. */
void cache_put(struct cache *c, const struct shard_entry *entry);
void cache_withdraw(struct cache *c, struct item_key key); /* a refusal, no longer */
void cache_again(struct cache *c, struct item_key key);    /* this key is a shard that is here */
void cache_count(struct cache *c);
char *cache_path(const struct cache *c, const char *file) MUST_USE;

/* ---- cache_index.c: places in c->shard (BY_AGAIN: in c->again), found without looking through all. */
enum index_by {
    BY_KEY /* struct item_key */,
    BY_FILE /* name */,
    BY_PATIENT /* name; any one of its shards */,
    BY_AGAIN,
    INDEXES
};
#define INDEX_NONE SIZE_MAX
size_t index_find(const struct cache *c, enum index_by by, const void *wanted); /* INDEX_NONE: it is not there */
void index_put(struct cache *c, enum index_by by,
               size_t place); /* nothing, where one of that name is there, or the entry has none */
void index_drop(struct cache *c, enum index_by by, const void *wanted);
void index_rebuild(struct cache *c); /* after places changed */
void index_free(struct cache *c);

/* ---- cache_manifest.c */
void manifest_head_write(FILE *to);
void manifest_line_write(FILE *to, const struct shard_entry *entry);
void manifest_key_write(FILE *to, const char *kind, struct item_key key); /* kind: "again" or "withdrawn" */
struct manifest_state {
    size_t size, torn; /* bytes, and those of an unfinished last line */
    bool lost;         /* what its seal covers is not all there, though each line is right */
};
/* Reads DIR/manifest into *c (not counted). EX_NOINPUT: no manifest. */
int manifest_read(struct cache *c, struct manifest_state *is, struct error *e) MUST_USE;
int splits_read(struct cache *c, struct error *e) MUST_USE; /* no file: SPLIT_NONE for all */
int splits_publish(const struct cache *c, char *const *patient, const enum split *split, size_t patients,
                   struct error *e) MUST_USE;

/* ---- cache_write.c */
/* A line of the manifest that is there for good; kind NULL: the entry's own, or "again", "withdrawn". */
int manifest_append(struct cache *c, const char *kind, const struct shard_entry *entry, struct error *e) MUST_USE;
/* Refusals of this source under the keys of other lists of scans than key's are withdrawn. */
int refusals_withdraw(struct cache *c, struct item_key key, const char *source, struct error *e) MUST_USE;

/* ---- cache_read.c */
int entry_open(const struct cache *c, size_t shard, struct store **s, struct error *e) MUST_USE;
/* For reading what nothing else in the file vouches for: once in a process the whole file is held against its SHA-256. */
int entry_trust(const struct cache *c, size_t shard, struct error *e) MUST_USE;
int shard_error(const struct cache *c, size_t shard, struct error *e); /* -1, the shard's name before the sentence */

/* ---- cache_shard.c */
int shard_write(const char *path, const struct regions_message *m, struct error *e) MUST_USE;
int shard_open(struct store **s, const char *path, struct error *e) MUST_USE; /* and its layout's version */
/* Shape of /box: regions and channels. */
int shard_shape(struct store *s, size_t *regions, int32_t *channels, struct error *e) MUST_USE;
int shard_facts(struct store *s, struct scan_facts *facts, struct error *e) MUST_USE;
int shard_read(struct store *s, struct regions_message *m, struct error *e) MUST_USE;
/* *l must be empty; lesions_free() it whatever comes back. */
int shard_lesions(struct store *s, size_t regions, struct lesions *l, struct error *e) MUST_USE;
/* The XXH3 of each box, as stored; [regions], free(). */
int shard_box_sums(struct store *s, size_t regions, uint64_t **sums, struct error *e) MUST_USE;
size_t box_floats(int32_t channels);
#endif
