/* SPDX-License-Identifier: Apache-2.0 */
/* cache -- a directory of immutable HDF5 shards, one a scan, and a checksummed manifest.   proto
 *
 * CACHE.md holds the layout and says when a cache is stale. A shard is published by cache_add: written under a
 * temporary name, flushed, closed, fsynced, reopened and verified, renamed; the directory fsynced; then its manifest
 * line appended. A line counts only if its own checksum is right, so a torn last line is an absent line.
 * While a cache is written its shards stand in the order they came; digest and first_row are those of its opening.
 * Row numbers: regions are numbered 0.. over the shards in order of their key's index, then their row in the shard. */
#ifndef PETREL_PROTO_CACHE_H
#define PETREL_PROTO_CACHE_H
#include "common/base.h"
#include "proto/channel.h"
#include "proto/message.h"
#include "proto/recipe.h"
#include <stdatomic.h>

enum { CACHE_VERSION = 1 };
enum split { SPLIT_NONE = -1, SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_TEST };
const char *cache_split_name(enum split split); /* "train"; "-" where none */

struct shard_entry {
    struct item_key key;
    char file[160]; /* name in the directory; "" for a refusal */
    char patient[40], study[64], scan[64];
    int64_t regions, tumours;
    int32_t channels, simulated;
    uint64_t settings;               /* regions_message's: one cache holds one */
    char sha256[65];                 /* of the shard file */
    struct refusal_message *refusal; /* where file is ""; the cache's */
    enum split split;                /* from splits.tsv, by patient */
    size_t first_row;
};

struct cache {
    char *dir;
    struct shard_entry *shard; /* shard_count shards sorted by key.index, then refused_count refusals, sorted alike */
    size_t shard_count, refused_count;
    size_t regions, tumours; /* rows in all */
    int simulated;           /* scans that were simulated: none 0, all 1, some 2 */
    char digest[65];         /* SHA-256 over the shards' digests in order: names this very data */
    struct item_key *again;  /* keys under which other lists of scans brought shards that were here already */
    size_t again_count;
    bool split_by_hand;  /* splits.tsv is there, and not by petrel-cache split */
    atomic_uchar *sound; /* [shard_count]: this process held the file against its SHA-256; NULL while it is written */
    struct cache_index *index;   /* cache_index.c */
    struct cache_writer *writer; /* NULL: opened for reading */
};

/* Names which patients learn, validate and test: 16 hex digits and a NUL, over the shards' splits in their order. */
void cache_splits_name(const struct cache *c, char name[17]);
/* Open for reading; -1 and a sentence naming file and field (another version, a manifest that is none or lost lines, a lost shard,
 * splits.tsv with a wrong sum). A shard's file is held against the manifest's SHA-256 before the first of it is believed.
 * An absent or empty directory is EX_NOINPUT. */
int cache_open(struct cache *c, const char *dir, struct error *e) MUST_USE;
void cache_close(struct cache *c);
/* One writer a directory (a lock file held by flock; EX_TEMPFAIL if another holds it). The directory is made. */
int cache_writer_open(struct cache *c, const char *dir, struct error *e) MUST_USE;
/* A shard of this key is published, or the same one of another key. (A refusal is not: its scan may have been mended, and is tried again.) */
bool cache_has(const struct cache *c, struct item_key key);
/* A line of the manifest names this file. */
bool cache_names(const struct cache *c, const char *file);
/* Publish a shard (or note a refusal); a repeat of a key is dropped and is success. A shard takes the place of an earlier
 * refusal of its key or, from another list of scans, of its source. EX_DATAERR: this scan is bad (a value that is not finite; a scan of this name from another list
 * that differs); EX_CONFIG: it was made with other settings than the cache's; else the directory cannot be written. */
int cache_add(struct cache *c, struct item_key key, const struct regions_message *m, struct error *e) MUST_USE;
int cache_refuse(struct cache *c, struct item_key key, const struct refusal_message *m, struct error *e) MUST_USE;

/* Another cache's shards and refusals into this one, under their keys: caches of parts of one list of scans become the cache of the whole,
 * with the digest a single run would have given. by_link: hard links in place of copies (one file system). brought: shards that were not here.
 * EX_CONFIG: made with other settings; EX_DATAERR: a shard is damaged, or is another of a scan that is here. What was brought before stays. */
