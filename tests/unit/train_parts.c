/* SPDX-License-Identifier: Apache-2.0 */
/* train_parts -- early stopping, the history, checkpoints: what a run leaves on disk and how it comes back. */
#include "common/file.h"
#include "kernels/tape_internal.h"
#include "stages/train/batches/batch_source.h"
#include "stages/train/batches/embedding_cache.h"
#include "stages/train/checkpoint/model_publish.h"
#include "stages/train/output/history.h"
#include "stages/train/run_record.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];

static void test_stopping(void **state)
{
    (void)state;
    struct early_stopping s = {0};
    assert_true(early_stopping_note(&s, 5, 0, 10));
    assert_false(early_stopping_note(&s, 5, 1, 20)); /* equal is no better */
    assert_false(early_stopping_note(&s, 6, 2, 30));
    assert_true(!early_stopping_due(&s, 3) && early_stopping_due(&s, 2));
    assert_true(early_stopping_note(&s, 4, 3, 40));
    assert_true(s.since == 0 && s.best_epoch == 3 && s.best_steps == 40 && s.best == 4);
    struct early_stopping first = {0};
    assert_true(early_stopping_note(&first, -1, 0, 1)); /* the first is best whatever it is */
}

static char *read_text(const char *path)
{
    struct error e = {0};
    struct buffer b;
    if (file_read(path, 1 << 20, &b, &e))
        fail_msg("%s", e.text);
    return (char *)b.data;
}

static void test_history(void **state)
{
    (void)state;
    struct error e = {0};
    struct history h = {0};
    int64_t kept, bytes;
    char *path = path_join(dir, "losses.csv"), *text;
    assert_int_equal(history_open(&h, path, "a,b", 0, &e), 0);
    assert_int_equal(history_row(&h, &e, "%d,%d\n", 1, 2), 0);
    assert_int_equal(history_sync(&h, &kept, &e), 0);
    assert_int_equal(kept, 8);
    assert_int_equal(history_row(&h, &e, "3,4\n"), 0);
    history_close(&h);
    assert_int_equal(history_open(&h, path, "a,b", kept, &e),
                     0); /* as after a kill: what the checkpoint does not know of goes */
    assert_int_equal(history_row(&h, &e, "5,6\n"), 0);
    assert_int_equal(history_sync(&h, &bytes, &e), 0);
    history_close(&h);
    text = read_text(path);
    assert_string_equal(text, "a,b\n1,2\n5,6\n");
    free(text);
    assert_int_equal(history_open(&h, path, "a,b", 100, &e), -1);
    assert_non_null(strstr(e.text, "12 bytes"));
    free(path);
}

/* 10 tumours, 40 others, 3 without truth */
static void test_train_fraction(void **state)
{
    (void)state;
    enum { N = 63 };
    struct cache_row row[N];
    struct recipe r;
    struct shard_entry shard = {.regions = N, .split = SPLIT_TRAIN};
    struct cache c = {.shard = &shard, .shard_count = 1, .regions = N};
    struct sampling_plan p, whole;
    struct error e = {0};
    for (int i = 0; i < N; i++) /* the last ten are another patient's, for validation */
        row[i] = (struct cache_row){.label = i < 10   ? 1
                                             : i < 50 ? 0
                                             : i < 53 ? -1
                                                      : i % 2,
                                    .split = i < 53 ? SPLIT_TRAIN : SPLIT_VALIDATION,
                                    .quantile = i < 10   ? (float)i / 10
                                                : i < 50 ? (float)(i - 10) / 40
                                                : i < 53 ? (float)(i - 50) / 3
                                                         : 0.99f};
    recipe_defaults(&r);
    assert_int_equal(sampling_plan_make(&whole, &r, &c, row, &e), 0);
    assert_true(whole.train.tumours == 10 && whole.train.others == 40 && whole.train.unknown == 3);
    r.train_fraction = 0.15;
    assert_int_equal(sampling_plan_make(&p, &r, &c, row, &e), 0);
    assert_true(p.train.tumours == 2 && p.train.others == 6 && p.train.unknown == 1);
    assert_true(p.validation.tumours == 5 && p.validation.others == 5);
    assert_int_not_equal(p.digest, whole.digest);
    assert_true(sampling_eligible(&r, &row[1], PHASE_PRETRAIN) && !sampling_eligible(&r, &row[2], PHASE_CLASSIFIER));
    r.train_fraction = 1e-6;
    assert_int_equal(sampling_plan_make(&p, &r, &c, row, &e), 0);
    assert_true(p.train.tumours == 1 && p.train.others == 1);
}

