/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: out and back, and damaged in every way that is cheap to try. */
#include "proto/message.h"
#include "common/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void facts_fill(struct scan_facts *f)
{
    scan_facts_init(f);
    format_into(f->patient, sizeof f->patient, "0a1b2c");
    format_into(f->study, sizeof f->study, "study");
    format_into(f->scan, sizeof f->scan, "scan");
    format_into(f->source, sizeof f->source, "/data/Ünal, 3");
    f->weight_g = 71250;
    f->injection_s = -0.0;
    f->simulated = 1;
}

static void grid_fill(struct grid *g, struct turn *t)
{
    const int64_t dim[3] = {3, 4, 5};
    const double spacing[3] = {3, 2.036, 2.5}, origin[3] = {10, -20, 30};
    grid_set(g, dim, spacing, origin);
    *t = (struct turn){{1, 0, 2}, {1, 0, 1}};
}

static void volume_fill(struct volume_message *m, bool mask, bool ct)
{
    *m = (struct volume_message){0};
    facts_fill(&m->facts);
    grid_fill(&m->volume.grid, &m->volume.turned);
    m->volume.voxel = xalloc(60, sizeof(float));
    m->volume.mask = mask ? xalloc(60, 1) : NULL;
    m->volume.ct = ct ? xalloc(60, sizeof *m->volume.ct) : NULL;
    m->volume.organ = mask ? xalloc(60, 1) : NULL;
    for (int i = 0; i < 60; i++) {
        m->volume.voxel[i] = (float)i - 7.5f;
        if (ct)
            m->volume.ct[i] = (int16_t)(1111 * i - 32768);
        if (mask)
            m->volume.mask[i] = i < 2 || (i > 30 && i < 37) || i == 59, m->volume.organ[i] = (uint8_t)(i < 20   ? 0
                                                                                                       : i < 41 ? 200
                                                                                                                : i % 3);
    }
}

static void regions_fill(struct regions_message *m, size_t count, int channels)
{
    *m = (struct regions_message){.count = count, .channels = channels, .settings = UINT64_MAX};
    facts_fill(&m->facts);
    grid_fill(&m->grid, &m->turned);
    m->region = xalloc(count + 1, sizeof *m->region);
    m->box = xalloc(count * (size_t)channels * BOX_VOXELS + 1, sizeof(float));
    for (size_t i = 0; i < count; i++) {
        m->region[i] = (struct region){.component = (int32_t)i + 1,
                                       .label = (int32_t)i - 1,
                                       .voxels = 9,
                                       .ml = 0.5,
                                       .suv_max = 9,
                                       .centroid_mm = {1, 2, 3},
                                       .low = {-1, 0, 2},
                                       .overlap = i ? 0.5 : (double)NAN};
        m->region[i].position[POSITION_FORMS - 1][POSITION_SIZE - 1] = -4.5f;
        m->box[i * (size_t)channels * BOX_VOXELS + 17] = (float)i + 0.25f;
    }
    uint32_t label[60] = {0};
    label[7] = label[8] = 2;
    labels_encode(label, 60, &m->label_runs);
    m->lesions = (struct lesions){.known = count > 0, .count = count, .part_count = count};
    m->lesions.lesion = xalloc(count + 1, sizeof *m->lesions.lesion);
    m->lesions.part = xalloc(count + 1, sizeof *m->lesions.part);
    for (size_t i = 0; i < count; i++) {
        m->lesions.lesion[i] = (struct lesion){.id = (int32_t)i + 1,
                                               .voxels = 40,
                                               .ml = 0.25,
                                               .centroid_mm = {-3, 2, 1},
                                               .from_liver_mm = {7, -8, 9},
                                               .organ = 3,
                                               .region = (int32_t)count,
                                               .sharing = 1,
                                               .covered = 0.5,
                                               .in_excluded = 0.125};
        m->lesions.part[i] = (struct lesion_part){(int32_t)i + 1, (int32_t)count, 20};
    }
    m->mip_angles = 2, m->mip_height = 3, m->mip_width = 4, m->mip_mm = 4;
    m->mip = xalloc(24, 1);
    m->mip[23] = 255;
}

