/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_sampler -- which regions a batch holds: the rules of the method, and that nothing but the task decides.   tests/unit */
#include "stages/pairs/sampler.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 40 patients, a scan and 25 regions each: 28 train, 6 validate, 6 test; 3 tumours and 2 unknown a patient, every 11th row clipped. */
enum { PATIENTS = 40, EACH = 25, REGIONS = PATIENTS * EACH };
static struct cache_row rows[REGIONS];
static struct shard_entry shards[PATIENTS];
static struct cache cache;

static void cohort_make(void)
{
    memset(rows, 0, sizeof rows);
    memset(shards, 0, sizeof shards);
    cache = (struct cache){.shard = shards, .shard_count = PATIENTS, .regions = REGIONS, .digest = "0123"};
    for (int i = 0; i < REGIONS; i++) {
        int patient = i / EACH, region = i % EACH;
        shards[patient].split = patient < 28 ? SPLIT_TRAIN : patient < 34 ? SPLIT_VALIDATION : SPLIT_TEST;
        rows[i] = (struct cache_row){.label = region < 3   ? 1
                                              : region < 5 ? -1
                                                           : 0,
                                     .patient = patient,
                                     .shard = patient,
                                     .row_in_shard = region,
                                     .split = shards[patient].split,
                                     .clipped = i % 11 == 0};
    }
}

static struct recipe small_recipe(void)
{
    struct recipe r;
    recipe_defaults(&r);
    r.batch = 32;
    r.pairs_per_epoch = 500;
    r.classifier_batch = 64;
    return r;
}

static struct sampler open_sampler(const struct recipe *r)
{
    struct sampler s;
    struct error e = {0};
    if (sampler_open(&s, r, &cache, rows, &e))
        fail_msg("%s", e.text);
    return s;
}

static struct pair_task_message task_of(int32_t phase, int64_t epoch, int64_t step)
{
    return (struct pair_task_message){.phase = phase, .seed = 9, .epoch = epoch, .step = step};
}

/* every pair of an epoch, in order; free() it */
static struct pair *epoch_draw(const struct sampler *s, enum pair_phase phase, int64_t epoch, size_t *count)
{
    struct pair *all = calloc((size_t)s->plan.items[phase] + (size_t)s->plan.batch[phase], sizeof *all);
    struct error e = {0};
    *count = 0;
    for (int64_t step = 0; step < sampling_steps(&s->plan, phase); step++) {
        struct pair_task_message t = task_of((int32_t)phase, epoch, step);
        int n = sampler_draw(s, &t, all + *count, &e);
        assert_int_equal(n, sampling_batch_items(&s->plan, phase, step));
        *count += (size_t)n;
    }
    assert_int_equal(*count, s->plan.items[phase]);
    return all;
}

static int by_rows(const void *a, const void *b)
{
    return memcmp(((const struct pair *)a)->row, ((const struct pair *)b)->row, sizeof((const struct pair *)a)->row);
}

/* equal as sets of rows, whatever the order */
static bool same_pairs(struct pair *a, struct pair *b, size_t count)
{
    qsort(a, count, sizeof *a, by_rows);
    qsort(b, count, sizeof *b, by_rows);
    for (size_t i = 0; i < count; i++)
        if (by_rows(&a[i], &b[i]))
            return false;
    return true;
}

static bool same_sequence(const struct pair *a, const struct pair *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (by_rows(&a[i], &b[i]) || a[i].augmented != b[i].augmented || a[i].view != b[i].view)
            return false;
    return true;
}