static void test_embedding_cache(void **state)
{
    (void)state;
    struct embedding_cache m;
    embedding_cache_open(&m, 2, 3, 4, 5);
    struct embedded *x = embedding_cache_at(&m, 1, 2);
    assert_null(x->embedding);
    embedding_cache_reserve(&m, x, 3);
    x->embedding[14] = 1;
    float *before = x->embedding;
    embedding_cache_reserve(&m, x, 4);
    assert_ptr_equal(before, embedding_cache_at(&m, 1, 2)->embedding);
    assert_null(embedding_cache_at(&m, 0, 2)->embedding);
    embedding_cache_close(&m);
}

/* a trainer with two linear layers, the first of which is frozen, and a convolution of which one tap of three lives */
struct fixture {
    struct train t;
    struct params *params;
    struct tape *tape;
    float *momentum;
    struct checkpointer checkpointer;
};

static void fixture_open(struct fixture *f, const char *settings)
{
    struct error e = {0};
    *f = (struct fixture){.t = {.phase = "pretrain", .cohort = "", .seed = 1, .channels = 1}};
    recipe_defaults(&f->t.recipe);
    f->t.stage_options.run = dir;
    f->t.settings = xstrdup(settings);
    f->t.out_path = path_join(dir, "out.safetensors");
    f->t.backend = backend_open("ref", 1, FLOAT32, &e);
    f->params = params_open(f->t.backend);
    f->tape = tape_open(f->params, 4, 1);
    int x = tape_linear(f->tape, tape_rows(f->tape, 3), "low.0", 5, true);
    tape_linear(f->tape, tape_norm(f->tape, x, "high.1", -1, true), "high.2", 2, true);
    const int one[3] = {1, 1, 1};
    tape_conv(f->tape, tape_image(f->tape, 1, one), "conv", 1, (const int[]){3, 1, 1}, one, (const int[]){1, 0, 0});
    params_freeze(f->params, "low");
    tape_seal(f->tape, true, NULL);
    params_keep_dead_weights(f->params);
    params_init(f->params, 8);
    f->momentum = f->t.backend->alloc(f->t.backend, f->params->trained * sizeof(float));
    if (checkpointer_open(&f->checkpointer, &f->t, f->params, &(struct optimiser_state){"momentum", f->momentum}, 1, &e))
        fail_msg("%s", e.text);
}

static void fixture_close(struct fixture *f)
{
    checkpointer_close(&f->checkpointer);
    f->t.backend->release(f->t.backend, f->momentum);
    tape_close(&f->tape);
    params_close(&f->params);
    backend_close(&f->t.backend);
    free(f->t.settings);
    free(f->t.out_path);
}

static void set(struct fixture *f, const char *name, float value)
{
    struct param *q = params_find(f->params, name);
    float x[10];
    for (size_t i = 0; i < q->count; i++)
        x[i] = value + (float)i;
    param_put(f->params, q, x);
    if (param_trained(q))
        param_put_to(f->params, q, f->momentum, x);
}

static float get(struct fixture *f, const char *name)
{
    float x[10];
    param_get(f->params, params_find(f->params, name), x);
    return x[1];
}

static size_t files(const char *part)
{
    struct error e = {0};
    struct names n;
    size_t count = 0;
    assert_int_equal(dir_list(dir, &n, &e), 0);
    for (size_t i = 0; i < n.count; i++)
        count += strstr(n.name[i], part) != NULL;
    names_free(&n);
    return count;
}

static void save(struct fixture *f, int64_t steps, float value, bool best)
{
    struct error e = {0};
    struct cursor at = {.epoch = steps,
                        .step = 3,
                        .steps = steps,
                        .sum = {1.0 / 3, 2, 3, 4},
                        .count = 7,
                        .seconds = 0.1,
                        .history_bytes = 55,
                        .optimiser_steps = steps};
    at.stopping = (struct early_stopping){
        .best = 2.0 / 3, .since = 1, .best_epoch = 1, .best_steps = best ? steps : 10, .any = true};
    set(f, "high.2.weight", value);
    set(f, "high.1.running_mean", value);
    params_find(f->params, "high.1.num_batches_tracked")->counter = steps;
    struct param *conv = params_find(f->params, "conv.weight");
    float tap = value;
    param_put_live(f->params, conv, f->params->values, &tap);
    memcpy(conv->dead_state, &(struct dead_state){value / 16, value / 32, 5},
           sizeof *conv->dead_state); /* ref: the device is the host */
    if (best)
        checkpointer_note_best(&f->checkpointer, &at);
    if (checkpoint_save(&f->checkpointer, &at, &e))
        fail_msg("%s", e.text);
}

