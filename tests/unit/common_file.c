/* SPDX-License-Identifier: Apache-2.0 */
/* common_file -- publication that is whole or not there, reading, directories, digests, gzip.   tests */
#include "common/file.h"

#include "common/gzip.h"
#include "tests/unit/common_child.h"

#include <sys/resource.h>
#include <sys/stat.h>

static char *dir;

static int setup(void **state)
{
    (void)state;
    dir = child_dir_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    child_dir_remove(dir);
    return 0;
}

static size_t files_in(const char *path)
{
    struct names n;
    struct error e = {0};
    assert_int_equal(dir_list(path, &n, &e), 0);
    size_t count = n.count;
    names_free(&n);
    return count;
}

static void put(const char *path, const void *data, size_t size)
{
    struct error e = {0};
    if (publish_bytes(path, data, size, &e))
        fail_msg("%s", e.text);
}

/* ---- publication ---- */

static void publication_is_whole(void **state)
{
    (void)state;
    struct error e = {0};
    char *path = path_join(dir, "a.txt");
    put(path, "old", 3);

    struct publish p;
    assert_int_equal(publish_open(&p, path, &e), 0);
    fputs("new and longer", p.to);
    fflush(p.to);
    struct buffer b;
    assert_int_equal(file_read(path, 100, &b, &e), 0);
    assert_string_equal((char *)b.data, "old"); /* until the commit */
    buffer_free(&b);
    publish_abandon(&p);
    assert_int_equal(files_in(dir), 1);
    assert_int_equal(file_read(path, 100, &b, &e), 0);
    assert_string_equal((char *)b.data, "old");
    buffer_free(&b);

    assert_int_equal(publish_open(&p, path, &e), 0);
    fputs("new and longer", p.to);
    assert_int_equal(publish_commit(&p, &e), 0);
    publish_abandon(&p); /* safe after commit */
    assert_int_equal(file_read(path, 100, &b, &e), 0);
    assert_string_equal((char *)b.data, "new and longer");
    assert_int_equal(b.size, 14);
    buffer_free(&b);
    assert_int_equal(files_in(dir), 1);
    free(path);
}

static void publication_obeys_the_umask(void **state)
{
    (void)state;
    char *path = path_join(dir, "mode");
    mode_t old = umask(027);
    put(path, "x", 1);
    umask(old);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    free(path);
}

static void no_place_to_publish(void **state)
{
    (void)state;
    struct error e = {0};
    struct publish p;
    char *nowhere = path_join(dir, "none/a");
    assert_int_equal(publish_open(&p, nowhere, &e), -1);
    assert_int_equal(e.code, EX_CANTCREAT);
    assert_says(e.text, "none/a'");
    publish_abandon(&p);
    assert_int_equal(publish_open(&p, dir, &e), -1);
    assert_int_equal(publish_bytes("/dev/null", "x", 1, &e), -1); /* or root would lose its /dev/null */
    assert_says(e.text, "no ordinary file");
    struct stat status;
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    free(nowhere);
}

/* A file-size limit stands for a full disk: every write error must reach the caller, and the old file stay. */
static void write_beyond_limit(void *context)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {10000, 10000};
    if (setrlimit(RLIMIT_FSIZE, &limit))
        _exit(99);
    char *much = xalloc(100000, 1);
    struct error e = {0};
    int result = publish_bytes(context, much, 100000, &e);
    printf("%d %d %s\n", result, e.code, e.text);
    /* small enough to fit in stdio's buffer until the commit */
    struct publish p;
    if (publish_open(&p, context, &e))
        _exit(98);
    for (int i = 0; i < 10500; i++)
        putc('x', p.to);
    result = publish_commit(&p, &e);
    printf("%d %d\n", result, e.code);
    free(much);
}

