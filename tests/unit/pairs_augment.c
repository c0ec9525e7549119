/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_augment -- the augmentations against MONAI's numbers, the noise against Philox, the draws against their ranges.   tests/unit */
#include "common/file.h"
#include "proto/message.h"
#include "stages/pairs/augment.h"
#include "stages/pairs/normals.h"
#include "stages/pairs/vector.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CASES_MAX = 32, PARAMETERS_MAX = HISTOGRAM_POINTS_MAX };

/* make.py's box, and its second channel behind it */
static void box_fill(float box[2 * BOX_VOXELS])
{
    float *second = box + BOX_VOXELS;
    for (int z = 0; z < 16; z++)
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 16; x++) {
                *box++ =
                    (float)((z * 37 + y * 101 + x * 211 + z * y * 7 + y * x * 13 + z * x * 5) % 1009) / 1009.0f - 0.5f;
                *second++ = (float)((z * 53 + y * 17 + x * 97 + z * x * 11) % 613) / 613.0f * 2.5f - 1.75f;
            }
}

static struct recipe ranges(void)
{
    return (struct recipe){.affine_rotate_rad = 0.3,
                           .affine_shear = 0.1,
                           .affine_translate_voxels = 2,
                           .affine_scale = 0.2,
                           .rotate_rad = 0.5,
                           .noise_sd = 0.1,
                           .gamma_low = 0.5,
                           .gamma_high = 4.5,
                           .histogram_points = 10};
}

static const struct augmentation *named(const char *name)
{
    struct chain chain;
    struct recipe r = ranges();
    assert_int_equal(chain_parse(&chain, name, 1, &r, NULL), 0);
    return augmentations[chain.step[0]];
}

static union draw draw_of(const char *name, const double *p, int count)
{
    union draw d = {0};
    if (!strcmp(name, "affine")) {
        memcpy(d.affine.rotate_rad, p, 3 * sizeof *p);
        memcpy(d.affine.shear, p + 3, 6 * sizeof *p);
        memcpy(d.affine.translate_voxels, p + 9, 3 * sizeof *p);
        memcpy(d.affine.scale, p + 12, 3 * sizeof *p);
    } else if (!strcmp(name, "rotate")) {
        memcpy(d.rotate.rad, p, 3 * sizeof *p);
    } else if (!strcmp(name, "histogram")) {
        d.histogram.points = count;
        for (int i = 0; i < count; i++)
            d.histogram.point[i] = (float)p[i];
    } else if (!strcmp(name, "contrast")) {
        d.contrast.gamma = (float)p[0];
    }
    return d;
}

static void agrees_with_monai(void **state)
{
    (void)state;
    struct buffer table, made;
    struct error e = {0};
    assert_int_equal(file_read("tests/golden/augment/cases.tsv", 1 << 20, &table, &e), 0);
    assert_int_equal(file_read("tests/golden/augment/boxes.bin", 1 << 24, &made, &e), 0);
    size_t boxes = 0, cases[2] = {0};
    char *rest = NULL;
    for (char *line = strtok_r((char *)table.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '#')
            continue;
        char *words = NULL, *title = strtok_r(line, "\t", &words), *kind = strtok_r(NULL, "\t", &words);
        const int channels = (int)strtol(strtok_r(NULL, "\t", &words), NULL, 10), voxels = channels * BOX_VOXELS;
        double p[PARAMETERS_MAX] = {0};
        int count = 0;
        for (char *word; (word = strtok_r(NULL, "\t", &words));)
            p[count++] = strtod(word, NULL);
        float box[2 * BOX_VOXELS], want[2 * BOX_VOXELS], untouched[2 * BOX_VOXELS];
        box_fill(box);
        memcpy(untouched, box, sizeof box);
        assert_true((boxes + (size_t)channels) * BOX_VOXELS * sizeof *want <= made.size);
        memcpy(want, made.data + boxes * BOX_VOXELS * sizeof *want, (size_t)voxels * sizeof *want);
        boxes += (size_t)channels;
        cases[channels - 1]++;
        union draw d = draw_of(kind, p, count);
        named(kind)->apply(box, channels, &d);
        double worst = 0;
        for (int i = 0; i < voxels; i++) {
            double off = fabs((double)box[i] - (double)want[i]);
            worst = off <= worst ? worst : off; /* a NaN stays */
        }
        if (!(worst < 1e-5))
            fail_msg("%s: off by %g", title, worst);
        assert_memory_equal(box + voxels, untouched + voxels, (size_t)(2 * BOX_VOXELS - voxels) * sizeof *box);
    }
    assert_int_equal(made.size, boxes * BOX_VOXELS * sizeof(float));
    assert_true(cases[0] >= 9 && cases[1] >= 8);
    buffer_free(&table);
    buffer_free(&made);
}