static void plan_counts_batches(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampling_plan p;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, NULL), 0);
    assert_int_equal(p.train.tumours, 84);
    assert_int_equal(p.train.unknown, 56);
    assert_int_equal(p.train.others, 560);
    assert_int_equal(p.pretrain_steps, 16); /* 15 * 32 + 20 */
    assert_int_equal(sampling_batch_items(&p, PHASE_PRETRAIN, 14), 32);
    assert_int_equal(sampling_batch_items(&p, PHASE_PRETRAIN, 15), 20);
    assert_int_equal(p.pretrain_validation_steps, 4); /* 138 labelled: 4.3 batches, whole ones only */
    assert_int_equal(p.items[PHASE_PRETRAIN_VALIDATION], 128);
    assert_int_equal(p.classifier_steps, 11);           /* 644 = 10 * 64 + 4 */
    assert_int_equal(p.classifier_validation_steps, 3); /* 138 = 2 * 64 + 10 */

    r.pairs_per_epoch = 481; /* a rest of one */
    r.classifier_tumours = 900, r.classifier_others = 1170;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, NULL), 0);
    assert_int_equal(p.pretrain_steps, 15);
    assert_int_equal(p.classifier_steps, 33); /* 2070 = 32 * 64 + 22 */
    r.classifier_tumours = 1, r.classifier_others = 64;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, NULL), 0);
    assert_int_equal(p.classifier_steps, 1);
    assert_int_equal(p.items[PHASE_CLASSIFIER], 64);

    r.semantic = false;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, NULL), 0);
    assert_int_equal(p.items[PHASE_PRETRAIN_VALIDATION], 160); /* 150 with the unknown: 4.7 batches */
    r.border = "drop";
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, NULL), 0);
    assert_true(p.train.others < 560 && p.train.others > 490);

    struct error e = {0};
    r.pairs_per_epoch = SAMPLING_EPOCH_MAX_ITEMS + 1000;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
}

static void whole_batches_leave_the_rest_out(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampling_plan p;
    struct error e = {0};
    r.whole_batches = true;
    r.classifier_tumours = 900, r.classifier_others = 1170;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, &e), 0);
    assert_int_equal(p.items[PHASE_PRETRAIN], 480); /* of 500 in batches of 32 */
    assert_int_equal(p.items[PHASE_CLASSIFIER], 2048);
    assert_int_equal(p.items[PHASE_CLASSIFIER_VALIDATION], p.validation.tumours + p.validation.others);
    r.validation_pairs = 100;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, &e), 0);
    assert_int_equal(p.items[PHASE_PRETRAIN_VALIDATION], 96);
    r.whole_batches = false;
    r.validation_pairs = 2000; /* more than an epoch's are fine, where asked for */
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, &e), 0);
    assert_int_equal(p.items[PHASE_PRETRAIN_VALIDATION], 1984);
    r.whole_batches = true;
    r.classifier_tumours = r.classifier_others = 20;
    assert_int_equal(sampling_plan_make(&p, &r, &cache, rows, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_non_null(strstr(e.text, "whole_batches leaves none of 40 boxes"));
}

static void boxes_that_touch_are_left_out(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampling_plan keep, touch;
    assert_int_equal(sampling_plan_make(&keep, &r, &cache, rows, NULL), 0);
    for (int i = 0; i < REGIONS; i++)
        rows[i].begins = i % 5 == 4; /* no tumour, no clipped one in 55 of 1000 */
    r.border = "touch";
    assert_int_equal(sampling_plan_make(&touch, &r, &cache, rows, NULL), 0);
    for (int i = 0; i < REGIONS; i++) {
        assert_int_equal(sampling_inside(&r, &rows[i], true), !rows[i].clipped && !rows[i].begins);
        assert_int_equal(sampling_inside(&r, &rows[i], false),
                         !rows[i].clipped); /* pretraining has those that begin at 0 */
    }
    struct sampler s = open_sampler(&r);
    size_t count;
    struct pair *p = epoch_draw(&s, PHASE_CLASSIFIER, 0, &count);
    for (size_t i = 0; i < count; i++)
        assert_true(!rows[p[i].row[0]].begins && !rows[p[i].row[0]].clipped);
    free(p);
    sampler_close(&s);
    assert_true(touch.train.others < keep.train.others * 4 / 5);
    cohort_make();
}

static uint64_t of_two(const struct pair *p)
{
    uint32_t a = p->row[0], b = p->row[1];
    return (uint64_t)(a < b ? a : b) << 32 | (a < b ? b : a);
}
static int in_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* How many pairs of an epoch are of two regions, and how many of these were there before. */
static size_t repeats(const struct recipe *r, size_t *of_pairs)
{
    struct sampler s = open_sampler(r);
    size_t count, n = 0, again = 0;
    struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, 3, &count);
    uint64_t *key = calloc(count, sizeof *key);
    for (size_t i = 0; i < count; i++)
        if (p[i].row[0] != p[i].row[1])
            key[n++] = of_two(&p[i]);
    qsort(key, n, sizeof *key, in_order);
    for (size_t i = 1; i < n; i++)
        again += key[i] == key[i - 1];
    free(key);
    free(p);
    sampler_close(&s);
    *of_pairs = n;
    return again;
}

