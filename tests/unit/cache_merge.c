/* SPDX-License-Identifier: Apache-2.0 */
/* Caches of parts of one list of scans merged: the digest of a single run, whatever the order, the deaths and the repeats between; and what does not
 * belong together is refused. Splits that stay when patients come. */
#include "common/file.h"
#include "proto/cache_internal.h"
#include "tests/unit/cache_scans.h"
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { SCANS = 12, PARTS = 3, REFUSED = 7 };
static char top[200], whole_digest[65];

static char *named(const char *name)
{
    return path_join(top, name);
}

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    format_into(top, sizeof top, "%s/petrel-merge-%d", tmp ? tmp : "/tmp", (int)getpid());
    dir_remove(top);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dir_remove(top);
    return 0;
}

static void scan_add(struct cache *c, int n)
{
    struct regions_message m;
    struct error e = {0};
    struct item_key const key = {9, (uint64_t)n};
    const struct refusal_message refusal = {.scan = "a/7", .stage = "suv", .code = EX_DATAERR, .sentence = "no weight"};
    if (n == REFUSED) {
        if (cache_refuse(c, key, &refusal, &e))
            fail_msg("%s", e.text);
        return;
    }
    scan_make(&m, n, n / 2, 2 + (size_t)n % 3, (size_t)n % 2);
    if (cache_add(c, key, &m, &e))
        fail_msg("%s", e.text);
    regions_message_free(&m);
}

/* Scans first, first + step ... into the cache `name`. */
static void part_make(const char *name, int first, int step)
{
    struct cache c;
    struct error e = {0};
    char *path = named(name);
    if (cache_writer_open(&c, path, &e))
        fail_msg("%s", e.text);
    for (int n = first; n < SCANS; n += step)
        scan_add(&c, n);
    cache_close(&c);
    free(path);
}

/* -1 and *e, or how many shards were new. */
static int merge(const char *into, const char *from, bool by_link, struct error *e)
{
    struct cache c, f;
    char *target = named(into), *source = named(from);
    size_t brought = 0;
    int result = -1;
    *e = (struct error){0};
    if (cache_writer_open(&c, target, e) == 0) {
        if (cache_open(&f, source, e) == 0) {
            result = cache_merge(&c, &f, by_link, &brought, e) ? -1 : (int)brought;
            cache_close(&f);
        }
        cache_close(&c);
    }
    free(target);
    free(source);
    return result;
}

static void opened(struct cache *c, const char *name)
{
    struct error e = {0};
    char *path = named(name);
    if (cache_open(c, path, &e))
        fail_msg("%s", e.text);
    free(path);
}

static void parts_make(void)
{
    struct cache c;
    dir_remove(top);
    part_make("whole", 0, 1);
    opened(&c, "whole");
    strcpy(whole_digest, c.digest);
    cache_close(&c);
    for (int k = 0; k < PARTS; k++)
        part_make((const char *const[]){"part.0", "part.1", "part.2"}[k], k, PARTS);
}

static void parts_become_the_whole(void **state)
{
    (void)state;
    struct cache c;
    struct error e;
    for (int by_link = 0; by_link < 2; by_link++) {
        parts_make();
        assert_int_equal(merge("all", "part.2", by_link, &e), 4);
        assert_int_equal(merge("all", "part.0", by_link, &e), 4);
        assert_int_equal(merge("all", "part.2", by_link, &e), 0); /* a task that was run again */
        assert_int_equal(merge("all", "part.1", by_link, &e), 3);
        opened(&c, "all");
        assert_string_equal(c.digest, whole_digest);
        assert_int_equal(c.shard_count, SCANS - 1);
        assert_int_equal(c.refused_count, 1);
        assert_string_equal(c.shard[c.shard_count].refusal->sentence, "no weight");
        for (size_t i = 0; i < c.shard_count; i++)
            assert_int_equal(cache_verify_shard(&c, i, &e), 0);
        struct stat at;
        char *shard = cache_path(&c, c.shard[0].file);
        assert_int_equal(stat(shard, &at), 0);
        assert_int_equal(at.st_nlink, 1 + by_link);
        free(shard);
        cache_close(&c);
    }
}