static void vector_functions_agree_with_libm(void **state)
{
    (void)state;
    for (double x = 1e-30; x < 1e30; x *= 1.0137) {
        double want = log((double)(float)x);
        assert_true(fabs((double)vector_log((float)x) - want) < 1e-7 + 1.2e-7 * fabs(want));
    }
    assert_true(vector_log(1.0f) == 0.0f);
    for (double x = -126; x <= 126; x += 0.0137) {
        double want = exp2((double)(float)x);
        assert_true(fabs((double)vector_exp2((float)x) - want) < 3e-7 * want);
    }
    for (int i = 0; i < 4096; i++) {
        float s, c;
        vector_sincos((float)i / 4096.0f, &s, &c);
        assert_true(fabs((double)s - sin(2 * M_PI * i / 4096)) < 2.5e-7);
        assert_true(fabs((double)c - cos(2 * M_PI * i / 4096)) < 2.5e-7);
    }
    float x[48], low, high;
    for (int i = 0; i < 48; i++)
        x[i] = (float)((i * 29) % 48);
    vector_extremes(x, 48, &low, &high);
    assert_true(low == 0.0f && high == 47.0f);
}

static void noise_bits_are_philox(void **state)
{
    (void)state;
    static uint32_t words[4][NORMALS_BLOCKS];
    const uint64_t seed = 0x123456789abcdefULL, index = 0xfedcba9876543210ULL;
    normals_words(words, seed, RNG_AUGMENT, index, 0);
    struct rng r = rng_make(seed, RNG_AUGMENT, index);
    for (int b = 0; b < NORMALS_BLOCKS; b++)
        for (int w = 0; w < 4; w++)
            assert_int_equal(words[w][b], rng_u32(&r));
}

static void noise_is_normal_and_as_documented(void **state)
{
    (void)state;
    static uint32_t words[4][NORMALS_BLOCKS];
    double sum = 0, squares = 0, cubes = 0, fourths = 0, beyond = 0;
    enum { VIEWS = 64 };
    for (uint64_t view = 0; view < VIEWS; view++) {
        float box[BOX_VOXELS] = {0};
        normals_add(box, 1.0f, 5, RNG_AUGMENT, view, NOISE_FIRST_BLOCK);
        normals_words(words, 5, RNG_AUGMENT, view, NOISE_FIRST_BLOCK);
        for (int b = 0; b < NORMALS_BLOCKS; b++)
            for (int w = 0; w < 4; w++) {
                double radius = sqrt(-2 * log(((words[w][b] & 0xffff) + 0.5) / 65536)),
                       angle = 2 * M_PI * (words[w][b] >> 16) / 65536;
                assert_true(fabs((double)box[w * 1024 + b] - radius * cos(angle)) < 2e-6);
                assert_true(fabs((double)box[w * 1024 + 512 + b] - radius * sin(angle)) < 2e-6);
            }
        for (int i = 0; i < BOX_VOXELS; i++) {
            double x = (double)box[i];
            sum += x, squares += x * x, cubes += x * x * x, fourths += x * x * x * x, beyond += fabs(x) > 1.959964;
        }
    }
    double n = VIEWS * BOX_VOXELS;
    assert_true(fabs(sum / n) < 5 / sqrt(n));
    assert_true(fabs(squares / n - 1) < 5 * sqrt(2 / n));
    assert_true(fabs(cubes / n) < 5 * sqrt(15 / n));
    assert_true(fabs(fourths / n - 3) < 5 * sqrt(96 / n));
    assert_true(fabs(beyond / n - 0.05) < 5 * sqrt(0.05 * 0.95 / n));
}

static void draws_stay_in_their_ranges(void **state)
{
    (void)state;
    struct recipe r = ranges();
    double largest[3] = {0}, gamma_low = 9, gamma_high = 0, sd_high = 0;
    for (uint64_t view = 0; view < 2000; view++) {
        struct view_rng v = view_rng_make(3, view, 0);
        union draw d;
        augment_affine.draw(&d, &r, &v);
        for (int i = 0; i < 3; i++) {
            assert_true(fabs(d.affine.rotate_rad[i]) <= 0.3 && fabs(d.affine.translate_voxels[i]) <= 2 &&
                        fabs(d.affine.scale[i] - 1) <= 0.2);
            largest[i] = fmax(largest[i], fabs(d.affine.translate_voxels[i]));
        }
        for (int i = 0; i < 6; i++)
            assert_true(fabs(d.affine.shear[i]) <= 0.1);
        augment_rotate.draw(&d, &r, &v);
        for (int i = 0; i < 3; i++)
            assert_true(fabs(d.rotate.rad[i]) <= 0.5);
        augment_noise.draw(&d, &r, &v);
        assert_true(d.noise.sd >= 0 && d.noise.sd <= 0.1f);
        sd_high = fmax(sd_high, (double)d.noise.sd);
        augment_contrast.draw(&d, &r, &v);
        assert_true(d.contrast.gamma >= 0.5f && d.contrast.gamma <= 4.5f);
        gamma_low = fmin(gamma_low, (double)d.contrast.gamma), gamma_high = fmax(gamma_high, (double)d.contrast.gamma);
        augment_histogram.draw(&d, &r, &v);
        assert_true(d.histogram.points == 10 && d.histogram.point[0] == 0 && d.histogram.point[9] == 1);
        for (int i = 1; i < 10; i++)
            assert_true(d.histogram.point[i] >= d.histogram.point[i - 1] &&
                        (i == 9 || d.histogram.point[i] <= (float)(i + 1) / 9));
    }
    assert_true(largest[0] > 1.9 && largest[1] > 1.9 && largest[2] > 1.9 && gamma_low < 0.6 && gamma_high > 4.4 &&
                sd_high > 0.095);
}