static void a_full_disk_is_heard(void **state)
{
    (void)state;
    char *path = path_join(dir, "full"), text[1000];
    put(path, "old", 3);
    size_t before = files_in(dir);
    assert_int_equal(child_run(write_beyond_limit, path, text, sizeof text), 0);
    assert_says(text, "-1 74 cannot write '");
    assert_says(text, "\n-1 74\n");
    assert_int_equal(files_in(dir), before);
    struct buffer b;
    struct error e = {0};
    assert_int_equal(file_read(path, 10, &b, &e), 0);
    assert_string_equal((char *)b.data, "old");
    buffer_free(&b);
    free(path);
}

static void rename_publishes(void **state)
{
    (void)state;
    struct error e = {0};
    char *temporary = path_join(dir, "t.tmp"), *path = path_join(dir, "t");
    put(temporary, "1", 1);
    assert_int_equal(publish_rename(temporary, path, &e), 0);
    assert_true(file_exists(path) && !file_exists(temporary));
    assert_int_equal(publish_rename(temporary, path, &e), -1);
    assert_true(file_exists(path));
    free(temporary);
    free(path);
}

/* ---- reading ---- */

static void reading(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer b;
    char *path = path_join(dir, "read");
    uint8_t data[5000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 5000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        put(path, data, sizes[i]);
        assert_int_equal(file_read(path, sizes[i], &b, &e), 0);
        assert_int_equal(b.size, sizes[i]);
        assert_memory_equal(b.data, data, sizes[i]);
        assert_int_equal(b.data[b.size], 0);
        buffer_free(&b);
    }
    assert_int_equal(file_read(path, 4999, &b, &e), -1);
    assert_null(b.data);
    assert_says(e.text, "larger than 4999 bytes");
    assert_int_equal(file_read("/dev/zero", 10000, &b, &e), -1);
    assert_int_equal(file_read("/proc/self/status", 1 << 20, &b, &e), 0); /* says its size is 0 */
    assert_true(b.size > 100);
    buffer_free(&b);
    assert_int_equal(file_read(dir, 10, &b, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    char *none = path_join(dir, "none");
    assert_int_equal(file_read(none, 10, &b, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    free(none);
    free(path);
}

static void paths(void **state)
{
    (void)state;
    static const char *const join[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}, {"a", "/b", "/b"}};
    for (size_t i = 0; i < COUNT_OF(join); i++) {
        char *got = path_join(join[i][0], join[i][1]);
        assert_string_equal(got, join[i][2]);
        free(got);
    }
    assert_string_equal(path_base("a/b.nii"), "b.nii");
    assert_string_equal(path_base("b.nii"), "b.nii");
    assert_string_equal(path_base("a/"), "");
    assert_true(ends_with("x.nii.gz", ".gz") && !ends_with("gz", ".gz") && ends_with("", ""));
}

static void directories(void **state)
{
    (void)state;
    struct error e = {0};
    char *deep = path_join(dir, "d/e//f/"), *top = path_join(dir, "d");
    assert_int_equal(dir_make(deep, &e), 0);
    assert_int_equal(dir_make(deep, &e), 0);
    assert_true(dir_exists(deep) && !file_exists(deep));
    static const char *const name[] = {"z", "B", "a", ".hidden", "a1"};
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        char *path = path_join(top, name[i]);
        put(path, "", 0);
        free(path);
    }
    struct names n;
    assert_int_equal(dir_list(top, &n, &e), 0);
    static const char *const sorted[] = {".hidden", "B", "a", "a1", "e", "z"};
    assert_int_equal(n.count, COUNT_OF(sorted));
    for (size_t i = 0; i < n.count; i++)
        assert_string_equal(n.name[i], sorted[i]);
    names_free(&n);
    char *in_file = path_join(top, "a/sub");
    assert_int_equal(dir_make(in_file, &e), -1);
    assert_int_equal(e.code, EX_CANTCREAT);
    assert_int_equal(dir_list(in_file, &n, &e), -1);
    assert_int_equal(dir_list("/none at all", &n, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    assert_int_equal(dir_make("", &e), 0);
    free(in_file);
    free(deep);
    free(top);
}

/* ---- digests ---- */

static void digests(void **state)
{
    (void)state;
    /* FIPS 180-4's examples */
    char hex[65];
    bytes_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    bytes_sha256("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    struct error e = {0};
    char *path = path_join(dir, "digest"), of_bytes[65];
    uint8_t *data = xalloc(600001, 1);
    for (size_t i = 0; i < 600001; i++)
        data[i] = (uint8_t)(i * i >> 3);
    put(path, data, 600001);
    assert_int_equal(file_sha256(path, hex, &e), 0);
    bytes_sha256(data, 600001, of_bytes);
    assert_string_equal(hex, of_bytes);
    assert_int_equal(file_sha256(dir, hex, &e), -1);
    /* xxHash's own sanity values for XXH3_64bits, seed 0 */
    assert_true(bytes_xxh3("", 0) == 0x2D06800538D394C2ull);
    uint64_t before = bytes_xxh3(data, 600001);
    data[300000] ^= 1;
    assert_true(bytes_xxh3(data, 600001) != before);
    free(data);
    free(path);
}

/* ---- gzip ---- */

enum { PLAIN = 300000 };

static uint8_t *plain_make(void)
{
    uint8_t *plain = xalloc(PLAIN, 1);
    for (uint32_t i = 0, r = 1; i < PLAIN; i++) {
        r = r * 1664525 + 1013904223;
        plain[i] = i % 1000 < 600 ? (uint8_t)(i / 1000) : (uint8_t)(r >> 24);
    }
    return plain;
}

static void expect(const char *path, size_t max, const char *sentence)
{
    struct buffer b;
    struct error e = {0};
    assert_int_equal(gzip_read(path, max, &b, &e), -1);
    assert_null(b.data);
    assert_says(e.text, sentence);
    assert_says(e.text, path);
}

static void gzip_round_trip(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer b;
    uint8_t *plain = plain_make();
    char *path = path_join(dir, "a.gz");
    static const size_t sizes[] = {0, 1, 1000, PLAIN};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int level = 1; level <= 12; level += 5) {
            assert_int_equal(gzip_write(path, plain, sizes[i], level, &e), 0);
            assert_int_equal(gzip_read(path, sizes[i], &b, &e), 0);
            assert_int_equal(b.size, sizes[i]);
            if (b.size)
                assert_memory_equal(b.data, plain, b.size);
            assert_int_equal(b.data[b.size], 0);
            buffer_free(&b);
        }
    expect(path, PLAIN - 1, "unpacks to more than 299999 bytes");
    assert_int_equal(gzip_write(path, plain, 1, 13, &e), -1);
    /* gzip(1) agrees, both ways */
    put(path, plain, PLAIN);
    char *command = xprintf("cd '%s' && cp a.gz plain && gzip -c plain > b.gz", dir), *other = path_join(dir, "b.gz");
    assert_int_equal(system(command), 0);
    assert_int_equal(gzip_read(other, PLAIN, &b, &e), 0);
    assert_int_equal(b.size, PLAIN);
    buffer_free(&b);
    free(command);
    assert_int_equal(gzip_write(other, plain, PLAIN, 6, &e), 0);
    command = xprintf("cd '%s' && gzip -dc b.gz | cmp - plain", dir);
    assert_int_equal(system(command), 0);
    free(command);
    /* no gzip magic: the bytes as they are */
    assert_int_equal(gzip_read(path, PLAIN, &b, &e), 0);
    assert_int_equal(b.size, PLAIN);
    buffer_free(&b);
    expect(path, PLAIN - 1, "larger than 299999 bytes");
    free(other);
    free(path);
    free(plain);
}

static void gzip_members(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer one, b;
    uint8_t *plain = plain_make();
    char *path = path_join(dir, "m.gz");
    uint8_t *both = xalloc(2 * PLAIN, 1);
    size_t size = 0;
    /* the last member is the smallest, so that its length is a poor hint of the whole */
    static const size_t part[] = {PLAIN - 5000, 0, 4990, 10};
    size_t from = 0;
    for (size_t i = 0; i < COUNT_OF(part); i++) {
        assert_int_equal(gzip_write(path, plain + from, part[i], 6, &e), 0);
        assert_int_equal(file_read(path, 2 * PLAIN, &one, &e), 0);
        memcpy(both + size, one.data, one.size);
        size += one.size;
        from += part[i];
        buffer_free(&one);
    }
    put(path, both, size);
    assert_int_equal(gzip_read(path, PLAIN, &b, &e), 0);
    assert_int_equal(b.size, PLAIN);
    assert_memory_equal(b.data, plain, PLAIN);
    buffer_free(&b);
    expect(path, PLAIN - 1, "unpacks to more than");
    /* zeros after the data are padding; anything else is not */
    put(path, both, size + 512);
    assert_int_equal(gzip_read(path, PLAIN, &b, &e), 0);
    assert_int_equal(b.size, PLAIN);
    buffer_free(&b);
    both[size + 3] = 1;
    put(path, both, size + 512);
    expect(path, PLAIN, "512 bytes after the gzip data");
    free(both);
    free(plain);
    free(path);
}

static void gzip_damage(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer whole;
    uint8_t *plain = plain_make();
    char *path = path_join(dir, "x.nii.gz");
    assert_int_equal(gzip_write(path, plain, PLAIN, 6, &e), 0);
    assert_int_equal(file_read(path, 2 * PLAIN, &whole, &e), 0);
    char *sentence = xprintf("cannot read '%s': gzip data ends early (the file is truncated; copy it again)", path);
    const size_t cut[] = {2, 9, 10, 17, 18, 500, whole.size / 2, whole.size - 9, whole.size - 8, whole.size - 1};
    for (size_t i = 0; i < COUNT_OF(cut); i++) {
        put(path, whole.data, cut[i]);
        expect(path, PLAIN, sentence);
    }
    /* a flipped bit anywhere but in the header's time and system fields is noticed */
    for (size_t at = 10; at < whole.size; at += 1 + whole.size / 60) {
        whole.data[at] ^= 4;
        put(path, whole.data, whole.size);
        struct buffer b;
        assert_int_equal(gzip_read(path, 2 * PLAIN, &b, &e), -1);
        whole.data[at] ^= 4;
    }
    whole.data[whole.size - 8] ^= 1; /* the checksum itself */
    put(path, whole.data, whole.size);
    expect(path, PLAIN, "gzip data is damaged (incorrect data check; copy it again)");
    whole.data[whole.size - 8] ^= 1;
    memset(whole.data + whole.size - 4, 0xff, 4); /* claims 4 GiB: neither believed nor allocated */
    put(path, whole.data, whole.size);
    expect(path, SIZE_MAX, "damaged");
    expect(path, 200000, "unpacks to more than 200000 bytes");
    free(sentence);
    buffer_free(&whole);
    free(plain);
    free(path);
}

/* 100 MB of zeros in 100 kB: refused before they are unpacked. */
static void gzip_bomb(void **state)
{
    (void)state;
    struct error e = {0};
    enum { ZEROS = 100000000 };
    char *path = path_join(dir, "bomb.gz");
    uint8_t *zeros = xalloc(ZEROS, 1);
    assert_int_equal(gzip_write(path, zeros, ZEROS, 1, &e), 0);
    free(zeros);
    expect(path, 1000000, "unpacks to more than 1000000 bytes");
    struct buffer b;
    assert_int_equal(gzip_read(path, ZEROS, &b, &e), 0);
    assert_int_equal(b.size, ZEROS);
    buffer_free(&b);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publication_is_whole),
        cmocka_unit_test(publication_obeys_the_umask),
        cmocka_unit_test(no_place_to_publish),
        cmocka_unit_test(a_full_disk_is_heard),
        cmocka_unit_test(rename_publishes),
        cmocka_unit_test(reading),
        cmocka_unit_test(paths),
        cmocka_unit_test(directories),
        cmocka_unit_test(digests),
        cmocka_unit_test(gzip_round_trip),
        cmocka_unit_test(gzip_members),
        cmocka_unit_test(gzip_damage),
        cmocka_unit_test(gzip_bomb),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
