/* SPDX-License-Identifier: Apache-2.0 */
/* pairs_batch -- what a batch holds beside the numbers of its pairs; what apply and show say; workers that are killed.   tests/unit */
#include "common/file.h"
#include "proto/standardise.h"
#include "stages/pairs/inspect.h"
#include "stages/pairs/workers.h"
#include "tests/unit/pairs_bench.h"
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct pair_batch_message make(struct workbench *b, int32_t phase, int64_t epoch, int64_t step)
{
    struct pair_task_message t = {
        .phase = phase, .seed = 4, .epoch = epoch, .step = step, .sampling = b->sampler.plan.digest};
    struct pair_batch_message m;
    struct error e = {0};
    if (batch_make(b, &t, &m, &e))
        fail_msg("%s", e.text);
    return m;
}

/* a row's box as the cache has it, standardised */
static void raw_box(const struct workbench *b, uint32_t row, float *box)
{
    struct box_reader *r;
    struct error e = {0};
    if (box_reader_open(&r, &b->cache, 1, &e) || box_read(r, row, box, &e))
        fail_msg("%s", e.text);
    box_standardise(box, b->recipe, 1, &b->rows[row].scale);
    box_reader_close(&r);
}

static void a_batch_is_boxes_positions_labels(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    r.position_unit = "voxel", r.position_box = "oriented";
    struct workbench b;
    open_bench(&b, &r, 1);
    struct pair pairs[24];
    for (int32_t phase = 0; phase < SAMPLING_PHASES; phase++) {
        struct pair_batch_message m = make(&b, phase, 1, 1);
        assert_int_equal(m.views, phase < PHASE_CLASSIFIER ? 2 : 1);
        assert_int_equal(m.channels, 1);
        assert_int_equal(m.count, sampler_draw(&b.sampler, &m.task, pairs, NULL));
        for (int v = 0; v < m.views; v++)
            for (int n = 0; n < m.count; n++) {
                int at = v * m.count + n;
                uint32_t row = pairs[n].row[v];
                assert_int_equal(m.region[at], row);
                assert_int_equal(m.label[at], b.rows[row].label);
                const float *position = b.rows[row].position[POSITION_ORIENTED_VOXEL];
                assert_memory_equal(m.position + at * POSITION_SIZE, position, POSITION_SIZE * sizeof(float));
                float want[BOX_VOXELS];
                raw_box(&b, row, want);
                if (pairs[n].augmented && v == m.views - 1) {
                    struct drawn_chain d;
                    chain_draw(&d, workbench_chain(&b, phase), &r, m.task.seed, pairs[n].view);
                    chain_apply(&d, want, 1);
                }
                assert_memory_equal(m.box + (size_t)at * BOX_VOXELS, want, sizeof want);
            }
        pair_batch_free(&m);
    }
    workbench_close(&b);
}

/* A task that wants them drawn: boxes as they are, and the very steps that would have been applied, box after box. */
static void drawn_steps_come_with_the_boxes(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench b;
    open_bench(&b, &r, 1);
    for (int32_t phase = 0; phase < SAMPLING_PHASES; phase++) {
        struct pair_batch_message applied = make(&b, phase, 1, 1), m;
        struct pair_task_message task = applied.task;
        struct error e = {0};
        struct pair pairs[24];
        task.drawn = 1;
        assert_int_equal(applied.steps, 0);
        assert_int_equal(batch_make(&b, &task, &m, &e), 0);
        assert_int_equal(m.count, sampler_draw(&b.sampler, &task, pairs, NULL));
        int32_t steps = 0;
        for (int v = 0; v < m.views; v++)
            for (int n = 0; n < m.count; n++) {
                int at = v * m.count + n;
                float want[BOX_VOXELS];
                raw_box(&b, m.region[at], want);
                assert_memory_equal(m.box + (size_t)at * BOX_VOXELS, want, sizeof want);
                if (!pairs[n].augmented || v != m.views - 1) {
                    assert_memory_equal(applied.box + (size_t)at * BOX_VOXELS, want, sizeof want);
                    continue;
                }
                struct drawn_chain d;
                static struct augmentation_step told[CHAIN_MAX]; /* zeros behind what is told, as in a batch */
                memset(told, 0, sizeof told);
                chain_draw(&d, workbench_chain(&b, phase), &r, task.seed, pairs[n].view);
                chain_tell(&d, at, told);
                assert_true(steps + (int32_t)d.count <= m.steps);
                assert_memory_equal(m.step + steps, told, d.count * sizeof *told);
                steps += (int32_t)d.count;
            }
        assert_int_equal(steps, m.steps);
        assert_true(steps > 0 || phase == PHASE_CLASSIFIER_VALIDATION);
        pair_batch_free(&applied);
        pair_batch_free(&m);
    }
    workbench_close(&b);
}