static void chain_takes_each_step_with_its_probability(void **state)
{
    (void)state;
    struct recipe r = ranges();
    struct chain c;
    assert_int_equal(chain_parse(&c, "affine,flip,rotate,noise,histogram", 0.8, &r, NULL), 0);
    assert_int_equal(c.count, 5);
    size_t count[5] = {0};
    for (uint64_t view = 0; view < 4000; view++) {
        struct drawn_chain d, again;
        chain_draw(&d, &c, &r, 7, view);
        chain_draw(&again, &c, &r, 7, view);
        assert_int_equal(d.count, again.count);
        for (size_t i = 0, k = 0; k < d.count; k++) {
            assert_int_equal(d.step[k].what, again.step[k].what);
            while (d.step[k].what != c.step[i])
                i++; /* in the list's order: runs out of the five otherwise */
            assert_true(i < 5);
            count[i]++;
        }
    }
    for (int i = 0; i < 5; i++)
        assert_true(fabs((double)count[i] / 4000 - 0.8) < 5 * sqrt(0.8 * 0.2 / 4000));
    struct drawn_chain d;
    assert_int_equal(chain_parse(&c, "noise,flip", 1, &r, NULL), 0);
    chain_draw(&d, &c, &r, 7, 0);
    assert_int_equal(d.count, 2);
    assert_int_equal(chain_parse(&c, "noise", 0, &r, NULL), 0);
    chain_draw(&d, &c, &r, 7, 0);
    assert_int_equal(d.count, 0);
    assert_int_equal(chain_parse(&c, "none", 1, &r, NULL), 0);
    assert_int_equal(c.count, 0);
}

static void chain_refuses_by_name(void **state)
{
    (void)state;
    struct recipe r = ranges();
    struct chain c;
    struct error e = {0};
    assert_int_equal(chain_parse(&c, "affine,blur", 1, &r, &e), -1);
    assert_non_null(strstr(e.text, "'blur'"));
    assert_int_equal(e.code, EX_CONFIG);
    assert_int_equal(chain_parse(&c, "affine,", 1, &r, &e), -1);
    assert_int_equal(chain_parse(&c,
                                 "flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip,flip",
                                 1, &r, &e),
                     -1);
    r.histogram_points = 65;
    assert_int_equal(chain_parse(&c, "flip", 1, &r, &e), -1);
}

/* same view, same bytes; another view, other bytes; every augmentation alone, and constant boxes stay finite */
static void applying_is_a_function_of_its_draw(void **state)
{
    (void)state;
    struct recipe r = ranges();
    const char *names[] = {"affine", "flip", "rotate", "noise", "histogram", "contrast"};
    for (size_t k = 0; k < COUNT_OF(names); k++) {
        struct chain c;
        assert_int_equal(chain_parse(&c, names[k], 1, &r, NULL), 0);
        static float box[3][2 * BOX_VOXELS], flat[2 * BOX_VOXELS];
        for (int i = 0; i < 3; i++) {
            box_fill(box[i]);
            struct drawn_chain d;
            chain_draw(&d, &c, &r, 11, i == 2);
            chain_apply(&d, box[i], 2);
            for (int v = 0; v < 2 * BOX_VOXELS; v++)
                flat[v] = i == 0 ? 0.0f : 2.5f;
            chain_apply(&d, flat, 2);
            for (int v = 0; v < 2 * BOX_VOXELS; v++) {
                assert_true(isfinite(flat[v]) && isfinite(box[i][v]));
                assert_true(!strcmp(names[k], "noise") || fabsf(flat[v] - (i == 0 ? 0.0f : 2.5f)) < 1e-5f);
            }
        }
        assert_memory_equal(box[0], box[1], sizeof box[0]);
        if (strcmp(names[k], "flip"))
            assert_memory_not_equal(box[0], box[2], sizeof box[0]);
    }
}

/* No two channels of a view share their noise. */
static void channels_have_their_own_noise(void **state)
{
    (void)state;
    float box[2 * BOX_VOXELS] = {0};
    union draw d = {.noise = {.sd = 1, .seed = 1, .index = 4}};
    augment_noise.apply(box, 2, &d);
    assert_memory_not_equal(box, box + BOX_VOXELS, BOX_VOXELS * sizeof *box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_monai),
        cmocka_unit_test(vector_functions_agree_with_libm),
        cmocka_unit_test(noise_bits_are_philox),
        cmocka_unit_test(noise_is_normal_and_as_documented),
        cmocka_unit_test(draws_stay_in_their_ranges),
        cmocka_unit_test(chain_takes_each_step_with_its_probability),
        cmocka_unit_test(chain_refuses_by_name),
        cmocka_unit_test(applying_is_a_function_of_its_draw),
        cmocka_unit_test(channels_have_their_own_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
