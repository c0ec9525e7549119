/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: what is published comes back, repeats vanish, damage and contradictions are said, splits are even. */
#include "common/file.h"
#include "common/rng.h"
#include "common/seal.h"
#include "proto/cache_internal.h"
#include "tests/unit/cache_scans.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[256];

static void dir_clear(void)
{
    char *command = xprintf("rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
    free(command);
}

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    format_into(dir, sizeof dir, "%s/petrel-cache-%d", tmp ? tmp : "/tmp", (int)getpid());
    dir_clear();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dir_clear();
    return 0;
}

static void scan_add(struct cache *c, int n, int patient, size_t count, size_t tumours)
{
    struct regions_message m;
    struct error e = {0};
    scan_make(&m, n, patient, count, tumours);
    if (cache_add(c, (struct item_key){9, (uint64_t)n}, &m, &e))
        fail_msg("%s", e.text);
    regions_message_free(&m);
}

static void writer_open(struct cache *c)
{
    struct error e = {0};
    if (cache_writer_open(c, dir, &e))
        fail_msg("%s", e.text);
}

static void reader_open(struct cache *c)
{
    struct error e = {0};
    if (cache_open(c, dir, &e))
        fail_msg("%s", e.text);
}

static void small_cache(void)
{
    struct cache c;
    struct error e = {0};
    dir_clear();
    writer_open(&c);
    scan_add(&c, 3, 1, 5, 2); /* in any order */
    scan_add(&c, 0, 0, 0, 0);
    scan_add(&c, 1, 0, 3, 1);
    assert_int_equal(
        cache_refuse(&c, (struct item_key){9, 2}, &(struct refusal_message){"a\tb", "suv", 65, "no\nweight"}, &e), 0);
    cache_close(&c);
}

