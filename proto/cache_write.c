/* SPDX-License-Identifier: Apache-2.0 */
/* cache_write -- one writer a directory: a shard published, then its line.   regions -> [cache_write] -> shards */
#include "common/file.h"
#include "common/log.h"
#include "common/seal.h"
#include "proto/cache_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct cache_writer {
    int lock, manifest;
};

/* The manifest anew, from its right lines. Its seal goes first: between the two the cache looks like one of before there were seals. */
static int manifest_rewrite(struct cache *c, struct error *e)
{
    char *manifest = cache_path(c, CACHE_MANIFEST);
    struct publish p;
    int result = seal_remove(manifest, e) || publish_open(&p, manifest, e) ? -1 : 0;
    if (!result) {
        manifest_head_write(p.to);
        for (size_t i = 0; i < cache_entries(c); i++)
            manifest_line_write(p.to, &c->shard[i]);
        for (size_t i = 0; i < c->again_count; i++)
            manifest_key_write(p.to, "again", c->again[i]);
        result = publish_commit(&p, e);
    }
    free(manifest);
    return result;
}

/* All its lines are safe on disk: those that are lost from here on are seen. */
static int manifest_seal(const struct cache *c, struct error *e)
{
    char *manifest = cache_path(c, CACHE_MANIFEST);
    int result = seal_publish(manifest, e);
    free(manifest);
    return result;
}

/* What a killed writer left: files under temporary names, half a line, lines that are not sealed yet. */
static int leftovers_clear(struct cache *c, const struct manifest_state *is, struct error *e)
{
    struct names names;
    if (dir_list(c->dir, &names, e))
        return -1;
    for (size_t i = 0; i < names.count; i++)
        if (names.name[i][0] == '.' && ends_with(names.name[i], ".tmp")) {
            char *path = cache_path(c, names.name[i]);
            unlink(path);
            free(path);
        }
    names_free(&names);
    if (is->lost)
        log_warn("cache '%s': lines are lost from its '%s'; scans that are collected now are taken in again", c->dir,
                 CACHE_MANIFEST);
    if ((is->torn || is->lost || !is->size) && manifest_rewrite(c, e))
        return -1;
    return manifest_seal(c, e);
}

static int writer_lock(struct cache *c, struct error *e)
{
    char *lock = cache_path(c, CACHE_LOCK);
    c->writer->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0660); /* who may read it may hold it */
    int result = 0;
    if (c->writer->lock < 0)
        result = fail_as(e, EX_CANTCREAT, "cannot write '%s': %s", lock, strerror(errno));
    else if (flock(c->writer->lock, LOCK_EX | LOCK_NB))
        result =
            fail_as(e, EX_TEMPFAIL, "cache '%s' is being written by another program: wait for it, or stop it", c->dir);
    free(lock);
    return result;
}

static int manifest_append_open(struct cache *c, struct error *e)
{
    char *path = cache_path(c, CACHE_MANIFEST);
    c->writer->manifest = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    int result = c->writer->manifest >= 0 ? 0 : fail_as(e, EX_CANTCREAT, "cannot write '%s': %s", path, strerror(errno));
    free(path);
    return result;
}

int cache_writer_open(struct cache *c, const char *dir, struct error *e)
{
    *c = (struct cache){0};
    if (dir_make(dir, e))
        return -1;
    c->dir = xstrdup(dir);
    c->writer = xalloc(1, sizeof *c->writer);
    c->writer->lock = c->writer->manifest = -1;
    struct error absent = {0};
    struct manifest_state is = {0};
    int result = writer_lock(c, e);
    if (!result && manifest_read(c, &is, &absent) && absent.code != EX_NOINPUT) {
        result = -1;
        if (e)
            *e = absent;
    }
    if (!result && leftovers_clear(c, &is, e) == 0 && manifest_append_open(c, e) == 0) {
        cache_count(c);
        if (splits_read(c, e) == 0)
            return 0;
    }
    cache_close(c);
    return -1;
}

