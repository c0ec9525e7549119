/* SPDX-License-Identifier: Apache-2.0 */
/* store -- what was written comes back; what is damaged, torn or short is said; equal calls make equal bytes. */
#include "common/store.h"
#include "common/file.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[256], path[300];

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    struct error e = {0};
    format_into(dir, sizeof dir, "%s/petrel-store-%d", tmp ? tmp : "/tmp", (int)getpid());
    format_into(path, sizeof path, "%s/a.h5", dir);
    return dir_make(dir, &e);
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir); /* and so: nothing temporary was left */
}

enum { ROWS = 5, WIDTH = 700 };
static float box[ROWS][WIDTH];
static const uint64_t box_dim[2] = {ROWS, WIDTH}, none_dim[2] = {0, WIDTH};
static const int64_t wide[3] = {-1, INT64_MIN, INT64_MAX};

static int write_sample(struct error *e)
{
    struct store *s = NULL;
    static const double affine[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -0.5};
    static const uint64_t wide_dim[1] = {3};
    const double unknown = (double)NAN;
    for (int i = 0; i < ROWS * WIDTH; i++)
        box[i / WIDTH][i % WIDTH] = (float)i * 0.25f;
    if (store_create(&s, path, e))
        return -1;
    if (store_write(s, "/box", STORE_F32, 2, box_dim, 1, box, e) ||
        store_write(s, "/roi/deep/wide", STORE_I64, 1, wide_dim, 0, wide, e) ||
        store_write(s, "/roi/none", STORE_F32, 2, none_dim, 1, NULL, e) || store_set_text(s, "/", "patient", "Ünal", e) ||
        store_set_text(s, "/", "empty", "", e) || store_set_real(s, "/roi", "affine", 12, affine, e) ||
        store_set_real(s, "/roi", "unknown", 1, &unknown, e) || store_set_int(s, "/box", "channels", -7, e)) {
        store_close(&s);
        return -1;
    }
    for (int i = 0; i < 20; i++) { /* more than eight attributes lie in another structure of the file */
        char name[16];
        format_into(name, sizeof name, "n%d", i);
        if (store_set_int(s, "/roi", name, i, e)) {
            store_close(&s);
            return -1;
        }
    }
    return store_commit(&s, e);
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s;
    if (write_sample(&e) || store_open(&s, path, &e) || store_verify(s, &e))
        fail_msg("%s", e.text);
    int ndim;
    uint64_t dim[8];
    float rows[2][WIDTH];
    double two[WIDTH];
    int64_t back[3], number;
    char text[16];
    double affine[12];
    assert_int_equal(store_shape(s, "/box", &ndim, dim, &e), 0);
    assert_true(ndim == 2 && dim[0] == ROWS && dim[1] == WIDTH);
    assert_int_equal(store_read(s, "/box", STORE_F32, 3, 2, rows, &e), 0);
    assert_memory_equal(rows, box[3], sizeof rows);
    assert_int_equal(store_read(s, "/box", STORE_F64, 1, 1, two, &e), 0); /* converted */
    assert_true(two[1] == (double)box[1][1]);
    assert_int_equal(store_read(s, "/roi/deep/wide", STORE_I64, 0, 3, back, &e), 0);
    assert_memory_equal(back, wide, sizeof wide);
    assert_int_equal(store_shape(s, "/roi/none", &ndim, dim, &e), 0);
    assert_true(ndim == 2 && dim[0] == 0);
    assert_int_equal(store_read(s, "/roi/none", STORE_F32, 0, 0, rows, &e), 0);
    assert_int_equal(store_has(s, "/roi/deep/wide", &e), 1);
    assert_int_equal(store_has(s, "/roi/absent", &e), 0);
    assert_int_equal(store_has(s, "/no/such/group", &e), 0);
    assert_int_equal(store_has_attribute(s, "/nothing", "a", &e), -1); /* no "no" */
    assert_int_equal(store_get_text(s, "/", "patient", text, sizeof text, &e), 0);
    assert_string_equal(text, "Ünal");
    assert_int_equal(store_get_text(s, "/", "empty", text, sizeof text, &e), 0);
    assert_string_equal(text, "");
    assert_int_equal(store_get_real(s, "/roi", "affine", 12, affine, &e), 0);
    assert_true(affine[11] == -0.5);
    assert_int_equal(store_get_real(s, "/roi", "unknown", 1, affine, &e), 0);
    assert_true(isnan(affine[0]));
    assert_int_equal(store_get_int(s, "/box", "channels", &number, &e), 0);
    assert_int_equal(number, -7);
    assert_int_equal(store_read(s, "/box", STORE_F32, 4, 2, rows, &e), -1);
    assert_non_null(strstr(e.text, "rows 4 to 6 of 5"));
    assert_int_equal(store_shape(s, "/absent", &ndim, dim, &e), -1);
    assert_int_equal(store_get_text(s, "/", "patient", text, 3, &e), -1);
    assert_int_equal(store_get_real(s, "/roi", "affine", 3, affine, &e), -1);
    assert_int_equal(store_get_int(s, "/", "patient", &number, &e), -1);
    store_close(&s);
    assert_null(s);
}