static void distinct_pairs_are(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    size_t n;
    r.pairs_per_epoch = 2000;
    r.augmented_rate = 0.2;
    r.tumour_share = 0.9; /* 1440 of the 3486 pairs of 84 tumours: without the setting many come twice */
    assert_true(repeats(&r, &n) > 100);
    r.distinct_pairs = true;
    assert_int_equal(repeats(&r, &n), 0);
    assert_true(n > 1500 && n < 1700);
    /* more than there are: all of them, and only then again */
    r.tumour_share = 1;
    r.augmented_rate = 0;
    r.pairs_per_epoch = 3500;
    assert_int_equal(repeats(&r, &n), 3500 - 84 * 83 / 2);
}

static void validation_is_augmented_anew(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    size_t count, again;
    for (int anew = 0; anew < 2; anew++) {
        r.validation_anew = anew;
        struct sampler s = open_sampler(&r);
        struct pair *a = epoch_draw(&s, PHASE_PRETRAIN_VALIDATION, 1, &count),
                    *b = epoch_draw(&s, PHASE_PRETRAIN_VALIDATION, 2, &again);
        assert_int_equal(count, again);
        for (size_t i = 0; i < count; i++) {
            assert_memory_equal(a[i].row, b[i].row, sizeof a[i].row);
            assert_int_equal(a[i].view != b[i].view, anew);
        }
        free(a);
        free(b);
        sampler_close(&s);
    }
}

static void tumours_alone_are_augmented(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.classifier_augment = "tumours";
    r.classifier_tumours = 900, r.classifier_others = 1170;
    for (int validation = 0; validation < 2; validation++) {
        r.classifier_validation_augmented = validation;
        struct sampler s = open_sampler(&r);
        size_t all = 0, count, tumours = 0, augmented = 0;
        for (int epoch = 0; epoch < 40; epoch++, all += count) {
            struct pair *p = epoch_draw(&s, validation ? PHASE_CLASSIFIER_VALIDATION : PHASE_CLASSIFIER, epoch, &count);
            for (size_t i = 0; i < count; i++) {
                bool tumour = rows[p[i].row[0]].label == 1;
                assert_true(tumour || !p[i].augmented);
                tumours += tumour;
                augmented += p[i].augmented;
            }
            free(p);
        }
        double n = validation ? 18 : 84, wanted = 1 - n / 900; /* patients of three each */
        assert_int_equal(tumours, validation ? 40 * 18 : 40 * 900);
        assert_true(fabs((double)augmented / (double)tumours - wanted) <
                    4 * sqrt(wanted * (1 - wanted) / (double)tumours));
        sampler_close(&s);
    }
    r.classifier_tumours = 50; /* fewer than there are */
    struct sampler s = open_sampler(&r);
    size_t count;
    struct pair *p = epoch_draw(&s, PHASE_CLASSIFIER, 0, &count);
    for (size_t i = 0; i < count; i++)
        assert_false(p[i].augmented);
    free(p);
    sampler_close(&s);
}