static void test_checkpoints(void **state)
{
    (void)state;
    struct error e = {0};
    struct fixture f;
    struct cursor at;
    fixture_open(&f, "phase = pretrain\nlr = 0.5\n");
    assert_int_equal(checkpoint_load(&f.checkpointer, &at, &e), 0);
    save(&f, 10, 1, true);
    save(&f, 20, 2, false);
    save(&f, 30, 3, false);
    save(&f, 40, 4, true);
    assert_int_equal(files("checkpoint-pretrain"), 2);
    assert_int_equal(files("pretrain-best-000000010"), 1); /* the checkpoint of step 30 names it */
    assert_int_equal(files("pretrain-best-000000040"), 1);
    fixture_close(&f);

    fixture_open(&f, "phase = pretrain\nlr = 0.5\n");
    assert_int_equal(checkpoint_load(&f.checkpointer, &at, &e), 1);
    assert_true(at.steps == 40 && at.epoch == 40 && at.step == 3 && at.sum[0] == 1.0 / 3 && at.count == 7 &&
                at.seconds == 0.1);
    assert_true(at.history_bytes == 55 && at.optimiser_steps == 40 && at.stopping.best == 2.0 / 3 &&
                at.stopping.best_steps == 40);
    assert_true(get(&f, "high.2.weight") == 5 && get(&f, "high.1.running_mean") == 5);
    assert_int_equal(params_find(f.params, "high.1.num_batches_tracked")->counter, 40);
    float moment[10];
    param_get_from(f.params, params_find(f.params, "high.2.weight"), f.momentum, moment);
    assert_true(moment[0] == 4 && moment[9] == 13);
    const struct dead_state *dead = params_find(f.params, "conv.weight")->dead_state;
    assert_true(dead->scale == 4.0 / 16 && dead->momentum == 4.0 / 32 && dead->squares == 5);
    assert_true(get(&f, "conv.weight") == 4);
    fixture_close(&f);

    /* the newest is damaged: the one before it serves, and is not swept before there is another */
    char *newest = path_join(dir, "checkpoint-pretrain-000000040.safetensors");
    FILE *file = fopen(newest, "r+");
    fseek(file, -5, SEEK_END);
    fputc(0x55, file);
    fclose(file);
    fixture_open(&f, "phase = pretrain\nlr = 0.5\n");
    assert_int_equal(checkpoint_load(&f.checkpointer, &at, &e), 1);
    assert_int_equal(at.steps, 30);
    assert_true(get(&f, "high.2.weight") == 4);
    save(&f, 35, 3.5F, false);
    assert_false(file_exists(newest));
    assert_int_equal(files("checkpoint-pretrain"), 2);
    assert_int_equal(files("pretrain-best-000000010"), 1);
    fixture_close(&f);
    free(newest);

    /* another version's is refused, not guessed at */
    struct safetensors old = {0};
    char *newer = path_join(dir, "checkpoint-pretrain-000000050.safetensors");
    safetensors_set(&old, "petrel", "checkpoint 1");
    safetensors_set(&old, "settings", "phase = pretrain\nlr = 0.5\n");
    assert_int_equal(safetensors_write(&old, newer, &e), 0);
    safetensors_free(&old);
    fixture_open(&f, "phase = pretrain\nlr = 0.5\n");
    assert_int_equal(checkpoint_load(&f.checkpointer, &at, &e), -1);
    assert_non_null(strstr(e.text, "'checkpoint 1', not a 'checkpoint 3'"));
    fixture_close(&f);
    unlink(newer);
    free(newer);

    /* other settings are refused, naming the first that differs */
    fixture_open(&f, "phase = pretrain\nlr = 0.4\n");
    assert_int_equal(checkpoint_load(&f.checkpointer, &at, &e), -1);
    assert_non_null(strstr(e.text, "'lr = 0.5' there, 'lr = 0.4' here"));
    assert_int_equal(model_published(&f.t, &e), 0);
    assert_int_equal(checkpoint_clear(&f.t, true, &e), 0);
    assert_int_equal(files("pretrain"), 0);
    fixture_close(&f);
}

/* a number with letters in it is refused by its name, not read as what stands before them */
static void test_cursor(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text;
    } bad[] = {
        {"epoch", "12x"},   {"step", ""},      {"steps", " 3"},          {"sum_loss", "0x1.8p+1q"},
        {"any_best", "10"}, {"count", "many"}, {"history_bytes", "1e3"}, {"optimiser_steps", "99999999999999999999"}};
    const struct cursor was = {.epoch = 3, .step = 2, .steps = 11, .sum = {1.0 / 3}, .stopping = {.any = true}};
    for (size_t i = 0; i <= COUNT_OF(bad); i++) {
        struct error e = {0};
        struct cursor at;
        struct safetensors s = {0};
        cursor_write(&s, &was);
        if (i < COUNT_OF(bad))
            safetensors_set(&s, bad[i].key, bad[i].text);
        int result = cursor_read(&s, &at, &e);
        if (i == COUNT_OF(bad))
            assert_true(result == 0 && at.epoch == 3 && at.steps == 11 && at.sum[0] == 1.0 / 3 && at.stopping.any);
        else if (result != -1 || !strstr(e.text, bad[i].key) || !strstr(e.text, "no number"))
            fail_msg("'%s' = '%s': %d '%s'", bad[i].key, bad[i].text, result, e.text);
        safetensors_free(&s);
    }
}

