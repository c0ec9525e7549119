/* SPDX-License-Identifier: Apache-2.0 */
/* cache_read -- shards and boxes back out of a cache, each checked.   shards -> [cache_read] -> pairs, eval */
#include "common/file.h"
#include "common/rng.h"
#include "proto/cache_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_FILES_MAX = 64 };

static const struct shard_entry *entry_at(const struct cache *c, size_t shard)
{
    if (shard >= c->shard_count)
        die(EX_SOFTWARE, "shard %zu was asked of %zu", shard, c->shard_count);
    return &c->shard[shard];
}

/* The file as the manifest has it. HDF5 sees a flip in numbers, and in most of what describes them; not one in names and attributes,
 * which it keeps in heaps without sums where there are more than eight. */
static int sha256_check(const struct cache *c, size_t shard, struct error *e)
{
    char *path = cache_path(c, c->shard[shard].file), found[65];
    int result = file_sha256(path, found, e);
    free(path);
    if (!result && strcmp(found, c->shard[shard].sha256) != 0)
        result = fail(e, "the file is damaged: its SHA-256 is not the manifest's");
    if (!result && c->sound)
        atomic_store(&c->sound[shard], 1);
    return result;
}

/* For reading what nothing else in the file vouches for: once in a process the whole file is looked at. */
int entry_trust(const struct cache *c, size_t shard, struct error *e)
{
    entry_at(c, shard);
    return c->sound && atomic_load(&c->sound[shard]) ? 0 : sha256_check(c, shard, e);
}

int entry_open(const struct cache *c, size_t shard, struct store **s, struct error *e)
{
    char *path = cache_path(c, entry_at(c, shard)->file);
    int result = shard_open(s, path, e);
    free(path);
    return result;
}

int shard_error(const struct cache *c, size_t shard, struct error *e)
{
    return fail_in(e, "cache '%s', shard '%s'", c->dir, c->shard[shard].file);
}

/* Regions and tumours as the manifest has them: rows are numbered by it. */
static int counts_check(const struct shard_entry *s, const struct regions_message *m, struct error *e)
{
    int64_t tumours = 0;
    for (size_t i = 0; i < m->count; i++)
        tumours += m->region[i].label == 1;
    if ((int64_t)m->count == s->regions && tumours == s->tumours && m->channels == s->channels)
        return 0;
    return fail(e, "it has %zu regions (%lld tumours) of %d channels, the manifest says %lld (%lld) of %d", m->count,
                (long long)tumours, m->channels, (long long)s->regions, (long long)s->tumours, s->channels);
}

static int boxes_check(struct store *s, const struct regions_message *m, struct error *e)
{
    uint64_t *sum;
    size_t floats = box_floats(m->channels);
    int result = shard_box_sums(s, m->count, &sum, e);
    for (size_t i = 0; i < m->count && !result; i++)
        if (bytes_xxh3(m->box + i * floats, floats * sizeof(float)) != sum[i])
            result = fail(e, "box %zu is damaged: its XXH3 differs", i);
    free(sum);
    return result;
}

int cache_read_shard(const struct cache *c, size_t shard, bool verify, struct regions_message *m, struct error *e)
{
    struct store *s = NULL;
    *m = (struct regions_message){0};
    entry_at(c, shard);
    if ((verify ? sha256_check(c, shard, e) : entry_trust(c, shard, e)) || entry_open(c, shard, &s, e) ||
        shard_read(s, m, e) || counts_check(&c->shard[shard], m, e) || (verify && boxes_check(s, m, e))) {
        store_close(&s);
        regions_message_free(m);
        return shard_error(c, shard, e);
    }
    store_close(&s);
    return 0;
}

int cache_read_facts(const struct cache *c, size_t shard, struct scan_facts *facts, struct error *e)
{
    struct store *s = NULL;
    int result = entry_trust(c, shard, e) || entry_open(c, shard, &s, e) || shard_facts(s, facts, e)
                     ? shard_error(c, shard, e)
                     : 0;
    store_close(&s);
    return result;
}

int cache_read_lesions(const struct cache *c, size_t shard, struct lesions *l, struct error *e)
{
    struct store *s = NULL;
    *l = (struct lesions){0};
    int result = entry_trust(c, shard, e) || entry_open(c, shard, &s, e) ||
                         shard_lesions(s, (size_t)c->shard[shard].regions, l, e)
                     ? shard_error(c, shard, e)
                     : 0;
    if (result)
        lesions_free(l);
    store_close(&s);
    return result;
}

int cache_read_outside(const struct cache *c, size_t shard, int64_t *outside, struct error *e)
{
    size_t count = (size_t)c->shard[shard].regions;
    double *in_box = xalloc(count + 1, sizeof *in_box);
    struct store *s = NULL;
    int ndim, result = entry_open(c, shard, &s, e);
    uint64_t dim[8];
    *outside = -1;
    int const there = result ? 0 : store_has(s, "/roi/in_box", e);
    if (there < 0)
        result = -1;
    if (there > 0) {
        *outside = 0;
        result = store_shape(s, "/roi/in_box", &ndim, dim, e);
        if (!result && (ndim != 1 || dim[0] != count))
            result = fail(e, "its '/roi/in_box' is not [regions]");
        if (!result)
            result = store_read(s, "/roi/in_box", STORE_F64, 0, count, in_box, e);
        for (size_t i = 0; i < count && !result; i++)
            *outside += in_box[i] < 0.5;
    }
    store_close(&s);
    free(in_box);
    return result ? shard_error(c, shard, e) : 0;
}

