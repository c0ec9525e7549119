/* SPDX-License-Identifier: Apache-2.0 */
/* common_rng -- Philox's published answers, and that what is drawn from it is exact and fair.   tests */
#include "common/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The known answers for philox4x32-10 that Random123 publishes (tests/kat_vectors): counter, key, block. */
static void philox_known_answers(void **state)
{
    (void)state;
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (size_t i = 0; i < 3; i++) {
        const uint32_t *k = known[i];
        struct rng r = rng_make(k[4] | (uint64_t)k[5] << 32, k[1], k[2] | (uint64_t)k[3] << 32);
        r.counter[0] = k[0];
        for (int w = 0; w < 4; w++)
            assert_int_equal(rng_u32(&r), k[6 + w]);
    }
}

static void a_pure_function(void **state)
{
    (void)state;
    struct rng a = rng_make(7, RNG_TEST, 1), b = rng_make(7, RNG_TEST, 1);
    uint32_t first[10];
    for (int i = 0; i < 10; i++) {
        first[i] = rng_u32(&a);
        assert_int_equal(first[i], rng_u32(&b));
    }
    /* each of the numbers matters, in both its halves */
    struct rng other[] = {rng_make(8, RNG_TEST, 1), rng_make(7 | 1ull << 32, RNG_TEST, 1), rng_make(7, RNG_PAIRS, 1),
                          rng_make(7, RNG_TEST, 2), rng_make(7, RNG_TEST, 1 | 1ull << 32)};
    for (size_t k = 0; k < COUNT_OF(other); k++) {
        int same = 0;
        for (int i = 0; i < 10; i++)
            same += rng_u32(&other[k]) == first[i];
        assert_true(same <= 1);
    }
}

static void uniform_is_24_bits(void **state)
{
    (void)state;
    struct rng a = rng_make(1, RNG_TEST, 0), b = a;
    double sum = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        float u = rng_uniform(&a);
        assert_true(u == (float)(rng_u32(&b) >> 8) / 16777216.0f);
        assert_true(u >= 0 && u < 1);
        sum += (double)u;
    }
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
}

static void range_stays_inside(void **state)
{
    (void)state;
    struct rng r = rng_make(1, RNG_TEST, 0);
    double least = INFINITY, most = -INFINITY, sum = 0;
    enum { N = 20000 };
    for (int i = 0; i < N; i++) {
        double v = rng_range(&r, -3, 5);
        least = v < least ? v : least;
        most = v > most ? v : most;
        sum += v;
    }
    assert_true(least >= -3 && least < -2.99 && most < 5 && most > 4.99);
    assert_true(fabs(sum / N - 1) < 5 * 8 * sqrt(1.0 / 12 / N));
    assert_true(rng_range(&r, 2, 2) == 2);
}

static void below_is_fair(void **state)
{
    (void)state;
    struct rng r = rng_make(1, RNG_TEST, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(rng_below(&r, 1), 0);
    enum { FACES = 7, N = 70000 };
    int seen[FACES] = {0};
    for (int i = 0; i < N; i++) {
        uint32_t face = rng_below(&r, FACES);
        assert_true(face < FACES);
        seen[face]++;
    }
    double chi2 = 0;
    for (int f = 0; f < FACES; f++)
        chi2 += pow(seen[f] - N / FACES, 2) / (N / FACES);
    assert_true(chi2 < 22.46); /* 6 degrees of freedom, 1 in 1000 */
    /* 3 * 2^30 of 2^32: without rejection every third number comes twice as often; by remainder the first third */
    int third = 0, low = 0;
    for (int i = 0; i < 30000; i++) {
        uint32_t v = rng_below(&r, 3u << 30);
        third += v % 3 == 0;
        low += v < 1u << 30;
    }
    assert_true(abs(low - 10000) < 5 * 82 && abs(third - 10000) < 5 * 82);
    /* what rejection must see: a whole range never goes over */
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, UINT32_MAX) < UINT32_MAX);
}

static void shuffle_is_a_permutation(void **state)
{
    (void)state;
    int first_place[4] = {0};
    for (uint32_t trial = 0; trial < 4000; trial++) {
        struct rng r = rng_make(3, RNG_TEST, trial);
        uint32_t index[4] = {0, 1, 2, 3}, mask = 0;
        rng_shuffle(&r, index, 4);
        for (int i = 0; i < 4; i++)
            mask |= 1u << index[i];
        assert_int_equal(mask, 15);
        first_place[index[0]]++;
    }
    for (int i = 0; i < 4; i++)
        assert_true(abs(first_place[i] - 1000) < 140);
    struct rng r = rng_make(3, RNG_TEST, 0);
    rng_shuffle(&r, NULL, 0);
}

static void normal_is_box_muller(void **state)
{
    (void)state;
    struct rng a = rng_make(5, RNG_TEST, 9), b = a;
    double sum = 0, sum2 = 0, sum4 = 0;
    enum { PAIRS = 50000 };
    for (int i = 0; i < PAIRS; i++) {
        double u = ((double)(rng_u32(&b) >> 8) + 1) / 16777216.0, v = (double)rng_u32(&b) / 4294967296.0;
        double radius = sqrt(-2 * log(u)), angle = 2 * 3.14159265358979323846 * v;
        double expected[2] = {radius * cos(angle), radius * sin(angle)};
        for (int k = 0; k < 2; k++) {
            double z = (double)rng_normal(&a);
            assert_true(fabs(z - expected[k]) < 1e-6);
            sum += z;
            sum2 += z * z;
            sum4 += z * z * z * z;
        }
    }
    double n = 2 * PAIRS;
    assert_true(fabs(sum / n) < 5 / sqrt(n));
    assert_true(fabs(sum2 / n - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(sum4 / n - 3) < 5 * sqrt(96 / n));
}

/* The very bits, so that no compiler or C library changes them unseen. */
static void normal_bits(void **state)
{
    (void)state;
    struct rng r = rng_make(42, RNG_TEST, 7);
    static const uint32_t known[4] = {0x3d8dc452, 0x3fc72346, 0x3e1c24ce, 0xbe73addc};
    for (int i = 0; i < 4; i++) {
        float z = rng_normal(&r);
        uint32_t bits;
        memcpy(&bits, &z, sizeof bits);
        assert_int_equal(bits, known[i]);
    }
}

/* one number a use, fit for a word of Philox's counter */
static void streams_are_distinct(void **state)
{
    (void)state;
#define NUMBER(name, number) RNG_##name,
#define NAME(name, number)   #name,
    static const uint32_t stream[] = {RNG_STREAMS(NUMBER)};
    static const char *const name[] = {RNG_STREAMS(NAME)};
    assert_true(COUNT_OF(stream) >= 10);
    for (size_t i = 0; i < COUNT_OF(stream); i++)
        for (size_t k = 0; k < i; k++)
            if (stream[i] == stream[k])
                fail_msg("streams %s and %s are both %u", name[k], name[i], stream[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers), cmocka_unit_test(a_pure_function),
        cmocka_unit_test(uniform_is_24_bits),   cmocka_unit_test(range_stays_inside),
        cmocka_unit_test(below_is_fair),        cmocka_unit_test(shuffle_is_a_permutation),
        cmocka_unit_test(normal_is_box_muller), cmocka_unit_test(normal_bits),
        cmocka_unit_test(streams_are_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