static void batch_fill(struct pair_batch_message *m, int count)
{
    *m = (struct pair_batch_message){
        .task = {PHASE_CLASSIFIER, UINT64_MAX, 7, 3, 99}, .count = count, .views = 2, .channels = 1};
    size_t rows = 2 * (size_t)count;
    m->box = xalloc(rows * BOX_VOXELS + 1, sizeof(float));
    m->position = xalloc(rows * POSITION_SIZE + 1, sizeof(float));
    m->label = xalloc(rows + 1, sizeof(int32_t));
    m->region = xalloc(rows + 1, sizeof(uint32_t));
    m->window = xalloc(rows * VIEW_WINDOW + 1, sizeof(int32_t));
    for (size_t i = 0; i < rows; i++)
        memcpy(m->window + i * VIEW_WINDOW,
               i % 2 ? (const int32_t[]){8, 0, 4, 8, -1} : (const int32_t[]){0, 0, 0, 16, 9},
               VIEW_WINDOW * sizeof *m->window);
    if (count) {
        m->box[rows * BOX_VOXELS - 1] = 3;
        m->position[rows * POSITION_SIZE - 1] = 4;
        m->label[rows - 1] = -1;
        m->region[rows - 1] = UINT32_MAX;
    }
    m->steps = count ? 3 : 0;
    m->step = xalloc(3, sizeof *m->step);
    m->step[0] =
        (struct augmentation_step){.at = 0, .kind = AUGMENT_noise, .count = 4, .number = {0.5, 1, UINT32_MAX, 65536}};
    m->step[1] = (struct augmentation_step){.at = count, .kind = AUGMENT_flip};
    m->step[2] = (struct augmentation_step){
        .at = count, .kind = AUGMENT_histogram, .count = AUGMENT_NUMBERS, .number = {[AUGMENT_NUMBERS - 1] = 1}};
}

static void facts_same(const struct scan_facts *a, const struct scan_facts *b)
{
    assert_memory_equal(a, b, sizeof *a); /* texts are padded with zeros by both ends, unknown reals are one NaN */
}

static void volume_comes_back(void **state)
{
    (void)state;
    for (int has = 0; has < 4; has++) {
        const bool mask = has & 1, ct = has & 2;
        struct volume_message m, back;
        struct buffer b;
        struct error e = {0};
        volume_fill(&m, mask, ct);
        volume_message_encode(&m, &b);
        assert_int_equal(message_type_of(&b, &e), MESSAGE_VOLUME);
        if (volume_message_decode(&b, &back, &e))
            fail_msg("%s", e.text);
        facts_same(&m.facts, &back.facts);
        assert_memory_equal(&m.volume.grid, &back.volume.grid, sizeof m.volume.grid);
        assert_memory_equal(&m.volume.turned, &back.volume.turned, sizeof m.volume.turned);
        assert_memory_equal(m.volume.voxel, back.volume.voxel, 240);
        assert_true((back.volume.mask != NULL) == mask);
        if (mask)
            assert_memory_equal(m.volume.mask, back.volume.mask, 60);
        assert_true((back.volume.ct != NULL) == ct);
        if (ct)
            assert_memory_equal(m.volume.ct, back.volume.ct, 60 * sizeof *m.volume.ct);
        assert_true((back.volume.organ != NULL) == mask);
        if (mask)
            assert_memory_equal(m.volume.organ, back.volume.organ, 60);
        volume_message_free(&m);
        volume_message_free(&back);
        buffer_free(&b);
    }
}