/* A merge that died between a file and its line, and one that died within a line. */
static void goes_on_after_a_death(void **state)
{
    (void)state;
    struct cache c;
    struct error e;
    parts_make();
    assert_int_equal(merge("all", "part.0", false, &e), 4);
    char *all = named("all"), *part = named("part.1"), *manifest = path_join(all, CACHE_MANIFEST);
    opened(&c, "part.1");
    char *stray = path_join(all, c.shard[0].file), *half = path_join(all, "x.h5.tmp");
    cache_close(&c);
    assert_int_equal(publish_bytes(stray, "half a shard", 12, &e), 0);
    assert_int_equal(publish_bytes(half, "half", 4, &e), 0);
    struct stat at;
    assert_int_equal(stat(manifest, &at), 0);
    assert_int_equal(truncate(manifest, at.st_size - 20), 0); /* the last shard of part.0 has no whole line */
    assert_int_equal(merge("all", "part.1", false, &e), 3);
    assert_int_equal(merge("all", "part.0", true, &e), 1);
    assert_int_equal(merge("all", "part.2", false, &e), 4);
    opened(&c, "all");
    assert_string_equal(c.digest, whole_digest);
    for (size_t i = 0; i < c.shard_count; i++)
        assert_int_equal(cache_verify_shard(&c, i, &e), 0);
    cache_close(&c);
    free(all), free(part), free(manifest), free(stray), free(half);
}

static void a_shard_takes_the_place_of_its_refusal(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct regions_message m;
    parts_make();
    assert_int_equal(merge("all", "part.1", false, &e), 3); /* has the refusal */
    char *path = named("mended");
    assert_int_equal(cache_writer_open(&c, path, &e), 0);
    scan_make(&m, REFUSED, REFUSED / 2, 3, 1);
    assert_int_equal(cache_add(&c, (struct item_key){9, REFUSED}, &m, &e), 0);
    regions_message_free(&m);
    cache_close(&c);
    free(path);
    assert_int_equal(merge("all", "mended", false, &e), 1);
    assert_int_equal(merge("all", "part.1", false, &e), 0); /* and the refusal does not come back */
    opened(&c, "all");
    assert_true(c.shard_count == 4 && c.refused_count == 0);
    cache_close(&c);
}

static void flip(const char *cache, size_t shard)
{
    struct cache c;
    opened(&c, cache);
    char *path = cache_path(&c, c.shard[shard].file);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 3000, SEEK_SET), 0);
    int byte = fgetc(f);
    assert_int_equal(fseek(f, 3000, SEEK_SET), 0);
    fputc(byte ^ 4, f);
    fclose(f);
    free(path);
    cache_close(&c);
}