static void classifier_boxes_stay_for_their_epochs(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.classifier_others = 200;
    r.classifier_redraw_epochs = 4;
    struct sampler s = open_sampler(&r);
    uint8_t seen[2][REGIONS] = {{0}};
    for (int epoch = 0; epoch < 8; epoch++) {
        size_t count;
        uint8_t now[REGIONS] = {0};
        struct pair *p = epoch_draw(&s, PHASE_CLASSIFIER, epoch, &count);
        for (size_t i = 0; i < count; i++)
            now[p[i].row[0]] = 1;
        if (epoch % 4 == 0)
            memcpy(seen[epoch / 4], now, sizeof now);
        assert_memory_equal(seen[epoch / 4], now, sizeof now);
        free(p);
    }
    assert_true(memcmp(seen[0], seen[1], sizeof seen[0]));
    sampler_close(&s);
}

static void plan_digest_names_what_matters(void **state)
{
    (void)state;
    struct recipe base = small_recipe(), r = base;
    struct sampling_plan p, q;
    assert_int_equal(sampling_plan_make(&p, &base, &cache, rows, NULL), 0);
    r.lr = 3, r.epochs = 7, r.patience = 1, r.threshold = 0.1;
    assert_int_equal(sampling_plan_make(&q, &r, &cache, rows, NULL), 0);
    assert_true(p.digest == q.digest);
    for (int change = 0; change < 12; change++) {
        r = base;
        cohort_make();
        switch (change) {
        case 0: r.tumour_share = 0.7; break;
        case 1: r.noise_sd = 0.2; break;
        case 2: r.standardise = "none"; break;
        case 3: r.position_unit = "voxel"; break;
        case 4: r.batch = 31; break;
        case 5: r.classifier_views = 3; break;
        case 6: r.border = "drop"; break;
        case 7: r.augment_classifier = "flip"; break;
        case 8: shards[3].split = SPLIT_VALIDATION; break;
        case 9: cache.digest[0] = '9'; break;
        case 10: r.position_box = "axis"; break;
        case 11: r.classifier_others = 4; break;
        }
        assert_int_equal(sampling_plan_make(&q, &r, &cache, rows, NULL), 0);
        if (p.digest == q.digest)
            fail_msg("change %d leaves the digest as it was", change);
    }
    cohort_make();
}

static void position_form_is_the_recipes(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.position_unit = "mm", r.position_box = "oriented";
    assert_int_equal(sampling_position_form(&r), POSITION_ORIENTED_MM);
    r.position_unit = "voxel";
    assert_int_equal(sampling_position_form(&r), POSITION_ORIENTED_VOXEL);
    r.position_box = "axis";
    assert_int_equal(sampling_position_form(&r), POSITION_AXIS_VOXEL);
    r.position_unit = "mm";
    assert_int_equal(sampling_position_form(&r), POSITION_AXIS_MM);
}

static void pretraining_pairs_follow_the_rules(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    size_t augmented = 0, all = 0;
    for (int64_t epoch = 0; epoch < 10; epoch++) {
        size_t count, tumours = 0;
        struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, epoch, &count);
        for (size_t i = 0; i < count; i++) {
            const struct cache_row *a = &rows[p[i].row[0]], *b = &rows[p[i].row[1]];
            assert_true(a->split == SPLIT_TRAIN && b->split == SPLIT_TRAIN && a->label >= 0 && a->label == b->label);
            assert_int_equal(p[i].augmented, p[i].row[0] == p[i].row[1]);
            tumours += a->label == 1;
            augmented += p[i].augmented;
        }
        assert_int_equal(tumours, 400); /* 0.8 of 500 exactly */
        all += count;
        free(p);
    }
    assert_true(fabs((double)augmented / (double)all - 0.3) < 5 * sqrt(0.3 * 0.7 / (double)all));
    sampler_close(&s);
}