static int finite_check(const struct regions_message *m, struct error *e)
{
    size_t floats = m->count * box_floats(m->channels);
    for (size_t k = 0; k < floats; k++)
        if (!isfinite(m->box[k]))
            return fail(e, "box %zu has a value that is not finite", k / box_floats(m->channels));
    for (size_t i = 0; i < m->count; i++)
        for (int form = 0; form < POSITION_FORMS; form++)
            for (int k = 0; k < POSITION_SIZE; k++)
                if (!isfinite(m->region[i].position[form][k]))
                    return fail(e, "position %zu is not finite", i);
    return 0;
}

int cache_verify_shard(const struct cache *c, size_t shard, struct error *e)
{
    struct regions_message m;
    struct store *s = NULL;
    if (cache_read_shard(c, shard, true, &m, e))
        return -1;
    int result = entry_open(c, shard, &s, e) || store_verify(s, e) || finite_check(&m, e) ? shard_error(c, shard, e) : 0;
    store_close(&s);
    regions_message_free(&m);
    return result;
}

/* ---- boxes */

struct open_shard {
    struct store *store;
    uint64_t *sum;
    uint64_t used;
};
struct box_reader {
    const struct cache *cache;
    struct open_shard *shard; /* [shard_count]; at most OPEN_FILES_MAX of them open */
    size_t open;
    uint64_t clock;
    int32_t channels; /* given */
    int32_t stored;   /* that a box has */
    float *whole;     /* one box as stored, where not all of it is given; NULL */
};

int box_reader_open(struct box_reader **out, const struct cache *c, int channels, struct error *e)
{
    for (size_t i = 1; i < c->shard_count; i++)
        if (c->shard[i].channels != c->shard[0].channels)
            return fail(e, "cache '%s' has boxes of %d and of %d channels", c->dir, c->shard[0].channels,
                        c->shard[i].channels);
    int32_t stored = c->shard_count ? c->shard[0].channels : channels;
    if (stored < channels)
        return fail_as(
            e, EX_CONFIG,
            "cache '%s' has boxes of %s, and channels = %s is asked for: collect the scans again with that, or set "
            "channels = %s",
            c->dir, box_channel_names(stored), box_channel_names(channels), box_channel_names(stored));
    struct box_reader *r = xalloc(1, sizeof *r);
    r->cache = c;
    r->shard = xalloc(c->shard_count + 1, sizeof *r->shard);
    r->channels = channels;
    r->stored = stored;
    r->whole = stored > channels ? xalloc(box_floats(stored), sizeof *r->whole) : NULL;
    *out = r;
    return 0;
}

static void reader_drop(struct box_reader *r, struct open_shard *s)
{
    if (!s->store)
        return;
    store_close(&s->store);
    free(s->sum);
    *s = (struct open_shard){0};
    r->open--;
}

/* Room for one more: the one unused longest goes. */
static void reader_make_room(struct box_reader *r)
{
    if (r->open < OPEN_FILES_MAX)
        return;
    struct open_shard *oldest = NULL;
    for (size_t i = 0; i < r->cache->shard_count; i++)
        if (r->shard[i].store && (!oldest || r->shard[i].used < oldest->used))
            oldest = &r->shard[i];
    reader_drop(r, oldest);
}

static int reader_take(struct box_reader *r, size_t shard, struct error *e)
{
    struct open_shard *s = &r->shard[shard];
    size_t regions;
    int32_t channels;
    s->used = ++r->clock;
    if (s->store)
        return 0;
    reader_make_room(r);
    if (entry_open(r->cache, shard, &s->store, e))
        return -1;
    r->open++;
    if (shard_shape(s->store, &regions, &channels, e) == 0 && shard_box_sums(s->store, regions, &s->sum, e) == 0) {
        if ((int64_t)regions == r->cache->shard[shard].regions && channels == r->stored)
            return 0;
        fail(e, "it has %zu regions of %d channels, the manifest says otherwise", regions, channels);
    }
    reader_drop(r, s);
    return -1;
}

int box_read(struct box_reader *r, size_t row, float *box, struct error *e)
{
    const struct cache *c = r->cache;
    if (row >= c->regions)
        return fail(e, "cache '%s' has %zu regions, row %zu was asked for", c->dir, c->regions, row);
    size_t low = 0, high = c->shard_count; /* the last shard that begins at or before the row */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(c->shard[middle].first_row <= row ? &low : &high) = middle;
    }
    size_t in_shard = row - c->shard[low].first_row;
    float *whole = r->whole ? r->whole : box;
    if (reader_take(r, low, e) || store_read(r->shard[low].store, "/box", STORE_F32, in_shard, 1, whole, e))
        return shard_error(c, low, e);
    if (bytes_xxh3(whole, box_floats(r->stored) * sizeof(float)) != r->shard[low].sum[in_shard])
        return fail(e, "box %zu is damaged: its XXH3 differs", in_shard), shard_error(c, low, e);
    if (r->whole)
        memcpy(box, r->whole, box_floats(r->channels) * sizeof *box);
    return 0;
}

void box_reader_close(struct box_reader **p)
{
    struct box_reader *r = *p;
    *p = NULL;
    if (!r)
        return;
    for (size_t i = 0; i < r->cache->shard_count; i++)
        reader_drop(r, &r->shard[i]);
    free(r->shard);
    free(r->whole);
    free(r);
}
