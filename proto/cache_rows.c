/* SPDX-License-Identifier: Apache-2.0 */
/* cache_rows -- what training keeps of every region: from the shards, or from a table of them all.   shards -> [cache_rows] -> pairs, train, eval
 *
 * Opening 100,000 shards takes minutes, and every worker would do it. So what is in them is kept in one file beside them, DIR/rows: a head, then
 * a struct cache_row for each region, without what splits.tsv decides. It says no more than the shards do: the digest in its head is theirs, its
 * XXH3 is checked, and where it is absent, of another state of the cache, of another build or damaged, the shards are read. */
#include "common/file.h"
#include "common/log.h"
#include "common/rng.h"
#include "proto/cache_internal.h"
#include <stdlib.h>
#include <string.h>

enum { TABLE_VERSION = 1 }; /* to be raised when what a row says changes */
struct table_head {
    char magic[8];
    uint32_t version, row_bytes;
    uint64_t rows, xxh3;
    char digest[72]; /* of the cache */
};
static const char table_magic[8] = "PETRELR";

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

static int rows_of_shard(const struct cache *c, size_t shard, struct cache_row *row, struct error *e)
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
                                    .shard = (int32_t)shard,
                                    .row_in_shard = (int32_t)i,
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

static int rows_from_shards(const struct cache *c, struct cache_row *rows, struct error *e)
{
    for (size_t i = 0; i < c->shard_count; i++)
        if (rows_of_shard(c, i, rows + c->shard[i].first_row, e))
            return -1;
    return 0;
}

/* ---- the table */

static struct table_head table_head(const struct cache *c, const struct cache_row *rows)
{
    struct table_head h = {.version = TABLE_VERSION, .row_bytes = sizeof *rows, .rows = c->regions};
    memcpy(h.magic, table_magic, sizeof h.magic);
    memcpy(h.digest, c->digest, sizeof c->digest);
    h.xxh3 = bytes_xxh3(rows, c->regions * sizeof *rows);
    return h;
}

/* Are rows the table's? A damaged table is said; that there is none, or one of another state, is nothing to tell. */
static bool table_read(const struct cache *c, struct cache_row *rows)
{
    char *path = cache_path(c, CACHE_ROWS);
    FILE *from = fopen(path, "rb");
    struct table_head h = {0};
    struct table_head const want = {.version = TABLE_VERSION, .row_bytes = sizeof *rows, .rows = c->regions};
    bool good = from && fread(&h, sizeof h, 1, from) == 1 && memcmp(h.magic, table_magic, sizeof h.magic) == 0 &&
                h.version == want.version && h.row_bytes == want.row_bytes && h.rows == want.rows &&
                memcmp(h.digest, c->digest, sizeof c->digest) == 0;
    if (good && !(fread(rows, sizeof *rows, c->regions, from) == c->regions && fgetc(from) == EOF &&
                  h.xxh3 == bytes_xxh3(rows, c->regions * sizeof *rows))) {
        log_warn("'%s' is damaged and is not used: the shards are read, which takes longer (petrel-cache split makes "
                 "it again)",
                 path);
        good = false;
    }
    if (from)
        fclose(from);
    free(path);
    return good;
}

int cache_rows_publish(const struct cache *c, struct error *e)
{
    struct cache_row *rows = xalloc(c->regions + 1, sizeof *rows);
    struct publish p;
    int result = 0;
    if (!table_read(c, rows)) {
        char *path = cache_path(c, CACHE_ROWS);
        memset(rows, 0, c->regions * sizeof *rows);
        result = rows_from_shards(c, rows, e) || publish_open(&p, path, e) ? -1 : 0;
        if (!result) {
            struct table_head const h = table_head(c, rows);
            fwrite(&h, sizeof h, 1, p.to); /* publish_commit looks whether it went well */
            fwrite(rows, sizeof *rows, c->regions, p.to);
            result = publish_commit(&p, e);
        }
        free(path);
    }
    free(rows);
    return result;
}

int cache_rows(const struct cache *c, struct cache_row **out, struct error *e)
{
    struct cache_row *rows = xalloc(c->regions + 1, sizeof *rows);
    *out = NULL;
    if (!table_read(c, rows) && rows_from_shards(c, rows, e)) {
        free(rows);
        return -1;
    }
    struct patients p = patients_list(c);
    for (size_t i = 0; i < c->shard_count; i++) {
        const struct shard_entry *s = &c->shard[i];
        const char *name = s->patient, **at = bsearch(&name, p.name, p.count, sizeof *p.name, text_order);
        for (size_t k = s->first_row; k < s->first_row + (size_t)s->regions; k++) {
            rows[k].patient = (int32_t)(at - p.name);
            rows[k].split = s->split;
        }
    }
    free(p.name);
    places_draw(rows, c->regions);
    *out = rows;
    return 0;
}