static void tumours_are_spread_over_the_batches(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    size_t count;
    struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, 0, &count);
    for (size_t step = 0; step < 15; step++) {
        int tumours = 0;
        for (size_t i = 0; i < 32; i++)
            tumours += rows[p[step * 32 + i].row[0]].label == 1;
        assert_in_range(tumours, 15, 32);
    }
    free(p);
    sampler_close(&s);
}

static void every_training_region_is_reached(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    bool seen[REGIONS] = {false};
    for (int64_t epoch = 0; epoch < 60; epoch++) {
        size_t count;
        struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, epoch, &count);
        for (size_t i = 0; i < count; i++)
            seen[p[i].row[0]] = seen[p[i].row[1]] = true;
        free(p);
    }
    for (int i = 0; i < REGIONS; i++)
        assert_int_equal(seen[i], rows[i].split == SPLIT_TRAIN && rows[i].label >= 0);
    sampler_close(&s);
}

static void released_view_2_is_always_augmented(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.view2_always_augmented = true;
    struct sampler s = open_sampler(&r);
    size_t count, partners = 0;
    struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, 3, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(p[i].augmented);
        partners += p[i].row[0] != p[i].row[1];
    }
    assert_in_range(partners, 300, 400);
    free(p);
    sampler_close(&s);
}

static void without_semantic_every_pair_is_its_own(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.semantic = false;
    struct sampler s = open_sampler(&r);
    size_t count, unknown = 0, tumours = 0;
    struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, 3, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(p[i].augmented && p[i].row[0] == p[i].row[1] && rows[p[i].row[0]].split == SPLIT_TRAIN);
        unknown += rows[p[i].row[0]].label < 0;
        tumours += rows[p[i].row[0]].label == 1;
    }
    assert_true(unknown > 0);
    assert_int_equal(tumours, 400);
    free(p);
    sampler_close(&s);
}

static void only_the_task_decides(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r), other = open_sampler(&r);
    for (enum pair_phase phase = PHASE_PRETRAIN; phase <= PHASE_CLASSIFIER; phase++) {
        bool fixed = phase == PHASE_PRETRAIN_VALIDATION;
        size_t count;
        struct pair *late = epoch_draw(&other, phase, 5, &count), *early = epoch_draw(&s, phase, 4, &count);
        struct pair *again = epoch_draw(&s, phase, 5, &count);
        assert_true(same_sequence(again, late, count));
        assert_int_equal(same_sequence(again, early, count), fixed);
        /* one batch alone, of another seed */
        struct pair one[64];
        struct pair_task_message t = task_of((int32_t)phase, 5, 2);
        int n = sampler_draw(&s, &t, one, NULL);
        assert_true(same_sequence(one, again + 2 * s.plan.batch[phase], (size_t)n));
        t.seed++;
        n = sampler_draw(&s, &t, one, NULL);
        assert_false(same_sequence(one, again + 2 * s.plan.batch[phase], (size_t)n));
        free(late), free(early), free(again);
    }
    sampler_close(&s);
    sampler_close(&other);
}

static void no_two_views_share_their_noise(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    size_t count, classifier;
    struct pair *a = epoch_draw(&s, PHASE_PRETRAIN, 0, &count), *b = epoch_draw(&s, PHASE_PRETRAIN, 1, &count);
    struct pair *c = epoch_draw(&s, PHASE_CLASSIFIER, 0, &classifier);
    for (size_t i = 0; i < count; i++) {
        assert_true(a[i].view != b[i].view && a[i].view != c[i].view && (i == 0 || a[i].view != a[i - 1].view));
        assert_int_equal(a[i].view & 0xffffff, i);
    }
    free(a), free(b), free(c);
    sampler_close(&s);
}