int cache_merge(struct cache *c, const struct cache *from, bool by_link, size_t *brought, struct error *e) MUST_USE;

/* A whole shard back. With verify, every box's XXH3 is checked, too, and the file's SHA-256 again. */
int cache_read_shard(const struct cache *c, size_t shard, bool verify, struct regions_message *m,
                     struct error *e) MUST_USE;
/* Its facts alone. */
int cache_read_facts(const struct cache *c, size_t shard, struct scan_facts *facts, struct error *e) MUST_USE;
/* The lesions of its truth and what regions hold of them, without the boxes; lesions_free() them. known 0: the scan had no truth, or
 * the cache was made before lesions were kept: only making it anew tells. */
int cache_read_lesions(const struct cache *c, size_t shard, struct lesions *l, struct error *e) MUST_USE;
/* How many of a scan's regions have less than half of their voxels in their box; -1: the cache was made before that was kept. */
int cache_read_outside(const struct cache *c, size_t shard, int64_t *outside, struct error *e) MUST_USE;
/* Everything there is to check of one shard: SHA-256, Fletcher32, XXH3 of each array and each box, finite numbers, counts
 * as the manifest has them. */
int cache_verify_shard(const struct cache *c, size_t shard, struct error *e) MUST_USE;
/* The record (proto/recipe.h) of the settings its scans became regions with; "" of a cache of version 0.1, which has none. */
struct cache_settings {
    char record[sizeof((struct scan_facts *)0)->made_with];
};
int cache_settings(const struct cache *c, struct cache_settings *s, struct error *e) MUST_USE;
/* EX_CONFIG and a sentence with every key and both values, unless the cache is empty or was made with these. */
int cache_settings_check(const struct cache *c, uint64_t settings, const char *record, struct error *e) MUST_USE;
/* The recipe's SUV and region settings become the cache's; what contradicts them is refused by name (record_adopt). */
int cache_settings_adopt(const struct cache *c, struct recipe *r, const struct option *given, size_t rows,
                         struct error *e) MUST_USE;
/* What users gave in place of the files' own facts (petrel-load --override): "PATIENT SCAN: weight_g=70000" a line; "" where nothing was.
 * The caller's. */
int cache_overridden(const struct cache *c, char **text, struct error *e) MUST_USE;
/* What training keeps in memory: per row position[4][9], label, split, patient (number), shard, mean and sd of its volume. */
struct cache_row {
    float position[POSITION_FORMS][POSITION_SIZE];
    int32_t label, patient, shard, row_in_shard;
    enum split split;
    int32_t clipped, begins; /* its box left the volume; begins at the first voxel of some axis, or before it */
    struct volume_scale scale;
    float quantile; /* in [0,1): where it stands among the training regions of its label, put in an order
                                    that depends on nothing but their number: train_fraction keeps the first ones */
};
int cache_rows(const struct cache *c, struct cache_row **rows, struct error *e) MUST_USE; /* [regions]; free() */
/* Keeps what cache_rows reads out of every shard in one file, DIR/rows, for the next who asks; not part of the digest, and never needed. The
 * digest must be that of c as it is (cache_open, or cache_count). */
int cache_rows_publish(const struct cache *c, struct error *e) MUST_USE;
/* Boxes by row number, the first `channels` of theirs, [channels][16][16][16] each, checked against their XXH3; keeps files open;
 * one reader a thread. EX_CONFIG: the cache's boxes have fewer. */
struct box_reader;
int box_reader_open(struct box_reader **r, const struct cache *c, int channels, struct error *e) MUST_USE;
int box_read(struct box_reader *r, size_t row, float *box, struct error *e) MUST_USE;
void box_reader_close(struct box_reader **r);

/* Patients into train, validation, test, the tumour share kept about equal; deterministic in seed and the set of
 * patients. Publishes DIR/splits.tsv (patient, split). Of a split that is there already, whose patients models learned from: */
enum split_there {
    SPLIT_REFUSE, /* another is refused (EX_USAGE) */
    SPLIT_KEEP, /* its patients stay where they are, the others are dealt so that shares come near what is asked for */
    SPLIT_REPLACE
};
int cache_split(struct cache *c, double validation, double test, uint64_t seed, enum split_there there,
                struct error *e) MUST_USE;
size_t cache_patients(const struct cache *c, enum split split); /* how many patients are in it */
#endif