void cache_close(struct cache *c)
{
    if (c->writer) {
        if (c->writer->manifest >= 0)
            close(c->writer->manifest);
        if (c->writer->lock >= 0)
            close(c->writer->lock);
    }
    for (size_t i = 0; i < cache_entries(c); i++)
        free(c->shard[i].refusal);
    index_free(c);
    free(c->writer);
    free(c->sound);
    free(c->again);
    free(c->shard);
    free(c->dir);
    *c = (struct cache){0};
}

/* One line by one write: after a crash it is there, or is torn, and a torn one is none. */
int manifest_append(struct cache *c, const char *kind, const struct shard_entry *entry, struct error *e)
{
    char *line;
    size_t size;
    FILE *to = open_memstream(&line, &size);
    if (!to)
        die(EX_OSERR, "no memory for a line of the manifest");
    if (kind)
        manifest_key_write(to, kind, entry->key);
    else
        manifest_line_write(to, entry);
    fclose(to);
    off_t before = lseek(c->writer->manifest, 0, SEEK_END);
    errno = 0;
    ssize_t written = write(c->writer->manifest, line, size);
    bool good = written == (ssize_t)size && fsync(c->writer->manifest) == 0;
    free(line);
    if (good)
        return manifest_seal(c, e);
    int why = errno ? errno : ENOSPC;
    if (before >= 0 && ftruncate(c->writer->manifest, before))
        why = errno;
    return fail_as(e, EX_IOERR, "cannot write '%s/%s': %s", c->dir, CACHE_MANIFEST, strerror(why));
}