static void test_finish(void **state)
{
    (void)state;
    struct error e = {0};
    struct fixture f;
    struct safetensors s = {0};
    fixture_open(&f, "phase = pretrain\nlr = 0.5\n");
    char *half = path_join(dir, ".checkpoint-pretrain-000000001.safetensors.77-0.tmp");
    assert_int_equal(publish_bytes(half, "x", 1, &e), 0);
    assert_int_equal(checkpoint_clear(&f.t, false, &e), 0);
    assert_false(file_exists(half));
    free(half);

    float first[3], *whole;
    assert_null(params_find(f.params, "conv.weight")->dead_weights); /* the keeper has them */
    struct param conv = *params_find(f.params, "conv.weight");
    param_fresh(&conv, 8, (size_t)(params_find(f.params, "conv.weight") - f.params->param), first);
    save(&f, 10, 1, true);
    save(&f, 20, 9, false);
    struct cursor at = {.epoch = 5, .steps = 25, .stopping = {.best_steps = 10, .any = true}};
    if (model_publish_final(&f.checkpointer, &at, &e))
        fail_msg("%s", e.text);
    assert_int_equal(files("checkpoint"), 0);
    assert_int_equal(files("best"), 0);
    assert_int_equal(safetensors_read(&s, f.t.out_path, &e), 0); /* the best, with the counter it had then */
    assert_string_equal(safetensors_get(&s, "step"), "10");
    assert_true(((const float *)safetensors_find(&s, "high.2.weight")->data)[1] == 2);
    assert_true(*(const int64_t *)safetensors_find(&s, "high.1.num_batches_tracked")->data == 10);
    assert_int_equal(tensor_count(safetensors_find(&s, "conv.weight")), 3); /* whole again: dead, live, dead */
    whole = (float *)(uintptr_t)safetensors_find(&s, "conv.weight")->data;
    assert_true(whole[0] == first[0] / 16 && whole[1] == 1 && whole[2] == first[2] / 16 && first[0] != 0);
    safetensors_free(&s);
    char *last = train_path(&f.t, "-last.safetensors");
    assert_int_equal(safetensors_read(&s, last, &e), 0);
    assert_true(((const float *)safetensors_find(&s, "high.2.weight")->data)[1] == 10);
    whole = (float *)(uintptr_t)safetensors_find(&s, "conv.weight")->data;
    assert_true(whole[0] == (float)(9.0 / 16 * (double)first[0]) && whole[1] == 9 &&
                whole[2] == (float)(9.0 / 16 * (double)first[2]));
    safetensors_free(&s);
    free(last);

    assert_int_equal(model_published(&f.t, &e), 1);
    unlink(f.t.out_path);
    assert_int_equal(model_published(&f.t, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
    fixture_close(&f);
}

static void test_lock(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(run_lock(dir, &e), 0);
    assert_int_equal(run_lock(dir, &e), -1);
    assert_int_equal(e.code, EX_TEMPFAIL);
}

static void test_list(void **state)
{
    (void)state;
    struct error e = {0};
    int64_t steps;
    char *path = path_join(dir, "pairs.tsv");
    assert_int_equal(publish_bytes(path, "# rows\n0\t1\n2\t3\n4\t5\n6\t7\n8\t9\n", 28, &e), 0);
    assert_int_equal(batch_list_steps(path, 3, &steps, &e), 0);
    assert_int_equal(steps, 2);
    assert_int_equal(batch_list_steps(path, 4, &steps, &e), -1); /* a rest of one */
    assert_int_equal(publish_bytes(path, "0\t1\n2 x\n", 8, &e), 0);
    assert_int_equal(batch_list_steps(path, 4, &steps, &e), -1);
    assert_non_null(strstr(e.text, "line 2 is '2 x'"));
    free(path);
}

static int begin(void **state)
{
    (void)state;
    format_into(dir, sizeof dir, "/tmp/petrel-train.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    struct error e = {0};
    struct names n;
    if (dir_list(dir, &n, &e))
        return -1;
    for (size_t i = 0; i < n.count; i++) {
        char *path = path_join(dir, n.name[i]);
        unlink(path);
        free(path);
    }
    names_free(&n);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stopping),
                                       cmocka_unit_test(test_history),
                                       cmocka_unit_test(test_train_fraction),
                                       cmocka_unit_test(test_embedding_cache),
                                       cmocka_unit_test(test_checkpoints),
                                       cmocka_unit_test(test_cursor),
                                       cmocka_unit_test(test_finish),
                                       cmocka_unit_test(test_lock),
                                       cmocka_unit_test(test_list)};
    return cmocka_run_group_tests(tests, begin, end);
}