static void redrawing_waits_for_its_epochs(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.redraw_epochs = 8;
    struct sampler s = open_sampler(&r);
    size_t count;
    struct pair *a = epoch_draw(&s, PHASE_PRETRAIN, 0, &count), *b = epoch_draw(&s, PHASE_PRETRAIN, 7, &count),
                *c = epoch_draw(&s, PHASE_PRETRAIN, 8, &count);
    assert_false(same_sequence(a, b, count)); /* another order, other noise */
    assert_true(same_pairs(a, b, count));
    assert_false(same_pairs(a, c, count));
    free(a), free(b), free(c);
    sampler_close(&s);
}

static void validation_pairs_are_of_its_patients(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    size_t count;
    struct pair *p = epoch_draw(&s, PHASE_PRETRAIN_VALIDATION, 12, &count);
    for (size_t i = 0; i < count; i++)
        assert_true(rows[p[i].row[0]].split == SPLIT_VALIDATION && rows[p[i].row[1]].split == SPLIT_VALIDATION);
    free(p);
    sampler_close(&s);
}

static void missing_classes_are_made_up_for(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    for (int keep = 0; keep <= 1; keep++) { /* one class only, then of it a single region */
        cohort_make();
        for (int i = 0; i < REGIONS; i++)
            if (rows[i].label != keep)
                rows[i].label = -1;
        struct sampler s = open_sampler(&r);
        size_t count;
        struct pair *p = epoch_draw(&s, PHASE_PRETRAIN, 0, &count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(rows[p[i].row[0]].label, keep);
        free(p);
        sampler_close(&s);
        for (int i = 0, kept = 0; i < REGIONS; i++)
            if (rows[i].label >= 0 && rows[i].split == SPLIT_TRAIN && kept++)
                rows[i].label = -1;
        s = open_sampler(&r);
        p = epoch_draw(&s, PHASE_PRETRAIN, 0, &count);
        for (size_t i = 0; i < count; i++)
            assert_true(p[i].row[0] == p[i].row[1] && p[i].augmented);
        assert_int_equal(s.plan.classifier_steps, 0); /* a lone box is no batch */
        free(p);
        sampler_close(&s);
    }
    for (int i = 0; i < REGIONS; i++)
        rows[i].label = -1;
    struct sampler s = open_sampler(&r);
    assert_true(s.plan.pretrain_steps == 0 && s.plan.pretrain_validation_steps == 0 &&
                s.plan.classifier_validation_steps == 0);
    sampler_close(&s);
    cohort_make();
}

static void classifier_sees_each_box_as_often(void **state)
{
    (void)state;
    const int64_t wanted[][2] = {{0, 0}, {900, 1170}, {10, 100}, {84, 0}};
    for (size_t k = 0; k < COUNT_OF(wanted); k++) {
        struct recipe r = small_recipe();
        r.classifier_tumours = wanted[k][0], r.classifier_others = wanted[k][1];
        r.classifier_batch = 50; /* none of the four sums leaves a rest of one */
        struct sampler s = open_sampler(&r);
        size_t count, times[REGIONS] = {0}, low[2] = {SIZE_MAX, SIZE_MAX}, high[2] = {0}, total[2] = {0};
        struct pair *p = epoch_draw(&s, PHASE_CLASSIFIER, 2, &count);
        for (size_t i = 0; i < count; i++) {
            times[p[i].row[0]]++;
            assert_true(p[i].augmented && rows[p[i].row[0]].label >= 0 && rows[p[i].row[0]].split == SPLIT_TRAIN);
        }
        for (int i = 0; i < REGIONS; i++) {
            if (rows[i].label < 0 || rows[i].split != SPLIT_TRAIN)
                continue;
            int class = rows[i].label;
            low[class] = times[i] < low[class] ? times[i] : low[class];
            high[class] = times[i] > high[class] ? times[i] : high[class];
            total[class] += times[i];
        }
        assert_true(high[0] - low[0] <= 1 && high[1] - low[1] <= 1);
        assert_int_equal(total[1], wanted[k][0] ? wanted[k][0] : 84);
        assert_int_equal(total[0], wanted[k][1] ? wanted[k][1] : 560);
        free(p);
        sampler_close(&s);
    }
}

static void classifier_views_come_round(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.classifier_views = 4;
    struct sampler s = open_sampler(&r);
    size_t count;
    struct pair *a = epoch_draw(&s, PHASE_CLASSIFIER, 1, &count), *b = epoch_draw(&s, PHASE_CLASSIFIER, 5, &count),
                *c = epoch_draw(&s, PHASE_CLASSIFIER, 2, &count);
    assert_true(same_sequence(a, b, count));
    assert_false(same_sequence(a, c, count));
    free(a), free(b), free(c);
    sampler_close(&s);
}

static void classifier_is_validated_on_each_box_once(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    size_t count, next = 0;
    struct pair *p = epoch_draw(&s, PHASE_CLASSIFIER_VALIDATION, 3, &count);
    for (uint32_t i = 0; i < REGIONS; i++) {
        if (rows[i].split != SPLIT_VALIDATION || rows[i].label < 0)
            continue;
        assert_int_equal(p[next].row[0], i);
        assert_false(p[next++].augmented);
    }
    assert_int_equal(next, count);
    free(p);
    sampler_close(&s);
}

static void clipped_regions_can_be_left_out(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    r.border = "drop";
    struct sampler s = open_sampler(&r);
    for (enum pair_phase phase = PHASE_PRETRAIN; phase <= PHASE_CLASSIFIER_VALIDATION; phase++) {
        size_t count;
        struct pair *p = epoch_draw(&s, phase, 0, &count);
        for (size_t i = 0; i < count; i++)
            assert_false(rows[p[i].row[0]].clipped || rows[p[i].row[1]].clipped);
        free(p);
    }
    sampler_close(&s);
}

static void impossible_tasks_are_refused(void **state)
{
    (void)state;
    struct recipe r = small_recipe();
    struct sampler s = open_sampler(&r);
    struct pair room[64];
    struct error e = {0};
    const struct pair_task_message bad[] = {task_of(4, 0, 0),  task_of(-1, 0, 0), task_of(0, 0, 16),
                                            task_of(0, -1, 0), task_of(0, 0, -1), task_of(0, (int64_t)1 << 36, 0),
                                            task_of(3, 0, 3)};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        e.text[0] = 0;
        assert_int_equal(sampler_draw(&s, &bad[i], room, &e), -1);
        assert_true(e.text[0]);
    }
    sampler_close(&s);
}