static void what_does_not_belong_is_refused(void **state)
{
    (void)state;
    struct error e;
    struct cache c;
    struct regions_message m;
    for (int by_link = 0; by_link < 2; by_link++) {
        parts_make();
        flip("part.0", 1);
        assert_int_equal(merge("all", "part.0", by_link, &e), -1);
        assert_int_equal(e.code, EX_DATAERR);
        assert_non_null(strstr(e.text, "damaged"));
        opened(&c, "all"); /* what was brought before stays, what was damaged is not there */
        assert_int_equal(c.shard_count, 1);
        cache_close(&c);
    }
    parts_make();
    for (int kind = 0; kind < 2; kind++) {
        char *path = named(kind ? "other.settings" : "other.scan");
        e = (struct error){0};
        assert_int_equal(cache_writer_open(&c, path, &e), 0);
        scan_make(&m, 3, 1, 3, 0); /* 3 of the whole has other numbers of regions and tumours */
        m.settings += (uint64_t)kind;
        assert_int_equal(cache_add(&c, (struct item_key){9, 3}, &m, &e), 0);
        regions_message_free(&m);
        cache_close(&c);
        free(path);
    }
    assert_int_equal(merge("whole", "other.scan", false, &e), -1);
    assert_true(e.code == EX_DATAERR && strstr(e.text, "study 3"));
    assert_int_equal(merge("part.0", "other.settings", false, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_int_equal(merge("all", "nothing", false, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
}

/* Twenty new patients beside those who are divided: none of these moves, and shares come out as asked for. */
static void a_split_stays_as_patients_come(void **state)
{
    (void)state;
    enum { BEFORE = 20, AFTER = 40 };
    struct cache c;
    struct error e = {0};
    struct regions_message m;
    dir_remove(top);
    char *path = named("growing");
    assert_int_equal(cache_writer_open(&c, path, &e), 0);
    free(path);
    enum split was[BEFORE];
    for (int n = 0; n < AFTER; n++) {
        if (n == BEFORE) {
            assert_int_equal(cache_split(&c, 0.2, 0.3, 1, SPLIT_KEEP, &e), 0); /* none is there: as any split */
            for (size_t i = 0; i < BEFORE; i++)
                was[i] = c.shard[i].split;
        }
        scan_make(&m, n, n, 3, (size_t)n % 3);
        assert_int_equal(cache_add(&c, (struct item_key){9, (uint64_t)n}, &m, &e), 0);
        regions_message_free(&m);
    }
    assert_int_equal(cache_split(&c, 0.2, 0.3, 1, SPLIT_REFUSE, &e), -1);
    assert_non_null(strstr(e.text, "--keep"));
    assert_int_equal(cache_split(&c, 0.2, 0.3, 1, SPLIT_KEEP, &e), 0);
    for (size_t i = 0; i < BEFORE; i++)
        assert_int_equal(c.shard[i].split, was[i]);
    assert_int_equal(cache_patients(&c, SPLIT_TRAIN), 20);
    assert_int_equal(cache_patients(&c, SPLIT_VALIDATION), 8);
    assert_int_equal(cache_patients(&c, SPLIT_TEST), 12);
    assert_int_equal(cache_patients(&c, SPLIT_NONE), 0);
    cache_close(&c);
}

/* The same rows from the table as from the shards; and from these where the table is damaged, cut short, or of another state. */
static void rows_from_the_table(void **state)
{
    (void)state;
    struct cache c;
    struct error e = {0};
    struct cache_row *from_shards, *rows;
    struct buffer b = {0};
    parts_make();
    opened(&c, "whole");
    char *table = cache_path(&c, CACHE_ROWS);
    assert_false(file_exists(table));
    assert_int_equal(cache_split(&c, 0.3, 0.3, 1, SPLIT_REPLACE, &e), 0);
    assert_int_equal(cache_rows(&c, &from_shards, &e), 0);
    assert_int_equal(cache_rows_publish(&c, &e), 0);
    assert_int_equal(file_read(table, (size_t)1 << 20, &b, &e), 0);
    size_t const bytes = c.regions * sizeof *rows;
    assert_true(b.size > bytes);
    for (size_t damage = 0; damage < 40; damage++) {
        struct buffer d = {.data = xalloc(b.size, 1), .size = b.size};
        memcpy(d.data, b.data, b.size);
        if (damage)
            d.data[(damage * 7919) % b.size] ^= (uint8_t)(1u << damage % 8);
        assert_int_equal(publish_bytes(table, d.data, b.size - (damage == 39 ? 5 : 0), &e), 0);
        assert_int_equal(cache_rows(&c, &rows, &e), 0);
        assert_memory_equal(rows, from_shards, bytes);
        free(rows);
        buffer_free(&d);
    }
    assert_int_equal(cache_rows_publish(&c, &e), 0); /* makes a damaged one anew */
    buffer_free(&b);
    assert_int_equal(file_read(table, (size_t)1 << 20, &b, &e), 0);
    /* a table that is right but of another state of the cache: here with a wrong label, which would show */
    struct cache other;
    opened(&other, "part.1");
    char *strange = cache_path(&other, CACHE_ROWS);
    assert_int_equal(publish_bytes(strange, b.data, b.size, &e), 0);
    assert_int_equal(cache_rows(&other, &rows, &e), 0);
    assert_true(rows[0].row_in_shard == 0 && rows[0].shard == 0 && rows[other.regions - 1].shard == 2);
    free(rows);
    free(strange);
    cache_close(&other);
    buffer_free(&b);
    free(from_shards);
    free(table);
    cache_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_become_the_whole),
        cmocka_unit_test(goes_on_after_a_death),
        cmocka_unit_test(a_shard_takes_the_place_of_its_refusal),
        cmocka_unit_test(what_does_not_belong_is_refused),
        cmocka_unit_test(a_split_stays_as_patients_come),
        cmocka_unit_test(rows_from_the_table),
    };
    return cmocka_run_group_tests_name("cache_merge", tests, setup, teardown);
}