static void what_is_published_comes_back(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    small_cache();
    reader_open(&c);
    assert_true(c.shard_count == 3 && c.refused_count == 1 && c.regions == 8 && c.tumours == 3 && c.simulated == 1);
    assert_true(c.shard[0].key.index == 0 && c.shard[1].key.index == 1 && c.shard[2].key.index == 3);
    assert_true(c.shard[1].first_row == 0 && c.shard[2].first_row == 3);
    assert_string_equal(c.shard[3].refusal->scan, "a b");
    assert_string_equal(c.shard[3].refusal->sentence, "no weight");
    for (size_t s = 0; s < 3; s++) {
        struct regions_message m, want;
        static const int n[] = {0, 1, 3}, patient[] = {0, 0, 1};
        static const size_t count[] = {0, 3, 5}, tumours[] = {0, 1, 2};
        scan_make(&want, n[s], patient[s], count[s], tumours[s]);
        if (cache_read_shard(&c, s, true, &m, &e) || cache_verify_shard(&c, s, &e))
            fail_msg("%s", e.text);
        struct buffer a, b; /* the message's code compares every field */
        regions_message_encode(&want, &a);
        regions_message_encode(&m, &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        buffer_free(&a);
        buffer_free(&b);
        struct lesions l; /* without the boxes, the same */
        if (cache_read_lesions(&c, s, &l, &e))
            fail_msg("%s", e.text);
        assert_true(l.known == n[s] % 2 && l.count == want.lesions.count && l.part_count == want.lesions.part_count);
        if (l.count)
            assert_true(l.lesion[0].ml == want.lesions.lesion[0].ml && isnan(l.lesion[0].from_liver_mm[2]) &&
                        l.part[0].voxels == 3);
        lesions_free(&l);
        regions_message_free(&m);
        regions_message_free(&want);
    }
    cache_close(&c);
}

static void rows_and_boxes(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct cache_row *rows;
    struct box_reader *r;
    struct regions_message want;
    float box[BOX_VOXELS];
    small_cache();
    reader_open(&c);
    assert_int_equal(cache_rows(&c, &rows, &e), 0);
    assert_int_equal(box_reader_open(&r, &c, 1, &e), 0);
    for (size_t row = 8; row-- > 0;) {
        bool first = row < 3;
        size_t i = first ? row : row - 3;
        scan_make(&want, first ? 1 : 3, first ? 0 : 1, first ? 3 : 5, first ? 1 : 2);
        assert_memory_equal(rows[row].position, want.region[i].position, sizeof rows[row].position);
        assert_true(rows[row].label == want.region[i].label && rows[row].clipped == want.region[i].clipped);
        assert_true(rows[row].patient == !first && rows[row].shard == (first ? 1 : 2) &&
                    rows[row].row_in_shard == (int32_t)i);
        assert_true(rows[row].scale.mean[BOX_PET] == 0.25f && rows[row].scale.sd[BOX_PET] == 2 &&
                    rows[row].split == SPLIT_NONE);
        assert_int_equal(box_read(r, row, box, &e), 0);
        assert_memory_equal(box, want.box + i * BOX_VOXELS, sizeof box);
        regions_message_free(&want);
    }
    assert_int_equal(box_read(r, 8, box, &e), -1);
    free(rows);
    box_reader_close(&r);
    assert_null(r);
    cache_close(&c);
}

/* Training regions of a label stand at 0/n, 1/n, ..., each place taken once, and again the same. */
static void places(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct cache_row *rows, *again;
    small_cache();
    reader_open(&c);
    for (size_t s = 0; s < c.shard_count; s++)
        c.shard[s].split = s == 1 ? SPLIT_VALIDATION : SPLIT_TRAIN;
    assert_int_equal(cache_rows(&c, &rows, &e), 0);
    assert_int_equal(cache_rows(&c, &again, &e), 0);
    size_t seen = 0;
    for (int label = -1; label <= 1; label++) {
        size_t n = 0, taken = 0;
        for (size_t i = 0; i < c.regions; i++)
            n += rows[i].split == SPLIT_TRAIN && rows[i].label == label;
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < c.regions; i++)
                taken +=
                    rows[i].split == SPLIT_TRAIN && rows[i].label == label && rows[i].quantile == (float)k / (float)n;
        assert_int_equal(taken, n);
        seen += n;
    }
    assert_int_equal(seen, 5);
    for (size_t i = 0; i < c.regions; i++) {
        assert_true(rows[i].quantile == again[i].quantile);
        assert_true(rows[i].split == SPLIT_TRAIN || rows[i].quantile == 0);
    }
    free(rows);
    free(again);
    cache_close(&c);
}

/* More shards than a reader keeps open, read back and forth. */
static void many_shards(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct box_reader *r;
    float box[BOX_VOXELS];
    dir_clear();
    writer_open(&c);
    for (int n = 0; n < 70; n++)
        scan_add(&c, n, n, 1, 0);
    cache_close(&c);
    reader_open(&c);
    assert_int_equal(box_reader_open(&r, &c, 1, &e), 0);
    for (size_t i = 0; i < 140; i++) {
        struct regions_message want;
        size_t row = i * 37 % 70;
        scan_make(&want, (int)row, (int)row, 1, 0);
        assert_int_equal(box_read(r, row, box, &e), 0);
        assert_memory_equal(box, want.box, sizeof box);
        regions_message_free(&want);
    }
    box_reader_close(&r);
    cache_close(&c);
}

