/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: our bytes back, the format as others write it, and damage. */
#include "common/safetensors.h"
#include "common/file.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[256];

static int setup(void **state)
{
    (void)state;
    const char *dir = getenv("TMPDIR");
    format_into(path, sizeof path, "%s/petrel-safetensors-%d", dir ? dir : "/tmp", (int)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static const float weight[6] = {1, -2.5f, 3e-30f, 0, 7, INFINITY};
static const int64_t counter[1] = {INT64_C(1234567890123)};
static const uint8_t bytes[3] = {1, 2, 255};

static void write_sample(void)
{
    struct safetensors s = {0};
    struct error e = {0};
    safetensors_add(&s, "conv1.weight", TENSOR_F32, 3, (int64_t[]){3, 1, 2}, weight);
    safetensors_add(&s, "flags", TENSOR_U8, 1, (int64_t[]){3}, bytes);
    safetensors_add(&s, "bn1.num_batches_tracked", TENSOR_I64, 0, NULL, counter);
    safetensors_add(&s, "empty", TENSOR_F32, 2, (int64_t[]){0, 4}, NULL);
    safetensors_set(&s, "recipe", "paper");
    safetensors_set(&s, "step", "12");
    safetensors_set(&s, "step", "13");
    if (safetensors_write(&s, path, &e))
        fail_msg("%s", e.text);
    safetensors_free(&s);
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    struct safetensors s;
    struct error e = {0};
    write_sample();
    if (safetensors_read(&s, path, &e))
        fail_msg("%s", e.text);
    assert_int_equal(s.tensor_count, 4);
    const struct tensor_entry *t = safetensors_find(&s, "conv1.weight");
    assert_non_null(t);
    assert_true(t->ndim == 3 && t->dim[0] == 3 && t->dim[1] == 1 && t->dim[2] == 2 && tensor_count(t) == 6);
    assert_memory_equal(t->data, weight, sizeof weight);
    t = safetensors_find(&s, "bn1.num_batches_tracked");
    assert_true(t && t->ndim == 0 && *(const int64_t *)t->data == counter[0]);
    t = safetensors_find(&s, "flags");
    assert_true(t && t->type == TENSOR_U8 && memcmp(t->data, bytes, 3) == 0);
    assert_non_null(safetensors_find(&s, "empty"));
    assert_string_equal(safetensors_get(&s, "step"), "13");
    assert_null(safetensors_get(&s, "absent"));
    safetensors_free(&s);
}

static void same_bytes_every_time(void **state)
{
    (void)state;
    char first[65], again[65];
    struct error e = {0};
    write_sample();
    assert_int_equal(file_sha256(path, first, &e), 0);
    write_sample();
    assert_int_equal(file_sha256(path, again, &e), 0);
    assert_string_equal(first, again);
}

static void put(const char *header, const void *data, size_t size, uint64_t claimed)
{
    struct error e = {0};
    uint64_t length = claimed ? claimed : strlen(header);
    struct buffer b = {.data = xalloc(8 + strlen(header) + size + 1, 1), .size = 8 + strlen(header) + size};
    memcpy(b.data, &length, 8);
    memcpy(b.data + 8, header, strlen(header));
    if (size)
        memcpy(b.data + 8 + strlen(header), data, size);
    assert_int_equal(publish_bytes(path, b.data, b.size, &e), 0);
    buffer_free(&b);
}

/* Written by hand from the format's description: another order, no padding, spaces behind the header, no sum. */
static void another_writer_is_read(void **state)
{
    (void)state;
    uint8_t data[4 + 8 + 1];
    float f = 2.5f;
    double d = -1e300;
    memcpy(data + 1, &f, 4);
    memcpy(data + 5, &d, 8);
    data[0] = 9;
    put("{\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[5,13]},\"a\":{\"shape\":[],\"data_offsets\":[1,5],"
        "\"dtype\":\"F32\"},"
        "\"c\":{\"dtype\":\"U8\",\"shape\":[1,1],\"data_offsets\":[0,1]}}   ",
        data, sizeof data, 0);
    struct safetensors s;
    struct error e = {0};
    if (safetensors_read(&s, path, &e))
        fail_msg("%s", e.text);
    assert_true(*(const float *)safetensors_find(&s, "a")->data == 2.5f);
    assert_true(*(const double *)safetensors_find(&s, "b")->data == -1e300);
    assert_true(*(const uint8_t *)safetensors_find(&s, "c")->data == 9);
    safetensors_free(&s);
}

static void damage_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t size;
        uint64_t claimed;
        const char *said;
    } cases[] = {
        {"{}", 0, UINT64_MAX, "cut short"},
        {"{}", 0, 3, "cut short"},
        {"x", 0, 0, "cut short"},
        {"{\"a\"}", 0, 0, "no JSON"},
        {"{\"a\":1}", 0, 0, "lacks its dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, 0, "lacks its dtype"},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, 0, "'BF16'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, 0, "its shape wants 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, 0, "cut short or damaged"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, 0, "a shape that is none"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}", 4, 0,
         "a shape that is none"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, 0, "9 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, 0, "behind the last tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[0,4]}}",
         4, 0, "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, 0, "leave a hole"},
        {"{\"__metadata__\":{\"petrel_xxh3\":\"00\"}}", 0, 0, "damaged"},
        {"{\"__metadata__\":{\"petrel_xxh4\":\"0000000000000000\"}}", 0, 0, "was petrel_xxh3 once"},
        {"{\"__metadata__\":{\"PETREL_XXH\":\"2d06800538d394c2\"}}", 0, 0, "was petrel_xxh3 once"}, /* of no bytes */
        {"{\"__metadata__\":{\"k\":1}}", 0, 0, "is no text"},
    };
    static const uint8_t zeros[16];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct safetensors s;
        struct error e = {0};
        put(cases[i].header, zeros, cases[i].size, cases[i].claimed);
        assert_int_equal(safetensors_read(&s, path, &e), -1);
        if (!strstr(e.text, cases[i].said) || !strstr(e.text, path))
            fail_msg("case %zu: '%s' does not say '%s'", i, e.text, cases[i].said);
    }
}

/* Every bit of a file that Petrel wrote: header, metadata, numbers, the sum and its name. */
static void no_flipped_bit_is_unseen(void **state)
{
    (void)state;
    struct buffer b;
    struct error e = {0};
    write_sample();
    assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
    size_t unseen = 0;
    for (size_t i = 0; i < 8 * b.size; i++) {
        b.data[i / 8] ^= (uint8_t)(1u << i % 8);
        FILE *f = fopen(path, "wb");
        assert_int_equal(fwrite(b.data, 1, b.size, f), b.size);
        fclose(f);
        struct safetensors s;
        if (safetensors_read(&s, path, &e) == 0) {
            unseen++;
            safetensors_free(&s);
        }
        b.data[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    print_message("%zu of %zu flipped bits unseen\n", unseen, 8 * b.size);
    assert_int_equal(unseen, 0);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),   cmocka_unit_test(same_bytes_every_time),
        cmocka_unit_test(another_writer_is_read),   cmocka_unit_test(damage_is_said),
        cmocka_unit_test(no_flipped_bit_is_unseen),
    };
    return cmocka_run_group_tests_name("safetensors", tests, setup, teardown);
}