static void regions_come_back(void **state)
{
    (void)state;
    for (size_t count = 0; count < 4; count++) {
        struct regions_message m, back;
        struct buffer b;
        struct error e = {0};
        regions_fill(&m, count, 1 + (int)count % 2);
        regions_message_encode(&m, &b);
        assert_int_equal(message_type_of(&b, &e), MESSAGE_REGIONS);
        if (regions_message_decode(&b, &back, &e))
            fail_msg("%s", e.text);
        facts_same(&m.facts, &back.facts);
        assert_true(back.count == count && back.channels == m.channels && back.settings == UINT64_MAX);
        assert_true(back.mip_angles == 2 && back.mip_height == 3 && back.mip_width == 4 && back.mip_mm == 4);
        assert_memory_equal(m.mip, back.mip, 24);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < region_field_count; k++) {
                const struct region_field *f = &region_fields[k];
                assert_memory_equal((char *)&m.region[i] + f->offset, (char *)&back.region[i] + f->offset,
                                    f->count * region_kind_size(f->kind));
            }
        assert_true(back.lesions.known == (count > 0) && back.lesions.count == count && back.lesions.part_count == count);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < lesion_table.fields; k++) {
                const struct region_field *f = &lesion_table.field[k];
                assert_memory_equal((char *)&m.lesions.lesion[i] + f->offset,
                                    (char *)&back.lesions.lesion[i] + f->offset, f->count * region_kind_size(f->kind));
            }
        for (size_t i = 0; i < count; i++)
            assert_true(back.lesions.part[i].lesion == (int32_t)i + 1 &&
                        back.lesions.part[i].component == (int32_t)count && back.lesions.part[i].voxels == 20);
        assert_memory_equal(m.box, back.box, count * (size_t)m.channels * BOX_VOXELS * sizeof(float));
        assert_int_equal(m.label_runs.size, back.label_runs.size);
        assert_memory_equal(m.label_runs.data, back.label_runs.data, m.label_runs.size);
        regions_message_free(&m);
        regions_message_free(&back);
        buffer_free(&b);
    }
}

/* Lesions that point where nothing is are refused. */
static void lesions_that_cannot_be_are_refused(void **state)
{
    (void)state;
    for (int fault = 0; fault < 5; fault++) {
        struct regions_message m, back;
        struct buffer b;
        struct error e = {0};
        regions_fill(&m, 2, 1);
        int32_t *const at[] = {&m.lesions.lesion[1].id, &m.lesions.lesion[0].region, &m.lesions.part[1].component,
                               &m.lesions.part[0].lesion};
        if (fault < 4)
            *at[fault] = 3;
        else
            m.lesions.part[0].voxels = 41; /* more than the lesion has */
        regions_message_encode(&m, &b);
        assert_int_equal(regions_message_decode(&b, &back, &e), -1);
        assert_non_null(strstr(e.text, "lesion"));
        regions_message_free(&m);
        buffer_free(&b);
    }
}

/* The table is the struct: every byte of a region belongs to a field, or is padding. */
static void the_table_covers_a_region(void **state)
{
    (void)state;
    size_t bytes = 0;
    for (size_t k = 0; k < region_field_count; k++)
        bytes += region_fields[k].count * region_kind_size(region_fields[k].kind);
    assert_true(sizeof(struct region) - bytes < 16);
    bytes = 0;
    for (size_t k = 0; k < lesion_table.fields; k++)
        bytes += lesion_table.field[k].count * region_kind_size(lesion_table.field[k].kind);
    assert_true(sizeof(struct lesion) - bytes < 16);
    bytes = 0;
    for (size_t k = 0; k < scan_fact_count; k++)
        bytes += scan_fact_fields[k].size;
    assert_true(sizeof(struct scan_facts) - bytes < 32);
}