/* Of boxes of two channels, the first can be had alone; of boxes of one, the second cannot. */
static void two_channels(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct box_reader *r;
    struct cache_row *rows;
    struct regions_message want;
    float box[2 * BOX_VOXELS];
    small_cache();
    reader_open(&c);
    assert_int_equal(cache_rows(&c, &rows, &e), 0);
    assert_true(isnan(rows[0].scale.mean[BOX_CT]) && isnan(rows[0].scale.sd[BOX_CT]));
    assert_int_equal(box_reader_open(&r, &c, 2, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_non_null(strstr(e.text, "has boxes of pet, and channels = pet,ct is asked for"));
    free(rows);
    cache_close(&c);

    channels_made = 2;
    small_cache();
    reader_open(&c);
    assert_int_equal(cache_rows(&c, &rows, &e), 0);
    for (size_t s = 0; s < c.shard_count; s++) {
        assert_int_equal(c.shard[s].channels, 2);
        if (cache_verify_shard(&c, s, &e))
            fail_msg("%s", e.text);
    }
    scan_make(&want, 3, 1, 5, 2);
    for (int channels = 1; channels <= 2; channels++) {
        assert_int_equal(box_reader_open(&r, &c, channels, &e), 0);
        for (size_t i = 0; i < 5; i++) {
            box[BOX_VOXELS] = 7;
            assert_int_equal(box_read(r, 3 + i, box, &e), 0);
            assert_memory_equal(box, want.box + 2 * i * BOX_VOXELS, (size_t)channels * BOX_VOXELS * sizeof *box);
            assert_true(channels == 2 || box[BOX_VOXELS] == 7);
            assert_true(rows[3 + i].scale.mean[BOX_CT] == -800 && rows[3 + i].scale.sd[BOX_CT] == 350);
        }
        box_reader_close(&r);
    }
    regions_message_free(&want);
    free(rows);
    cache_close(&c);
    writer_open(&c); /* one cache, one number of channels */
    channels_made = 1;
    scan_make(&want, 4, 1, 5, 2);
    assert_int_equal(cache_add(&c, (struct item_key){9, 4}, &want, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_non_null(strstr(e.text, "boxes of 2 channels, now 1"));
    regions_message_free(&want);
    cache_close(&c);
}

/* A shard of an earlier version lacks facts that are known now. */
static void facts_of_an_earlier_version(void **state)
{
    (void)state;
    struct store *s;
    struct error e = {0};
    struct scan_facts facts;
    char *path = path_join(dir, "old.h5");
    dir_clear();
    assert_int_equal(dir_make(dir, &e), 0);
    if (store_create(&s, path, &e) || store_set_int(s, "/", "petrel_cache", CACHE_VERSION, &e) ||
        store_set_text(s, "/scan", "patient", "p7", &e) || store_commit(&s, &e) || shard_open(&s, path, &e) ||
        shard_facts(s, &facts, &e))
        fail_msg("%s", e.text);
    store_close(&s);
    assert_string_equal(facts.patient, "p7");
    assert_string_equal(facts.ct_sha256, "");
    assert_true(isnan(facts.ct_mean) && isnan(facts.suv_max) && facts.simulated == 0);
    free(path);
}

static void order_and_repeats_change_nothing(void **state)
{
    (void)state;
    struct cache c;
    char digest[65];
    small_cache();
    reader_open(&c);
    strcpy(digest, c.digest);
    cache_close(&c);
    dir_clear();
    writer_open(&c);
    scan_add(&c, 1, 0, 3, 1);
    scan_add(&c, 1, 0, 3, 1);
    scan_add(&c, 0, 0, 0, 0);
    cache_close(&c);
    writer_open(&c); /* and goes on */
    assert_true(cache_has(&c, (struct item_key){9, 1}) && !cache_has(&c, (struct item_key){9, 3}));
    assert_false(cache_has(&c, (struct item_key){8, 1}));
    scan_add(&c, 3, 1, 5, 2);
    scan_add(&c, 0, 0, 0, 0);
    cache_count(&c);
    assert_string_equal(c.digest, digest);
    assert_int_equal(c.shard_count, 3);
    cache_close(&c);
}

static void a_mended_scan_replaces_its_refusal(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    small_cache();
    writer_open(&c);
    assert_false(cache_has(&c, (struct item_key){9, 2}));
    scan_add(&c, 2, 5, 1, 0);
    assert_true(c.refused_count == 0 && c.shard_count == 4);
    assert_int_equal(cache_refuse(&c, (struct item_key){9, 2}, &(struct refusal_message){"a", "suv", 65, "late"}, &e),
                     0);
    cache_close(&c);
    reader_open(&c);
    assert_true(c.refused_count == 0 && c.shard_count == 4);
    cache_close(&c);
}

/* A list of scans that has changed is another run: the same scans are known again, refusals of the same source go. */
static void another_list_of_scans(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct regions_message m;
    const struct item_key again = {10, 4}, mended = {10, 2}, worse = {11, 2};
    small_cache();
    writer_open(&c);
    scan_make(&m, 1, 0, 3, 1);
    assert_int_equal(cache_add(&c, again, &m, &e), 0);
    regions_message_free(&m);
    assert_true(c.shard_count == 3 && c.refused_count == 1);
    assert_int_equal(cache_refuse(&c, worse, &(struct refusal_message){"a\tb", "suv", 65, "no dose"}, &e), 0);
    assert_int_equal(c.refused_count, 1);
    assert_string_equal(c.shard[3].refusal->sentence, "no dose");
    scan_make(&m, 2, 8, 2, 0);
    format_into(m.facts.source, sizeof m.facts.source, "a b");
    assert_int_equal(cache_add(&c, mended, &m, &e), 0);
    regions_message_free(&m);
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_true(c.shard_count == 4 && c.refused_count == 0);
        assert_true(cache_has(&c, again) && cache_has(&c, mended) && !cache_has(&c, worse));
        cache_close(&c);
        reader_open(&c);
    }
    cache_close(&c);
}

static void contradictions_are_said(void **state)
{
    (void)state;
    struct cache c, second;
    struct error e = {0};
    struct regions_message m;
    small_cache();
    writer_open(&c);
    assert_int_equal(cache_writer_open(&second, dir, &e), -1);
    assert_int_equal(e.code, EX_TEMPFAIL);

    scan_make(&m, 7, 7, 1, 0);
    m.settings = 78;
    assert_int_equal(cache_add(&c, (struct item_key){9, 7}, &m, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_non_null(strstr(e.text, "other settings"));
    m.settings = 77;
    m.box[5] = (float)NAN;
    assert_int_equal(cache_add(&c, (struct item_key){9, 7}, &m, &e), -1);
    assert_int_equal(e.code, EX_DATAERR);
    assert_non_null(strstr(e.text, "nan in its box"));
    regions_message_free(&m);

    scan_make(&m, 3, 1, 5, 2); /* from another list of scans: the same is a repeat */
    assert_int_equal(cache_add(&c, (struct item_key){10, 0}, &m, &e), 0);
    assert_int_equal(c.shard_count, 3);
    assert_true(cache_has(&c, (struct item_key){10, 0}));
    m.box[0] += 1;
    assert_int_equal(cache_add(&c, (struct item_key){10, 1}, &m, &e), -1);
    assert_non_null(strstr(e.text, "and was another"));
    regions_message_free(&m);
    cache_close(&c);
    reader_open(&c);
    for (size_t s = 0; s < c.shard_count; s++)
        assert_int_equal(cache_verify_shard(&c, s, &e), 0);
    cache_close(&c);
}

/* ---- damage */

static char *manifest_text(void)
{
    struct buffer b;
    struct error e = {0};
    char *path = path_join(dir, "manifest");
    assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
    free(path);
    return (char *)b.data;
}

static void manifest_put(const char *text, size_t size)
{
    struct error e = {0};
    char *path = path_join(dir, "manifest");
    assert_int_equal(publish_bytes(path, text, size, &e), 0);
    free(path);
}

static void refused(const char *said, int code)
{
    struct cache c;
    struct error e = {0};
    assert_int_equal(cache_open(&c, dir, &e), -1);
    if (!strstr(e.text, said) || e.code != code)
        fail_msg("'%s' (%d) does not say '%s' (%d)", e.text, e.code, said, code);
}

static void absent_and_foreign_are_said(void **state)
{
    (void)state;
    struct error e = {0};
    dir_clear();
    refused("no such directory", EX_NOINPUT);
    assert_int_equal(dir_make(dir, &e), 0);
    refused("no manifest", EX_NOINPUT);
    manifest_put("hello\n", 6);
    refused("is no manifest of a cache", EX_DATAERR);
    manifest_put("", 0);
    refused("is no manifest of a cache", EX_DATAERR);
    manifest_put("petrel-cache layout 7\t0123456789abcdef\n", 39);
    char *said =
        xprintf("cache '%s' has layout version 7, this petrel reads 1: make it again with petrel-cache collect", dir);
    refused(said, EX_DATAERR);
    free(said);
}

static void a_lost_shard_is_named(void **state)
{
    (void)state;
    struct cache c;
    small_cache();
    reader_open(&c);
    char file[200], *path = path_join(dir, c.shard[1].file);
    strcpy(file, c.shard[1].file);
    cache_close(&c);
    unlink(path);
    free(path);
    refused(file, EX_DATAERR);
}

/* Cut anywhere, were it by the last newline alone: refused, for the seal counts more; collecting again mends it. */
static void a_manifest_that_lost_its_end_is_refused(void **state)
{
    (void)state;
    struct cache c;
    small_cache();
    char *text = manifest_text();
    size_t size = strlen(text), head = (size_t)(strchr(text, '\n') - text) + 1;
    for (size_t cut = size - 1; cut >= head; cut -= cut > head + 53 ? 53 : 1) {
        manifest_put(text, cut);
        refused("lines are lost from it", EX_DATAERR);
    }
    writer_open(&c);
    scan_add(&c, 3, 1, 5, 2);
    scan_add(&c, 0, 0, 0, 0);
    scan_add(&c, 1, 0, 3, 1);
    cache_close(&c);
    reader_open(&c);
    assert_int_equal(c.shard_count, 3);
    cache_close(&c);
    free(text);
}

/* A writer that was killed between a line and its seal, or in a line; a cache of before there were seals. */
static void a_torn_manifest_loses_its_last_line_only(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    small_cache();
    char *text = manifest_text(), *seal = path_join(dir, "manifest.end");
    size_t size = strlen(text), head = (size_t)(strchr(text, '\n') - text) + 1;
    for (int sealed = 1; sealed >= 0; sealed--)
        for (size_t cut = head; cut < size; cut += 53) {
            size_t lines = 0;
            for (size_t i = head; i < cut; i++)
                lines += text[i] == '\n';
            manifest_put(text, head);
            char *manifest = path_join(dir, "manifest");
            if (sealed)
                assert_int_equal(seal_publish(manifest, &e), 0);
            else
                unlink(seal);
            free(manifest);
            manifest_put(text, cut);
            reader_open(&c);
            assert_int_equal(c.shard_count + c.refused_count, lines);
            cache_close(&c);
        }
    writer_open(&c);
    scan_add(&c, 3, 1, 5, 2);
    cache_close(&c);
    assert_true(file_exists(seal));
    free(seal);
    free(text);
}

/* A flipped bit in the manifest, its very last newline, too: said. */
static void a_flipped_manifest_is_seen(void **state)
{
    (void)state;
    small_cache();
    char *text = manifest_text();
    size_t size = strlen(text), unseen = 0;
    for (size_t i = 0; i < size; i += i % 3 + 1) {
        struct cache c;
        struct error e = {0};
        text[i] ^= (char)(1 << i % 7);
        manifest_put(text, size);
        if (cache_open(&c, dir, &e) == 0) {
            unseen++;
            cache_close(&c);
        }
        text[i] ^= (char)(1 << i % 7);
    }
    assert_int_equal(unseen, 0);
    free(text);
}

static void flipped_bits_in_shards_are_seen(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    small_cache();
    reader_open(&c);
    char *path = path_join(dir, c.shard[1].file);
    struct buffer b;
    size_t flips = 0, unseen = 0, boxes_unseen = 0;
    assert_int_equal(file_read(path, 1 << 24, &b, &e), 0);
    FILE *f = fopen(path, "r+b");
    for (size_t i = 0; i < b.size; i += 331, flips++) {
        uint8_t changed = (uint8_t)(b.data[i] ^ 1u << i % 8);
        fseek(f, (long)i, SEEK_SET), fwrite(&changed, 1, 1, f), fflush(f);
        unseen += cache_verify_shard(&c, 1, &e) == 0;
        struct box_reader *r;
        struct regions_message want;
        float box[BOX_VOXELS];
        scan_make(&want, 1, 0, 3, 1);
        assert_int_equal(box_reader_open(&r, &c, 1, &e), 0);
        for (size_t row = 0; row < 3; row++)
            boxes_unseen += box_read(r, row, box, &e) == 0 && memcmp(box, want.box + row * BOX_VOXELS, sizeof box) != 0;
        box_reader_close(&r);
        regions_message_free(&want);
        fseek(f, (long)i, SEEK_SET), fwrite(&b.data[i], 1, 1, f), fflush(f);
    }
    fclose(f);
    buffer_free(&b);
    print_message("%zu flips, %zu unseen by verify, %zu wrong boxes read\n", flips, unseen, boxes_unseen);
    assert_int_equal(unseen, 0);
    assert_int_equal(boxes_unseen, 0);
    assert_int_equal(cache_verify_shard(&c, 1, &e), 0);
    free(path);
    cache_close(&c);
}

/* ---- splits */

struct side {
    size_t patients, regions, tumours;
};

static void sides(const struct cache *c, struct side side[3])
{
    memset(side, 0, 3 * sizeof *side);
    for (size_t i = 0; i < c->shard_count; i++) {
        assert_true(c->shard[i].split != SPLIT_NONE);
        struct side *s = &side[c->shard[i].split];
        s->patients++;
        s->regions += (size_t)c->shard[i].regions;
        s->tumours += (size_t)c->shard[i].tumours;
    }
}

/* Splits need no boxes: a manifest's worth of entries would do, but the real thing is quick enough. */
static void splits_are_even_and_repeat(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct side side[3], other[3];
    dir_clear();
    writer_open(&c);
    for (int n = 0; n < 40; n++)
        scan_add(&c, n, n, 4 + (size_t)n % 5, n % 2 ? 0 : (size_t)n % 4 + (size_t)n % 3);
    if (cache_split(&c, 0.2, 0.25, 1, SPLIT_REPLACE, &e))
        fail_msg("%s", e.text);
    sides(&c, side);
    assert_true(side[0].patients == 22 && side[1].patients == 8 && side[2].patients == 10);
    double whole = (double)c.tumours / (double)c.regions;
    for (int s = 0; s < 3; s++)
        assert_true(fabs((double)side[s].tumours / (double)side[s].regions - whole) < 0.03);
    enum split first[40];
    size_t differ = 0;
    for (size_t i = 0; i < 40; i++)
        first[i] = c.shard[i].split;
    assert_int_equal(cache_split(&c, 0.2, 0.25, 2, SPLIT_REPLACE, &e), 0);
    for (size_t i = 0; i < 40; i++)
        differ += first[i] != c.shard[i].split;
    assert_true(differ > 5);
    assert_int_equal(cache_split(&c, 0.2, 0.25, 1, SPLIT_REPLACE, &e), 0);
    /* another split is not overwritten unless asked for; the same one again is fine */
    assert_int_equal(cache_split(&c, 0.2, 0.25, 2, SPLIT_REFUSE, &e), -1);
    assert_int_equal(e.code, EX_USAGE);
    assert_non_null(strstr(e.text, "--force"));
    assert_int_equal(cache_split(&c, 0.2, 0.25, 1, SPLIT_REFUSE, &e), 0);
    cache_close(&c);
    reader_open(&c);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(first[i], c.shard[i].split);
    sides(&c, other);
    assert_memory_equal(side, other, sizeof side);
    assert_int_equal(cache_split(&c, 0.6, 0.5, 1, SPLIT_REPLACE, &e), -1);
    cache_close(&c);
}

static void few_patients_still_split(void **state)
{
    (void)state;
    static const size_t want[][3] = {{1, 0, 0}, {2, 0, 0}, {1, 1, 1}, {2, 1, 1}, {3, 1, 1}};
    struct cache c;
    struct error e = {0};
    struct side side[3];
    dir_clear();
    writer_open(&c);
    assert_int_equal(cache_split(&c, 0.2, 0.2, 1, SPLIT_REPLACE, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    for (int n = 0; n < 5; n++) {
        scan_add(&c, n, n, 3, 1);
        assert_int_equal(cache_split(&c, 0.2, 0.2, 1, SPLIT_REPLACE, &e), 0);
        sides(&c, side);
        for (int s = 0; s < 3; s++)
            assert_int_equal(side[s].patients, want[n][s]);
    }
    cache_close(&c);
}

static void a_patients_scans_stay_together(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    dir_clear();
    writer_open(&c);
    for (int n = 0; n < 12; n++)
        scan_add(&c, n, n / 2, 2, (size_t)n % 2);
    assert_int_equal(cache_split(&c, 0.3, 0.3, 4, SPLIT_REPLACE, &e), 0);
    for (size_t i = 0; i < 12; i += 2)
        assert_int_equal(c.shard[i].split, c.shard[i + 1].split);
    scan_add(&c, 12, 0, 1, 0); /* a known patient's new scan follows; a new patient has none */
    scan_add(&c, 13, 99, 1, 0);
    assert_true(c.shard[12].split == c.shard[0].split && c.shard[13].split == SPLIT_NONE);
    cache_close(&c);
    char *path = path_join(dir, "splits.tsv");
    assert_int_equal(publish_bytes(path, "patient\tsplit\np000\tholdout\n", 27, &e), 0);
    refused("line 2", EX_DATAERR);
    assert_int_equal(publish_bytes(path, "patient\tsplit\np000\ttest\n", 24, &e), 0);
    reader_open(&c);
    assert_true(c.split_by_hand && c.shard[0].split == SPLIT_TEST && c.shard[3].split == SPLIT_NONE);
    cache_close(&c);
    static const char *const bad[][2] = {
        {"p000\ttest\n", "line 1"},
        {"patient\tsplit\tpetrel_xxh3=0123456789abcdef\np000\ttest\n", "its sum differs"},
        {"patient\tsplit\tpetrel_xxh3=\n", "its sum differs"},
        {"", "line 1"}};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(publish_bytes(path, bad[i][0], strlen(bad[i][0]), &e), 0);
        refused(bad[i][1], EX_DATAERR);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_comes_back),
        cmocka_unit_test(rows_and_boxes),
        cmocka_unit_test(places),
        cmocka_unit_test(many_shards),
        cmocka_unit_test(two_channels),
        cmocka_unit_test(facts_of_an_earlier_version),
        cmocka_unit_test(order_and_repeats_change_nothing),
        cmocka_unit_test(a_mended_scan_replaces_its_refusal),
        cmocka_unit_test(another_list_of_scans),
        cmocka_unit_test(contradictions_are_said),
        cmocka_unit_test(absent_and_foreign_are_said),
        cmocka_unit_test(a_lost_shard_is_named),
        cmocka_unit_test(a_manifest_that_lost_its_end_is_refused),
        cmocka_unit_test(a_torn_manifest_loses_its_last_line_only),
        cmocka_unit_test(a_flipped_manifest_is_seen),
        cmocka_unit_test(flipped_bits_in_shards_are_seen),
        cmocka_unit_test(splits_are_even_and_repeat),
        cmocka_unit_test(few_patients_still_split),
        cmocka_unit_test(a_patients_scans_stay_together),
    };
    return cmocka_run_group_tests_name("cache", tests, setup, teardown);
}
