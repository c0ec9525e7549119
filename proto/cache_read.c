/* SPDX-License-Identifier: Apache-2.0 */
/* cache_read -- shards, rows and boxes back out of a cache, each checked.   shards -> [cache_read] -> pairs, eval */
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
static int entry_trust(const struct cache *c, size_t shard, struct error *e)
{
    entry_at(c, shard);
    return c->sound && atomic_load(&c->sound[shard]) ? 0 : sha256_check(c, shard, e);
}

static int entry_open(const struct cache *c, size_t shard, struct store **s, struct error *e)
{
    char *path = cache_path(c, entry_at(c, shard)->file);
    int result = shard_open(s, path, e);
    free(path);
    return result;
}

static int shard_error(const struct cache *c, size_t shard, struct error *e)
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

/* ---- rows */

struct patients {
    const char **name;
    size_t count;
};

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Patients by name, each once: a patient's number is its place here. */
static struct patients patients_list(const struct cache *c)
{
    struct patients p = {xalloc(c->shard_count + 1, sizeof *p.name), 0};
    for (size_t i = 0; i < c->shard_count; i++)
        p.name[i] = c->shard[i].patient;
    qsort(p.name, c->shard_count, sizeof *p.name, text_order);
    for (size_t i = 0; i < c->shard_count; i++)
        if (!p.count || strcmp(p.name[p.count - 1], p.name[i]) != 0)
            p.name[p.count++] = p.name[i];
    return p;
}

static int rows_of_shard(const struct cache *c, size_t shard, int32_t patient, struct cache_row *row, struct error *e)
{
    const struct shard_entry *entry = &c->shard[shard];
    size_t n = (size_t)entry->regions, regions;
    int32_t channels, *label = xalloc(n + 1, sizeof *label), *clipped = xalloc(n + 1, sizeof *clipped);
    int32_t(*low)[3] = xalloc(n + 1, sizeof *low);
    float(*position)[POSITION_FORMS][POSITION_SIZE] = xalloc(n + 1, sizeof *position);
    struct scan_facts facts;
    struct store *s = NULL;
    int result = entry_trust(c, shard, e) || entry_open(c, shard, &s, e) || shard_shape(s, &regions, &channels, e) ||
                         shard_facts(s, &facts, e)
                     ? -1
                     : 0;
    if (!result && regions != n)
        result = fail(e, "it has %zu regions, the manifest says %zu", regions, n);
    int ndim;
    uint64_t dim[8];
    if (!result && (store_shape(s, "/position", &ndim, dim, e) ||
                    (ndim != 3 || dim[1] != POSITION_FORMS || dim[2] != POSITION_SIZE
                         ? fail(e, "its '/position' is not [regions, %d, %d]", POSITION_FORMS, POSITION_SIZE)
                         : 0) ||
                    store_read(s, "/position", STORE_F32, 0, n, position, e) ||
                    store_read(s, "/label", STORE_I32, 0, n, label, e) ||
                    store_read(s, "/roi/clipped", STORE_I32, 0, n, clipped, e) ||
                    store_read(s, "/roi/box_low", STORE_I32, 0, n, low, e)))
        result = -1;
    store_close(&s);
    for (size_t i = 0; i < n && !result; i++) {
        row[i] = (struct cache_row){.label = label[i],
                                    .patient = patient,
                                    .shard = (int32_t)shard,
                                    .row_in_shard = (int32_t)i,
                                    .split = entry->split,
                                    .clipped = clipped[i],
                                    .begins = low[i][0] <= 0 || low[i][1] <= 0 || low[i][2] <= 0,
                                    .scale = facts_scale(&facts)};
        memcpy(row[i].position, position[i], sizeof row[i].position);
    }
    free(position);
    free(label);
    free(clipped);
    free(low);
    return result ? shard_error(c, shard, e) : 0;
}

static void places_draw(struct cache_row *row, size_t n)
{
    enum { UNKNOWN, OTHER, TUMOUR, LABELS };
    uint32_t *at = xalloc(n + 1, sizeof *at), *order = xalloc(n + 1, sizeof *order);
    for (int label = UNKNOWN; label < LABELS; label++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            int is = row[i].label < 0 ? UNKNOWN : row[i].label > 0 ? TUMOUR : OTHER;
            if (row[i].split == SPLIT_TRAIN && is == label) {
                at[count] = (uint32_t)i;
                order[count] = (uint32_t)count;
                count++;
            }
        }
        struct rng r = rng_make(0, RNG_FRACTION, (uint64_t)label);
        rng_shuffle(&r, order, count);
        for (size_t k = 0; k < count; k++)
            row[at[order[k]]].quantile = (float)k / (float)count;
    }
    free(at);
    free(order);
}

int cache_rows(const struct cache *c, struct cache_row **rows, struct error *e)
{
    struct patients p = patients_list(c);
    *rows = xalloc(c->regions + 1, sizeof **rows);
    int result = 0;
    for (size_t i = 0; i < c->shard_count && !result; i++) {
        const char *name = c->shard[i].patient, **at = bsearch(&name, p.name, p.count, sizeof *p.name, text_order);
        result = rows_of_shard(c, i, (int32_t)(at - p.name), *rows + c->shard[i].first_row, e);
    }
    free(p.name);
    if (!result)
        places_draw(*rows, c->regions);
    if (result) {
        free(*rows);
        *rows = NULL;
    }
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