static void small_ones_come_back(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer b;
    struct refusal_message r = {"scan.nii.gz", "load", 65, "cannot read 'scan.nii.gz': cut short"}, r2;
    refusal_message_encode(&r, &b);
    assert_int_equal(message_type_of(&b, &e), MESSAGE_REFUSAL);
    assert_int_equal(refusal_message_decode(&b, &r2, &e), 0);
    assert_memory_equal(&r, &r2, sizeof r);
    buffer_free(&b);

    struct metric_message m = {"loss", 3, -1, -1e300}, m2;
    metric_encode(&m, &b);
    assert_int_equal(message_type_of(&b, &e), MESSAGE_METRIC);
    assert_int_equal(metric_decode(&b, &m2, &e), 0);
    assert_memory_equal(&m, &m2, sizeof m);
    buffer_free(&b);

    struct pair_task_message t = {PHASE_PRETRAIN_VALIDATION, UINT64_MAX, INT64_MAX, 0, 1, 3, 4, 1, 12, VIEWS_GRID},
                             t2 = {0};
    pair_task_encode(&t, &b);
    assert_int_equal(message_type_of(&b, &e), MESSAGE_PAIR_TASK);
    assert_int_equal(pair_task_decode(&b, &t2, &e), 0);
    assert_true(t2.phase == t.phase && t2.seed == t.seed && t2.epoch == t.epoch && t2.step == 0 && t2.sampling == 1);
    assert_true(t2.views_wanted == 12 && t2.layout == VIEWS_GRID);
    assert_int_equal(metric_decode(&b, &m2, &e), -1);
    assert_string_equal(e.text, "message is a 'pair_task', expected a 'metric'");
    buffer_free(&b);

    for (int count = 0; count < 3; count++) {
        struct pair_batch_message p, p2;
        batch_fill(&p, count);
        pair_batch_encode(&p, &b);
        assert_int_equal(message_type_of(&b, &e), MESSAGE_PAIR_BATCH);
        assert_int_equal(pair_batch_decode(&b, &p2, &e), 0);
        assert_true(p2.count == count && p2.task.epoch == 7 && p2.task.seed == UINT64_MAX);
        assert_memory_equal(p.box, p2.box, 2 * (size_t)count * BOX_VOXELS * sizeof(float));
        assert_memory_equal(p.position, p2.position, 2 * (size_t)count * POSITION_SIZE * sizeof(float));
        assert_memory_equal(p.label, p2.label, 2 * (size_t)count * sizeof(int32_t));
        assert_memory_equal(p.region, p2.region, 2 * (size_t)count * sizeof(uint32_t));
        assert_memory_equal(p.window, p2.window, 2 * (size_t)count * VIEW_WINDOW * sizeof(int32_t));
        assert_int_equal(p.steps, p2.steps);
        assert_memory_equal(p.step, p2.step, (size_t)p.steps * sizeof *p.step);
        pair_batch_free(&p);
        pair_batch_free(&p2);
        buffer_free(&b);
    }
}

/* Steps that no box can take are refused, whatever wrote them. */
static void drawn_steps_are_checked(void **state)
{
    (void)state;
    static const struct {
        int step, at, kind, count;
        const char *says;
    } wrong[] = {
        {0, -1, AUGMENT_flip, 0, "box -1"},
        {2, 2, AUGMENT_flip, 0, "of 2 boxes"},
        {2, 0, AUGMENT_flip, 0, "in order"},
        {1, 1, AUGMENT_KINDS, 0, "of kind 6"},
        {1, 1, -1, 0, "of kind -1"},
        {1, 1, AUGMENT_flip, 1, "has 1 numbers"},
        {1, 1, AUGMENT_histogram, 2, "2 numbers"},
        {1, 1, AUGMENT_rotate, 11, "has 11 numbers"},
        {1, 1, AUGMENT_contrast, 1, "has nan"},
        {1, 1, AUGMENT_noise, 4, "has nan for its number 0"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct pair_batch_message m, back;
        struct buffer b = {0};
        struct error e = {0};
        batch_fill(&m, 1);
        struct augmentation_step *s = &m.step[wrong[i].step];
        *s = (struct augmentation_step){
            .at = wrong[i].at, .kind = wrong[i].kind, .count = wrong[i].count, .number = {(double)NAN}};
        pair_batch_encode(&m, &b);
        assert_int_equal(pair_batch_decode(&b, &back, &e), -1);
        if (!strstr(e.text, wrong[i].says))
            fail_msg("'%s' does not say '%s'", e.text, wrong[i].says);
        pair_batch_free(&m);
        buffer_free(&b);
    }
}

/* Views that no box has, and tasks for views there are not. */
static void views_are_checked(void **state)
{
    (void)state;
    static const int32_t wrong[][VIEW_WINDOW] = {{-1, 0, 0, 8, -1}, {0, 9, 0, 8, -1},  {0, 0, 1, 16, -1},
                                                 {0, 0, 0, 0, -1},  {0, 0, 0, 17, -1}, {0, 0, 0, 16, 16},
                                                 {0, 0, 0, 16, -2}};
    static const int32_t asked[][2] = {
        {-1, VIEWS_PAIR}, {VIEWS_MAX + 1, VIEWS_PAIR}, {8, VIEWS_GRID}, {2, VIEW_LAYOUTS}, {2, -1}};
    struct buffer b = {0};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct pair_batch_message m, back;
        struct error e = {0};
        batch_fill(&m, 1);
        memcpy(m.window + VIEW_WINDOW, wrong[i], sizeof wrong[i]);
        pair_batch_encode(&m, &b);
        assert_int_equal(pair_batch_decode(&b, &back, &e), -1);
        assert_non_null(strstr(e.text, "view 1 is of a window"));
        pair_batch_free(&m);
        buffer_free(&b);
    }
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct pair_task_message t = {.views_wanted = asked[i][0], .layout = asked[i][1]}, back;
        struct error e = {0};
        pair_task_encode(&t, &b);
        assert_int_equal(pair_task_decode(&b, &back, &e), -1);
        assert_non_null(strstr(e.text, "message asks for"));
        buffer_free(&b);
    }
}