static void raw_boxes_have_mean_0_and_sd_1(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench b;
    open_bench(&b, &r, 1);
    struct pair_batch_message m = make(&b, PHASE_PRETRAIN, 0, 0);
    for (int n = 0; n < m.count; n++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < BOX_VOXELS; i++) {
            double x = (double)m.box[(size_t)n * BOX_VOXELS + (size_t)i];
            sum += x, squares += x * x;
        }
        assert_true(fabs(sum / BOX_VOXELS) < 1e-5 && fabs(squares / BOX_VOXELS - 1) < 1e-3);
    }
    pair_batch_free(&m);
    workbench_close(&b);
}

static struct pair_batch_message make_of(const char *cache, struct recipe *r)
{
    struct workbench b;
    struct error e = {0};
    if (workbench_open(&b, r, cache, 1 << 30, &e))
        fail_msg("%s", e.text);
    struct pair_batch_message m = make(&b, PHASE_PRETRAIN, 1, 1);
    assert_int_equal(m.channels, recipe_channels(r));
    workbench_close(&b);
    return m;
}

/* The PET's part of a batch is the same with a CT beside it, and without one taken from such a cache; the CT goes where the
 * PET goes. */
static void a_second_channel_goes_along(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    r.augment_pretrain = "affine,flip,rotate,noise";
    char *both = child_dir_make();
    pairs_cache_make_of(both, 2);
    struct pair_batch_message alone = make_of(dir, &r), taken = make_of(both, &r);
    r.channels = "pet,ct";
    struct pair_batch_message m = make_of(both, &r);
    size_t views = 2 * (size_t)m.count;
    assert_memory_equal(alone.box, taken.box, views * BOX_VOXELS * sizeof *m.box);
    for (size_t i = 0; i < views; i++)
        assert_memory_equal(alone.box + i * BOX_VOXELS, m.box + 2 * i * BOX_VOXELS, BOX_VOXELS * sizeof *m.box);
    pair_batch_free(&m);
    pair_batch_free(&taken);
    pair_batch_free(&alone);

    /* standardised by itself this CT is its PET, and stays so wherever both are moved */
    r.augment_pretrain = "affine,flip,rotate,histogram";
    m = make_of(both, &r);
    for (size_t i = 0; i < views; i++)
        for (size_t k = 0; k < BOX_VOXELS; k++)
            assert_true(fabsf(m.box[2 * i * BOX_VOXELS + k] - m.box[(2 * i + 1) * BOX_VOXELS + k]) < 1e-4f);
    pair_batch_free(&m);
    /* by its volume, after the window, it is what its own mean and sd make of it */
    r.standardise = "volume";
    r.ct_window = (struct opt_reals){2, {-100, 200}};
    m = make_of(both, &r);
    for (size_t i = 0; i < (size_t)m.count; i++) /* first views are as they are */
        for (size_t k = 0; k < BOX_VOXELS; k++) {
            double suv = (double)m.box[2 * i * BOX_VOXELS + k] * 2 + 0.25, hu = fmin(fmax(100 * suv - 150, -100), 200);
            assert_true(fabs((double)m.box[(2 * i + 1) * BOX_VOXELS + k] - (hu + 800) / 350) < 1e-5);
        }
    pair_batch_free(&m);
    struct workbench b;
    struct error e = {0};
    assert_int_equal(workbench_open(&b, &r, dir, 1 << 30, &e), -1);
    assert_non_null(strstr(e.text, "has boxes of pet, and channels = pet,ct is asked for"));
    child_dir_remove(both);
}

static void memory_or_disk_any_order_the_same_bytes(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench kept, read;
    open_bench(&kept, &r, 1);
    open_bench(&read, &r, 0);
    assert_non_null(kept.boxes.kept);
    assert_null(read.boxes.kept);
    for (int64_t step = 6; step >= 0; step--) {
        struct pair_batch_message a = make(&kept, PHASE_PRETRAIN, 2, step),
                                  other = make(&read, PHASE_CLASSIFIER, step, 0),
                                  z = make(&read, PHASE_PRETRAIN, 2, step);
        struct buffer x = {0}, y = {0};
        pair_batch_encode(&a, &x);
        pair_batch_encode(&z, &y);
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.data, y.data, x.size);
        buffer_free(&x);
        buffer_free(&y);
        pair_batch_free(&a);
        pair_batch_free(&other);
        pair_batch_free(&z);
    }
    workbench_close(&kept);
    workbench_close(&read);
}

static void a_strangers_task_is_refused(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench b;
    open_bench(&b, &r, 0);
    struct pair_task_message t = {.sampling = b.sampler.plan.digest + 1};
    struct pair_batch_message m;
    struct error e = {0};
    assert_int_equal(batch_make(&b, &t, &m, &e), -1);
    assert_int_equal(e.code, EX_CONFIG);
    assert_says(e.text, "--recipe");
    t = (struct pair_task_message){.sampling = b.sampler.plan.digest, .phase = 9};
    assert_int_equal(batch_make(&b, &t, &m, &e), -1);
    workbench_close(&b);
}

