/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_views -- more views than two of a pair, in both layouts; windows, slices; the same bytes whoever makes them.   tests/unit */
#include "stages/pairs/batch.h"
#include "stages/pairs/views.h"
#include "tests/unit/pairs_bench.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct pair_batch_message make(struct workbench *b, int32_t phase, int32_t views, int32_t layout, int32_t drawn)
{
    struct pair_task_message t = {.phase = phase,
                                  .seed = 4,
                                  .epoch = 1,
                                  .step = 1,
                                  .sampling = b->sampler.plan.digest,
                                  .views_wanted = views,
                                  .layout = layout,
                                  .drawn = drawn};
    struct pair_batch_message m;
    struct error e = {0};
    if (batch_make(b, &t, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

static const float *box_of(const struct pair_batch_message *m, int view, int n)
{
    return m->box + (size_t)(view * m->count + n) * BOX_VOXELS;
}
static const int32_t *window_of(const struct pair_batch_message *m, int view, int n)
{
    return m->window + (size_t)(view * m->count + n) * VIEW_WINDOW;
}
static uint32_t region_of(const struct pair_batch_message *m, int view, int n)
{
    return m->region[view * m->count + n];
}

/* The first two views are what two views are, to the bit; the rest are windows of the pair's regions in turn. */
static void local_crops_come_on_top(void **state)
{
    (void)state;
    struct recipe r;
    struct workbench b;
    pairs_recipe(&r);
    open_bench(&b, &r, 1);
    struct pair_batch_message two = make(&b, PHASE_PRETRAIN, 0, VIEWS_PAIR, 0),
                              six = make(&b, PHASE_PRETRAIN, 6, VIEWS_PAIR, 0);
    bool sides[17] = {false};
    assert_int_equal(two.views, 2);
    assert_int_equal(six.views, 6);
    assert_int_equal(six.count, two.count);
    assert_memory_equal(two.box, six.box, 2 * (size_t)two.count * BOX_VOXELS * sizeof(float));
    assert_memory_equal(two.position, six.position, 2 * (size_t)two.count * POSITION_SIZE * sizeof(float));
    for (int n = 0; n < six.count; n++)
        for (int v = 0; v < 6; v++) {
            const int32_t *w = window_of(&six, v, n);
            assert_int_equal(region_of(&six, v, n), region_of(&six, v % 2, n));
            assert_int_equal(w[4], -1);
            assert_true(v < 2 ? w[3] == BOX_SIDE : w[3] >= 6 && w[3] <= 12);
            for (int a = 0; a < 3; a++)
                assert_true(w[a] >= 0 && w[a] + w[3] <= BOX_SIDE);
            sides[w[3]] = true;
            for (int u = 2; u < v; u++)
                assert_memory_not_equal(box_of(&six, u, n), box_of(&six, v, n), BOX_VOXELS * sizeof(float));
        }
    for (int side = 6; side <= 12; side++) /* 64 of 7 */
        assert_true(sides[side]);
    pair_batch_free(&two);
    pair_batch_free(&six);
    workbench_close(&b);
}

/* augmented_views = all: view 1 too, by other numbers than view 2, and view 2 as it was where it was augmented before. */
static void every_view_augmented(void **state)
{
    (void)state;
    struct recipe r;
    struct workbench paper, all;
    pairs_recipe(&r);
    struct recipe q = r;
    q.augmented_views = "all";
    q.semantic = r.semantic = false;
    open_bench(&paper, &r, 1);
    open_bench(&all, &q, 1);
    struct pair_batch_message one = make(&paper, PHASE_PRETRAIN, 0, 0, 0), both = make(&all, PHASE_PRETRAIN, 0, 0, 0);
    int changed = 0;
    for (int n = 0; n < one.count; n++) {
        assert_int_equal(region_of(&one, 0, n), region_of(&both, 0, n));
        assert_memory_equal(box_of(&one, 1, n), box_of(&both, 1, n), BOX_VOXELS * sizeof(float));
        changed += memcmp(box_of(&one, 0, n), box_of(&both, 0, n), BOX_VOXELS * sizeof(float)) != 0;
        assert_memory_not_equal(box_of(&both, 0, n), box_of(&both, 1, n), BOX_VOXELS * sizeof(float));
    }
    assert_int_equal(changed, one.count); /* p = 0.8 each of five: 1 in 3125 stays */
    pair_batch_free(&one);
    pair_batch_free(&both);
    workbench_close(&paper);
    workbench_close(&all);
}

static void octants_and_random_crops(void **state)
{
    (void)state;
    struct recipe r;
    struct workbench b;
    pairs_recipe(&r);
    open_bench(&b, &r, 1);
    struct pair_batch_message m = make(&b, PHASE_PRETRAIN, 10, VIEWS_GRID, 0);
    int32_t step_low[3] = {99, 99, 99}, step_high[3] = {-1, -1, -1};
    for (int n = 0; n < m.count; n++) {
        for (int k = 0; k < VIEWS_OCTANTS; k++) {
            const int32_t want[VIEW_WINDOW] = {8 * (k / 4), 8 * (k / 2 % 2), 8 * (k % 2), 8, -1};
            assert_memory_equal(window_of(&m, 2 + k, n), want, sizeof want);
            assert_int_equal(region_of(&m, 2 + k, n), region_of(&m, 2, n));
        }
        assert_int_equal(region_of(&m, 0, n), region_of(&m, 1, n));
        assert_int_equal(m.label[n], m.label[2 * m.count + n]); /* of one class */
        for (int a = 0; a < 3; a++) {
            int32_t low = window_of(&m, 0, n)[a];
            step_low[a] = low < step_low[a] ? low : step_low[a];
            step_high[a] = low > step_high[a] ? low : step_high[a];
        }
    }
    for (int a = 0; a < 3; a++)
        assert_true(step_low[a] <= 2 && step_high[a] >= 6);
    pair_batch_free(&m);
    workbench_close(&b);
}

/* A ramp through a window is the ramp at its places; the whole box is left alone. */
static void a_window_shows_where_it_is(void **state)
{
    (void)state;
    const int32_t whole[VIEW_WINDOW] = {0, 0, 0, 16, -1}, w[VIEW_WINDOW] = {4, 0, 8, 8, -1};
    static float box[2 * BOX_VOXELS], first[2 * BOX_VOXELS];
    for (int i = 0; i < BOX_VOXELS; i++) {
        box[i] = (float)(i / 256) + 10 * (float)(i / 16 % 16) + 100 * (float)(i % 16);
        box[BOX_VOXELS + i] = -box[i];
    }
    memcpy(first, box, sizeof box);
    view_crop(box, 2, whole);
    assert_memory_equal(box, first, sizeof box);
    view_crop(box, 2, w);
    for (int i = 0; i < BOX_VOXELS; i++) {
        double at[3] = {i / 256, i / 16 % 16, i % 16}, want = 0;
        for (int a = 0; a < 3; a++) {
            double x = w[a] + (at[a] + 0.5) * 8 / 16 - 0.5;
            want += fmin(fmax(x, 0), 15) * pow(10, a);
        }
        assert_true(fabs((double)box[i] - want) < 1e-3);
        assert_true(fabs((double)box[BOX_VOXELS + i] + want) < 1e-3);
    }
}

/* One of the middle slices, each of them sometimes; the classifier's validation has the middle one. */
static void slices_are_the_middle_ones(void **state)
{
    (void)state;
    struct recipe r;
    struct workbench b;
    pairs_recipe(&r);
    r.box_slices = 5;
    open_bench(&b, &r, 1);
    bool seen[BOX_SIDE] = {false};
    for (int32_t phase = 0; phase < SAMPLING_PHASES; phase++) {
        struct pair_batch_message m = make(&b, phase, 0, 0, 0);
        for (int i = 0; i < m.views * m.count; i++) {
            int32_t slice = m.window[(size_t)i * VIEW_WINDOW + 4];
            assert_true(slice >= 5 && slice < 10);
            assert_true(phase != PHASE_CLASSIFIER_VALIDATION || slice == 7);
            seen[slice] = true;
        }
        pair_batch_free(&m);
    }
    for (int s = 5; s < 10; s++)
        assert_true(seen[s]);
    workbench_close(&b);
}

/* From memory or from disk, alone or in another order, all of it or a share of it: the same bytes. */
static void whoever_makes_them(void **state)
{
    (void)state;
    struct recipe r;
    struct workbench b, disk;
    pairs_recipe(&r);
    r.augmented_views = "all";
    open_bench(&b, &r, 1);
    open_bench(&disk, &r, 0);
    for (int32_t layout = 0; layout < VIEW_LAYOUTS; layout++) {
        struct pair_batch_message other = make(&disk, PHASE_PRETRAIN_VALIDATION, 12, layout, 0),
                                  m = make(&b, PHASE_PRETRAIN, 11, layout, 0),
                                  again = make(&disk, PHASE_PRETRAIN, 11, layout, 0);
        size_t rows = 11 * (size_t)m.count;
        assert_memory_equal(m.box, again.box, rows * BOX_VOXELS * sizeof(float));
        assert_memory_equal(m.window, again.window, rows * VIEW_WINDOW * sizeof(int32_t));
        for (int part = 0; part < 2; part++) {
            struct pair_task_message task = m.task;
            struct pair_batch_message share;
            struct error e = {0};
            task.part = part;
            task.parts = 2;
            assert_int_equal(batch_make(&disk, &task, &share, &e), 0);
            assert_int_equal(2 * share.count, m.count);
            for (int v = 0; v < 11; v++)
                assert_memory_equal(box_of(&share, v, 0), box_of(&m, v, part * share.count),
                                    (size_t)share.count * BOX_VOXELS * sizeof(float));
            pair_batch_free(&share);
        }
        pair_batch_free(&m);
        pair_batch_free(&again);
        pair_batch_free(&other);
    }
    workbench_close(&b);
    workbench_close(&disk);
}

/* Told instead of applied: box after box, and applying what is told is what would have been made. */
static void told_in_the_order_of_boxes(void **state)
{
    (void)state;
    struct recipe r;
    struct workbench b;
    pairs_recipe(&r);
    r.augmented_views = "all";
    open_bench(&b, &r, 1);
    struct pair_batch_message drawn = make(&b, PHASE_PRETRAIN, 5, 0, 1), m = make(&b, PHASE_PRETRAIN, 5, 0, 0);
    struct buffer bytes = {0};
    struct pair_batch_message back;
    struct error e = {0};
    assert_true(drawn.steps > 0 && m.steps == 0);
    assert_memory_equal(drawn.window, m.window, 5 * (size_t)m.count * VIEW_WINDOW * sizeof(int32_t));
    pair_batch_encode(&drawn, &bytes); /* which checks the order */
    if (pair_batch_decode(&bytes, &back, &e))
        fail_msg("%s", e.text);
    uint32_t blocks[5] = {0};
    for (int32_t i = 0; i < back.steps; i++)
        if (back.step[i].kind == AUGMENT_noise)
            blocks[back.step[i].at / m.count] = (uint32_t)back.step[i].number[3];
    for (int v = 0; v < 5; v++)
        assert_int_equal(blocks[v], NOISE_FIRST_BLOCK + VIEW_BLOCKS * (v == 0 ? 1 : v == 1 ? 0 : v));
    buffer_free(&bytes);
    pair_batch_free(&back);
    pair_batch_free(&drawn);
    pair_batch_free(&m);
    workbench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_crops_come_on_top),    cmocka_unit_test(every_view_augmented),
        cmocka_unit_test(octants_and_random_crops),   cmocka_unit_test(a_window_shows_where_it_is),
        cmocka_unit_test(slices_are_the_middle_ones), cmocka_unit_test(whoever_makes_them),
        cmocka_unit_test(told_in_the_order_of_boxes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