static void labels_come_back(void **state)
{
    (void)state;
    struct rng rng = rng_make(1, RNG_TEST, 0);
    struct error e = {0};
    uint32_t label[500], back[500];
    for (size_t voxels = 0; voxels < 500; voxels += 1 + voxels / 3) {
        struct buffer runs;
        for (size_t i = 0; i < voxels; i++)
            label[i] = rng_below(&rng, 4) ? 0 : rng_u32(&rng) >> 30;
        labels_encode(label, voxels, &runs);
        assert_int_equal(labels_decode(&runs, back, voxels, &e), 0);
        assert_memory_equal(label, back, voxels * sizeof *label);
        assert_int_equal(labels_decode(&runs, back, voxels + 1, &e), -1);
        if (voxels)
            assert_int_equal(labels_decode(&runs, back, voxels - 1, &e), -1);
        buffer_free(&runs);
    }
}

/* ---- damage */

/* Whatever comes out: a message, or -1 with a sentence. */
static int any_decode(const struct buffer *b)
{
    struct error e = {0};
    int type = message_type_of(b, &e), result = -1;
    struct volume_message v;
    struct regions_message r;
    struct refusal_message f;
    struct pair_task_message t;
    struct pair_batch_message p;
    struct metric_message m;
    switch (type) {
    case MESSAGE_VOLUME:
        result = volume_message_decode(b, &v, &e);
        volume_message_free(&v);
        break;
    case MESSAGE_REGIONS:
        result = regions_message_decode(b, &r, &e);
        regions_message_free(&r);
        break;
    case MESSAGE_REFUSAL: result = refusal_message_decode(b, &f, &e); break;
    case MESSAGE_PAIR_TASK: result = pair_task_decode(b, &t, &e); break;
    case MESSAGE_PAIR_BATCH:
        result = pair_batch_decode(b, &p, &e);
        pair_batch_free(&p);
        break;
    case MESSAGE_METRIC: result = metric_decode(b, &m, &e); break;
    default: break;
    }
    if (result && (!e.text[0] || e.code != EX_DATAERR))
        fail_msg("refused without a sentence");
    return result;
}

static size_t samples(struct buffer out[6])
{
    struct volume_message v;
    struct regions_message r;
    struct pair_batch_message p;
    volume_fill(&v, true, true);
    regions_fill(&r, 1, 1);
    batch_fill(&p, 1);
    volume_message_encode(&v, &out[0]);
    regions_message_encode(&r, &out[1]);
    pair_batch_encode(&p, &out[2]);
    refusal_message_encode(&(struct refusal_message){"a", "b", 65, "c"}, &out[3]);
    metric_encode(&(struct metric_message){"loss", 1, 2, 3}, &out[4]);
    pair_task_encode(&(struct pair_task_message){0}, &out[5]);
    volume_message_free(&v);
    regions_message_free(&r);
    pair_batch_free(&p);
    return 6;
}