static void name_set(char *to, size_t size, const char *text)
{
    format_into(to, size, "%s", text);
    for (char *c = to; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* Refusals of this source by another list of scans: what arrives now, good or bad, is newer. */
int refusals_withdraw(struct cache *c, struct item_key key, const char *source, struct error *e)
{
    char plain[sizeof c->shard->refusal->scan];
    name_set(plain, sizeof plain, source);
    for (size_t i = cache_entries(c); plain[0] && i-- > c->shard_count;) {
        struct shard_entry old = c->shard[i];
        if (old.key.run == key.run || strcmp(old.refusal->scan, plain) != 0)
            continue;
        if (manifest_append(c, "withdrawn", &old, e))
            return -1;
        cache_withdraw(c, old.key);
    }
    return 0;
}

/* ---- a shard */

static int contents_check(const struct regions_message *m, struct error *e)
{
    if (regions_check(m, e) || labels_decode(&m->label_runs, NULL, grid_voxels(&m->grid), e))
        return -1;
    size_t floats = box_floats(m->channels);
    for (size_t i = 0; i < m->count; i++) {
        if (m->region[i].label < -1 || m->region[i].label > 1)
            return fail(e, "region %zu has the label %d, known are 1, 0 and -1", i, m->region[i].label);
        for (size_t k = 0; k < floats; k++)
            if (!isfinite(m->box[i * floats + k]))
                return fail(e, "region %zu has %g in its box", i, (double)m->box[i * floats + k]);
        for (size_t k = 0; k < (size_t)POSITION_FORMS * POSITION_SIZE; k++)
            if (!isfinite(m->region[i].position[k / POSITION_SIZE][k % POSITION_SIZE]))
                return fail(e, "region %zu has a position that is not finite", i);
    }
    return 0;
}

static int suits_cache(const struct cache *c, const struct regions_message *m, struct error *e)
{
    if (!c->shard_count)
        return 0;
    const struct shard_entry *first = &c->shard[0];
    if (cache_settings_check(c, m->settings, m->facts.made_with, e))
        return -1;
    if (m->channels != first->channels)
        return fail_as(e, EX_CONFIG, "cache '%s' holds boxes of %d channels, now %d: collect into an empty directory",
                       c->dir, first->channels, m->channels);
    return 0;
}

/* "STUDY-SCAN-1a2b3c4d.h5": readable, and one name a scan. */
static void file_name(struct shard_entry *s)
{
    char *identity = xprintf("%s\n%s\n%s", s->patient, s->study, s->scan);
    char words[132];
    format_into(words, sizeof words, "%s-%s", s->study, s->scan);
    for (char *c = words; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *c))
            *c = '_';
    if (words[0] == '-')
        words[0] = '_';
    format_into(s->file, sizeof s->file, "%s-%08x.h5", words, (unsigned)bytes_xxh3(identity, strlen(identity)));
    free(identity);
}

/* A scan that another list of scans brought here already: the same contents are a repeat, others are a contradiction.
 * 1: repeat; 0: no such scan; -1. */
static int scan_again(struct cache *c, const struct shard_entry *s, const struct regions_message *m, struct error *e)
{
    size_t const place = index_find(c, BY_FILE, s->file);
    if (place == INDEX_NONE)
        return 0;
    const struct shard_entry *there = &c->shard[place];
    char *path = cache_path(c, ".again.tmp"), sha256[65];
    int result = shard_write(path, m, e) || file_sha256(path, sha256, e) ? -1 : 1;
    if (result == 1 && strcmp(sha256, there->sha256) != 0)
        result = fail(e,
                      "scan '%s/%s' of patient '%s' is in the cache '%s' already, and was another: collect into an "
                      "empty directory",
                      s->study, s->scan, s->patient, c->dir);
    unlink(path);
    free(path);
    return result;
}

int cache_add(struct cache *c, struct item_key key, const struct regions_message *m, struct error *e)
{
    if (cache_has(c, key))
        return 0;
    if (contents_check(m, e) || suits_cache(c, m, e))
        return -1;
    struct shard_entry s = {.key = key,
                            .regions = (int64_t)m->count,
                            .channels = m->channels,
                            .settings = m->settings,
                            .simulated = m->facts.simulated != 0,
                            .split = SPLIT_NONE};
    name_set(s.patient, sizeof s.patient, m->facts.patient);
    name_set(s.study, sizeof s.study, m->facts.study);
    name_set(s.scan, sizeof s.scan, m->facts.scan);
    if (!s.study[0] && !s.scan[0])
        format_into(s.scan, sizeof s.scan, "%016" PRIx64 "-%" PRIu64, key.run, key.index);
    for (size_t i = 0; i < m->count; i++)
        s.tumours += m->region[i].label == 1;
    size_t const of_patient = index_find(c, BY_PATIENT, s.patient);
    if (of_patient != INDEX_NONE)
        s.split = c->shard[of_patient].split;
    file_name(&s);
    int again = scan_again(c, &s, m, e);
    if (again < 0 || refusals_withdraw(c, key, m->facts.source, e))
        return -1;
    if (again) {
        if (manifest_append(c, "again", &s, e))
            return -1;
        cache_again(c, key);
        return 0;
    }
    char *path = cache_path(c, s.file);
    int result = shard_write(path, m, e) || file_sha256(path, s.sha256, e) ? -1 : manifest_append(c, NULL, &s, e);
    free(path);
    if (result)
        return -1;
    cache_put(c, &s);
    return 0;
}

int cache_refuse(struct cache *c, struct item_key key, const struct refusal_message *m, struct error *e)
{
    const struct shard_entry *there = cache_find(c, key);
    if (there && (there->file[0] || strcmp(there->refusal->sentence, m->sentence) == 0))
        return 0;
    struct refusal_message *kept = xalloc(1, sizeof *kept);
    struct shard_entry s = {.key = key, .refusal = kept, .split = SPLIT_NONE};
    kept->code = m->code < 0 || m->code > 255 ? EX_DATAERR : m->code;
    name_set(kept->scan, sizeof kept->scan, m->scan);
    name_set(kept->stage, sizeof kept->stage, m->stage);
    name_set(kept->sentence, sizeof kept->sentence, m->sentence);
    if (refusals_withdraw(c, key, m->scan, e) || manifest_append(c, NULL, &s, e)) {
        free(kept);
        return -1;
    }
    cache_put(c, &s);
    return 0;
}