int main(void)
{
    cohort_make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_counts_batches),
        cmocka_unit_test(whole_batches_leave_the_rest_out),
        cmocka_unit_test(boxes_that_touch_are_left_out),
        cmocka_unit_test(distinct_pairs_are),
        cmocka_unit_test(validation_is_augmented_anew),
        cmocka_unit_test(tumours_alone_are_augmented),
        cmocka_unit_test(classifier_boxes_stay_for_their_epochs),
        cmocka_unit_test(plan_digest_names_what_matters),
        cmocka_unit_test(position_form_is_the_recipes),
        cmocka_unit_test(pretraining_pairs_follow_the_rules),
        cmocka_unit_test(tumours_are_spread_over_the_batches),
        cmocka_unit_test(every_training_region_is_reached),
        cmocka_unit_test(released_view_2_is_always_augmented),
        cmocka_unit_test(without_semantic_every_pair_is_its_own),
        cmocka_unit_test(only_the_task_decides),
        cmocka_unit_test(no_two_views_share_their_noise),
        cmocka_unit_test(redrawing_waits_for_its_epochs),
        cmocka_unit_test(validation_pairs_are_of_its_patients),
        cmocka_unit_test(missing_classes_are_made_up_for),
        cmocka_unit_test(classifier_sees_each_box_as_often),
        cmocka_unit_test(classifier_views_come_round),
        cmocka_unit_test(classifier_is_validated_on_each_box_once),
        cmocka_unit_test(clipped_regions_can_be_left_out),
        cmocka_unit_test(impossible_tasks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