/* A copy of exactly its bytes, so that a sanitiser sees a read past them. */
static int exact_decode(const uint8_t *data, size_t size)
{
    struct buffer b = {.data = malloc(size ? size : 1), .size = size};
    memcpy(b.data, data, size);
    int result = any_decode(&b);
    free(b.data);
    return result;
}

static void cut_anywhere_is_said(void **state)
{
    (void)state;
    struct buffer b[6];
    size_t n = samples(b), cuts = 0;
    for (size_t k = 0; k < n; k++) {
        assert_int_equal(exact_decode(b[k].data, b[k].size), 0);
        for (size_t size = 0; size<b[k].size; size += size> 4000 ? 61 : 1, cuts++)
            assert_int_equal(exact_decode(b[k].data, size), -1);
        uint8_t *longer = xalloc(b[k].size + 1, 1);
        memcpy(longer, b[k].data, b[k].size);
        assert_int_equal(exact_decode(longer, b[k].size + 1), -1);
        free(longer);
        buffer_free(&b[k]);
    }
    print_message("%zu cuts, all said\n", cuts);
}

static void flipped_bits_do_not_crash(void **state)
{
    (void)state;
    struct buffer b[6];
    size_t n = samples(b), flips = 0, said = 0;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i<b[k].size; i += i> 4000 ? 97 : 1)
            for (int bit = 0; bit < 8; bit++, flips++) {
                b[k].data[i] ^= (uint8_t)(1u << bit);
                said += exact_decode(b[k].data, b[k].size) != 0;
                b[k].data[i] ^= (uint8_t)(1u << bit);
            }
        buffer_free(&b[k]);
    }
    assert_true(said > 0);
    print_message("%zu flipped bits, %zu refused with a sentence\n", flips, said);
}

static void claims_are_held_against_bytes(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        uint8_t data[40];
    } cases[] = {
        {5, {0xdd, 0xff, 0xff, 0xff, 0xff}},                  /* an array of 4294967295 */
        {5, {0xdf, 0xff, 0xff, 0xff, 0xff}},                  /* a map of as many */
        {7, {0x81, 0xa1, 'v', 0xc6, 0xff, 0xff, 0xff}},       /* a length cut short */
        {8, {0x81, 0xa1, 'v', 0xc6, 0xff, 0xff, 0xff, 0xff}}, /* 4 GiB of bytes */
        {8, {0x81, 0xa1, 'v', 0xdb, 0xff, 0xff, 0xff, 0xff}},
        {8, {0x81, 0xa1, 'v', 0xc9, 0xff, 0xff, 0xff, 0xff}},
        {4, {0x81, 0xa1, 'v', 0xc1}}, /* the byte that is no value */
        {4, {0x81, 0xa1, 'v', 0x07}}, /* another version */
        {4, {0x81, 0xa1, 'v', 0xa0}}, /* a version that is a text */
        {1, {0x80}},
        {1, {0x01}},
        {12, {0x82, 0xa1, 'v', 1, 0xa4, 't', 'y', 'p', 'e', 0xa2, 'n', 'o'}},
    };
    assert_int_equal(exact_decode((const uint8_t *)"", 0), -1);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(exact_decode(cases[i].data, cases[i].size), -1);
    /* a million arrays, each in the one before: no stack is spent on it */
    struct buffer deep = {.data = xalloc(1000001, 1), .size = 1000001};
    memset(deep.data, 0x91, 1000000);
    assert_int_equal(any_decode(&deep), -1);
    deep.data[0] = 0x81;
    memset(deep.data + 1, 0xa0, 1);
    assert_int_equal(any_decode(&deep), -1);
    buffer_free(&deep);
}