static void an_absent_cache_and_bad_lists_are_refused(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench b;
    struct error e = {0};
    assert_int_equal(workbench_open(&b, &r, "/nowhere/at/all", 0, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    r.augment_pretrain = "blur";
    assert_int_equal(workbench_open(&b, &r, dir, 0, &e), -1);
    assert_says(e.text, "blur");
}

static void apply_writes_the_box(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench b;
    open_bench(&b, &r, 0);
    char *path = path_join(dir, "box.nii"), text[4000] = "";
    struct error e = {0};
    struct buffer file;
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_int_equal(inspect_box(&b, 7, "none", 1, path, to, &e), 0);
    assert_int_equal(file_read(path, 1 << 20, &file, &e), 0);
    float want[BOX_VOXELS], got[BOX_VOXELS];
    raw_box(&b, 7, want);
    assert_true(file.size > sizeof got);
    memcpy(got, file.data + file.size - sizeof got, sizeof got);
    assert_memory_equal(got, want, sizeof got);
    buffer_free(&file);
    assert_int_equal(inspect_box(&b, 7, "affine,noise", 1, path, to, &e), 0);
    fclose(to);
    assert_says(text, "affine\trotate ");
    assert_says(text, "noise\tsd ");
    assert_int_equal(file_read(path, 1 << 20, &file, &e), 0);
    memcpy(got, file.data + file.size - sizeof got, sizeof got);
    assert_memory_not_equal(got, want, sizeof got);
    buffer_free(&file);
    assert_int_equal(inspect_box(&b, PAIRS_PATIENTS * PAIRS_EACH, "none", 1, path, stdout, &e), -1);
    assert_says(e.text, "no row 192");
    free(path);
    workbench_close(&b);
}

static void show_prints_the_batch(void **state)
{
    (void)state;
    struct recipe r;
    pairs_recipe(&r);
    struct workbench b;
    open_bench(&b, &r, 0);
    struct pair_batch_message m = make(&b, PHASE_PRETRAIN, 3, 2);
    static char text[1 << 16];
    struct error e = {0};
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_int_equal(inspect_batch(&b, &m.task, to, &e), 0);
    fclose(to);
    char *rest = NULL, *line = strtok_r(text, "\n", &rest);
    assert_says(line, "row1\trow2\tlabel1");
    for (int n = 0; n < m.count; n++) {
        line = strtok_r(NULL, "\n", &rest);
        assert_non_null(line);
        char begin[64];
        format_into(begin, sizeof begin, "%d\t%u\t%u\t%d\t%d\t", n, m.region[n], m.region[m.count + n], m.label[n],
                    m.label[m.count + n]);
        assert_memory_equal(line, begin, strlen(begin));
    }
    assert_null(strtok_r(NULL, "\n", &rest));
    pair_batch_free(&m);
    workbench_close(&b);
}

/* ---- workers ---- */

/* Each child counts itself; the first `kills` of them die by a signal, the others leave with `code`. */
struct lives {
    int kills, code;
};
static int live(void *context, struct tally *tally)
{
    const struct lives *l = context;
    if (++tally->batches <= (uint64_t)l->kills)
        kill(getpid(), SIGKILL);
    return l->code;
}

static void run_workers(void *context)
{
    struct tally total;
    const struct workers w = {.count = 3, .work = live, .context = context};
    int code = workers_run(&w, &total);
    printf("code %d lives %d\n", code, (int)total.batches);
}

static void killed_workers_are_started_again(void **state)
{
    (void)state;
    char text[4000];
    assert_int_equal(child_run(run_workers, &(struct lives){5, 0}, text, sizeof text), 0);
    assert_says(text, "code 0 lives 8"); /* three that end, five that were killed */
    assert_int_equal(child_run(run_workers, &(struct lives){0, EX_CONFIG}, text, sizeof text), 0);
    assert_says(text, "code 78");
}

static int die_at_once(void *context, struct tally *tally)
{
    (void)context, (void)tally;
    abort(); /* its own fault: a kill from outside would be forgiven a thousand times */
}

static void run_hopeless(void *context)
{
    (void)context;
    struct tally total;
    const struct workers w = {.count = 2, .work = die_at_once};
    printf("code %d\n", workers_run(&w, &total));
}

static void workers_that_always_die_are_given_up(void **state)
{
    (void)state;
    char text[4000];
    assert_int_equal(child_run(run_hopeless, NULL, text, sizeof text), 0);
    assert_says(text, "code 70");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_boxes_positions_labels),
        cmocka_unit_test(drawn_steps_come_with_the_boxes),
        cmocka_unit_test(raw_boxes_have_mean_0_and_sd_1),
        cmocka_unit_test(a_second_channel_goes_along),
        cmocka_unit_test(memory_or_disk_any_order_the_same_bytes),
        cmocka_unit_test(a_strangers_task_is_refused),
        cmocka_unit_test(an_absent_cache_and_bad_lists_are_refused),
        cmocka_unit_test(apply_writes_the_box),
        cmocka_unit_test(show_prints_the_batch),
        cmocka_unit_test(killed_workers_are_started_again),
        cmocka_unit_test(workers_that_always_die_are_given_up),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