static void h5dump_reads_it(void **state)
{
    (void)state;
    struct error e = {0};
    if (system("command -v h5dump >/dev/null"))
        skip();
    assert_int_equal(write_sample(&e), 0);
    char *command = xprintf("h5dump '%s' >/dev/null", path);
    assert_int_equal(system(command), 0);
    free(command);
}

static void equal_calls_make_equal_bytes(void **state)
{
    (void)state;
    struct error e = {0};
    char first[65], again[65];
    assert_int_equal(write_sample(&e) || file_sha256(path, first, &e), 0);
    usleep(1100000); /* another second on the clock */
    assert_int_equal(write_sample(&e) || file_sha256(path, again, &e), 0);
    assert_string_equal(first, again);
}

static void abandoned_leaves_nothing(void **state)
{
    (void)state;
    struct error e = {0};
    struct store *s;
    struct names names;
    unlink(path);
    assert_int_equal(store_create(&s, path, &e), 0);
    assert_int_equal(store_write(s, "/box", STORE_F32, 2, box_dim, 1, box, &e), 0);
    store_close(&s);
    assert_int_equal(dir_list(dir, &names, &e), 0);
    assert_int_equal(names.count, 0);
    names_free(&names);
    assert_int_equal(store_open(&s, path, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    assert_int_equal(store_create(&s, "/no/such/folder/a.h5", &e), -1);
    assert_int_equal(e.code, EX_CANTCREAT);
}

/* A file that may not grow stands for a full disk; in a child, for HDF5 does not forget a failed write. */
static void full_disk_publishes_nothing(void **state)
{
    (void)state;
    unlink(path);
    struct names names;
    struct error e = {0};
    for (rlim_t bytes = 1024; bytes < 16384; bytes += 3000) {
        pid_t child = fork();
        if (child == 0) {
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, bytes});
            _exit(write_sample(&e) == 0 ? 99 : e.code);
        }
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EX_IOERR);
        assert_int_equal(dir_list(dir, &names, &e), 0);
        assert_int_equal(names.count, 0);
        names_free(&names);
    }
}

static bool reads_well(void)
{
    struct error e = {0};
    struct store *s;
    if (store_open(&s, path, &e))
        return false;
    bool good = store_verify(s, &e) == 0;
    if (!good && (!e.text[0] || !e.code))
        fail_msg("refused without a sentence");
    store_close(&s);
    return good;
}

/* A bit a byte: HDF5's file has unused room between its parts, where a flip changes nothing that is read. */
static void flipped_bits_are_seen(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer b;
    assert_int_equal(write_sample(&e) || file_read(path, 1 << 20, &b, &e), 0);
    FILE *f = fopen(path, "r+b");
    size_t flips = 0, unseen = 0, unseen_bad = 0;
    for (size_t i = 0; i < b.size; i += i < 2000 ? 3 : 37) {
        uint8_t bit = (uint8_t)(1u << i % 8), old = b.data[i], changed = (uint8_t)(old ^ bit);
        fseek(f, (long)i, SEEK_SET);
        fwrite(&changed, 1, 1, f);
        fflush(f);
        flips++;
        if (reads_well()) {
            unseen++;
            struct store *s;
            float back[ROWS][WIDTH];
            assert_int_equal(store_open(&s, path, &e) || store_read(s, "/box", STORE_F32, 0, ROWS, back, &e), 0);
            unseen_bad += memcmp(back, box, sizeof box) != 0;
            store_close(&s);
        }
        fseek(f, (long)i, SEEK_SET);
        fwrite(&old, 1, 1, f);
        fflush(f);
    }
    fclose(f);
    buffer_free(&b);
    print_message("%zu flips, %zu in unused room, %zu of them harmful\n", flips, unseen, unseen_bad);
    assert_int_equal(unseen_bad, 0);
    assert_true(reads_well());
}

static void truncation_is_seen(void **state)
{
    (void)state;
    struct error e = {0};
    struct stat about;
    assert_int_equal(write_sample(&e) || stat(path, &about), 0);
    for (off_t size = about.st_size - 1; size >= 0; size -= 997) {
        assert_int_equal(truncate(path, size), 0);
        assert_false(reads_well());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back),   cmocka_unit_test(h5dump_reads_it),
        cmocka_unit_test(equal_calls_make_equal_bytes), cmocka_unit_test(abandoned_leaves_nothing),
        cmocka_unit_test(full_disk_publishes_nothing),  cmocka_unit_test(flipped_bits_are_seen),
        cmocka_unit_test(truncation_is_seen),
    };
    return cmocka_run_group_tests_name("store", tests, setup, teardown);
}