/* A few bytes of runs may claim a large map, so the grid is bounded. */
static void a_huge_grid_is_refused(void **state)
{
    (void)state;
    struct volume_message m, back;
    struct buffer b;
    struct error e = {0};
    volume_fill(&m, false, false);
    volume_message_encode(&m, &b);
    const int64_t was[3] = {3, 4, 5}, huge[3] = {INT64_C(1) << 40, INT64_C(1) << 40, 1};
    uint8_t *at = memmem(b.data, b.size, was, sizeof was);
    assert_non_null(at);
    memcpy(at, huge, sizeof huge);
    assert_int_equal(volume_message_decode(&b, &back, &e), -1);
    assert_non_null(strstr(e.text, "grid of"));
    volume_message_free(&m);
    buffer_free(&b);
}

/* Neither a CT that is said to be absent nor one of another size than the grid. */
static void a_ct_of_another_size_is_refused(void **state)
{
    (void)state;
    for (int said = 0; said < 2; said++) {
        struct volume_message m, back;
        struct buffer b;
        struct error e = {0};
        volume_fill(&m, true, !said);
        volume_message_encode(&m, &b);
        uint8_t *at = memmem(b.data, b.size, "\xa6has_ct", 7);
        assert_non_null(at);
        assert_int_equal(at[7], !said);
        at[7] = (uint8_t)said;
        assert_int_equal(volume_message_decode(&b, &back, &e), -1);
        assert_non_null(strstr(e.text, "message's 'ct' has"));
        volume_message_free(&m);
        buffer_free(&b);
    }
}

static void unknown_fields_are_skipped(void **state)
{
    (void)state;
    struct metric_message m = {"loss", 3, 4, 5}, back;
    struct buffer b;
    struct error e = {0};
    metric_encode(&m, &b);
    static const uint8_t more[] = {0xa5, 'e', 'x',  't', 'r',  'a', 0x82, 0xa1, 'a', 0x93, 1,
                                   2,    3,   0xa1, 'b', 0xc7, 3,   9,    1,    2,   3};
    struct buffer longer = {.data = xalloc(b.size + sizeof more, 1), .size = b.size + sizeof more};
    memcpy(longer.data, b.data, b.size);
    memcpy(longer.data + b.size, more, sizeof more);
    longer.data[0]++; /* a field more in the map */
    if (metric_decode(&longer, &back, &e))
        fail_msg("%s", e.text);
    assert_memory_equal(&m, &back, sizeof m);
    buffer_free(&longer);
    buffer_free(&b);
}

static void long_texts_are_refused_by_name(void **state)
{
    (void)state;
    struct error e = {0};
    struct buffer b;
    metric_encode(&(struct metric_message){"loss", 1, 2, 3}, &b);
    uint8_t *at = memmem(b.data, b.size, "\xa4loss", 5);
    assert_non_null(at);
    struct buffer longer = {.data = xalloc(b.size + 80, 1), .size = b.size + 67};
    size_t head = (size_t)(at - b.data);
    memcpy(longer.data, b.data, head);
    longer.data[head] = 0xd9;
    longer.data[head + 1] = 70;
    memset(longer.data + head + 2, 'x', 70);
    memcpy(longer.data + head + 72, at + 5, b.size - head - 5);
    struct metric_message m;
    assert_int_equal(metric_decode(&longer, &m, &e), -1);
    assert_string_equal(e.text, "message's 'name' has 70 characters, at most 63 fit");
    buffer_free(&longer);
    buffer_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volume_comes_back),
        cmocka_unit_test(regions_come_back),
        cmocka_unit_test(lesions_that_cannot_be_are_refused),
        cmocka_unit_test(the_table_covers_a_region),
        cmocka_unit_test(small_ones_come_back),
        cmocka_unit_test(drawn_steps_are_checked),
        cmocka_unit_test(views_are_checked),
        cmocka_unit_test(labels_come_back),
        cmocka_unit_test(cut_anywhere_is_said),
        cmocka_unit_test(flipped_bits_do_not_crash),
        cmocka_unit_test(claims_are_held_against_bytes),
        cmocka_unit_test(a_huge_grid_is_refused),
        cmocka_unit_test(a_ct_of_another_size_is_refused),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(long_texts_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
