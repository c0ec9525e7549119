/* SPDX-License-Identifier: Apache-2.0 */
/* model -- model files written, opened, asked; and the broken ones, refused by name. */
#include "stages/model.h"
#include "common/file.h"
#include "proto/message.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];

static struct recipe small_recipe(bool position)
{
    struct recipe r;
    recipe_defaults(&r);
    r.recipe_name = "small";
    r.backbone = "resnet10";
    r.backbone_width = 2;
    r.projection_width = 8;
    r.classifier_hidden = 5;
    r.position = position;
    r.lr = 0.1 + 0.2; /* no short decimal */
    return r;
}

/* an untrained model's tensors, for a test to spoil and write */
struct made {
    struct backend *b;
    struct params *params;
    struct tape *tape;
    float *host;
    struct safetensors s;
};

static struct made make(const struct recipe *r, unsigned parts)
{
    struct error e = {0};
    struct network_settings n;
    struct made m = {.b = backend_open("ref", 1, FLOAT32, &e)};
    assert_int_equal(model_network(r, 1, true, &n, &e), 0);
    m.params = params_open(m.b);
    m.tape = tape_open(m.params, 2, 1);
    (void)network_build(m.tape, &n, parts);
    tape_seal(m.tape, false, NULL);
    params_init(m.params, 4);
    params_find(m.params, "backbone.bn1.num_batches_tracked")->counter = 12;
    m.host = xalloc(model_host_floats(m.params), sizeof *m.host);
    model_add_params(&m.s, m.params, m.host);
    model_add_facts(&m.s, &(struct model_facts){.phase = parts & NETWORK_CLASSIFIER ? "classifier" : "pretrain",
                                                .cache_digest = "abc",
                                                .cohort = "simulated cohort",
                                                .recipe = r,
                                                .channels = 1,
                                                .seed = 4,
                                                .epoch = 7,
                                                .step = 99});
    return m;
}

static char *write_made(struct made *m, const char *name)
{
    struct error e = {0};
    char *path = path_join(dir, name);
    if (safetensors_write(&m->s, path, &e))
        fail_msg("%s", e.text);
    safetensors_free(&m->s);
    free(m->host);
    tape_close(&m->tape);
    params_close(&m->params);
    backend_close(&m->b);
    return path;
}

static const struct backend_wish on_ref = {"ref", "float32", 1};

static void assert_refused(const char *path, const char *says)
{
    struct error e = {0};
    struct model m;
    assert_int_equal(model_open(&m, path, &on_ref, &e), -1);
    if (!strstr(e.text, says) || !strstr(e.text, path))
        fail_msg("'%s' names neither '%s' nor the file", e.text, says);
}

static const unsigned WHOLE = NETWORK_ENCODER | NETWORK_PROJECTION | NETWORK_CLASSIFIER;

static void fill(float *x, size_t n, double phase)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)sin(0.37 * (double)i + phase);
}

static void test_open_and_ask(void **state)
{
    (void)state;
    static const char *const backends[] = {"ref", "cpu"};
    enum { N = 41 }; /* more than a pass, and not a multiple */
    for (int position = 0; position < 2; position++)
        for (size_t k = 0; k < COUNT_OF(backends); k++) {
            struct error e = {0};
            struct recipe r = small_recipe(position);
            struct made made = make(&r, WHOLE);
            char *path = write_made(&made, "model.safetensors");
            struct model m;
            if (model_open(&m, path, &(struct backend_wish){backends[k], "float32", 1}, &e))
                fail_msg("%s", e.text);
            assert_int_equal(m.embedding, 16);
            assert_true(m.has_classifier && m.simulated && m.position == (bool)position);
            assert_string_equal(m.cohort, "simulated cohort");
            assert_string_equal(m.recipe_name, "small");
            assert_string_equal(m.cache_digest, "abc");
            assert_true(m.seed == 4 && m.epoch == 7 && m.step == 99 && m.recipe.lr == 0.1 + 0.2);

            float *box = xalloc(N * BOX_VOXELS, sizeof *box), where[N * POSITION_SIZE], all[N * 16], one[16], p[N], q,
                  again[N * 16];
            fill(box, N * BOX_VOXELS, 0);
            fill(where, N * POSITION_SIZE, 1);
            model_embed(&m, box, position ? where : NULL, N, all);
            assert_int_equal(model_predict(&m, box, position ? where : NULL, N, p, again, &e), 0);
            assert_memory_equal(all, again, sizeof all);
            for (size_t i = 0; i < N; i += 20) { /* asked for alone, a box gives the same */
                model_embed(&m, box + i * BOX_VOXELS, position ? where + i * POSITION_SIZE : NULL, 1, one);
                assert_int_equal(model_predict(&m, box + i * BOX_VOXELS, position ? where + i * POSITION_SIZE : NULL, 1,
                                               &q, NULL, &e),
                                 0);
                assert_true(p[i] > 0 && p[i] < 1 && fabsf(p[i] - q) < 1e-6F);
                for (int c = 0; c < 16; c++)
                    assert_true(fabsf(one[c] - all[i * 16 + (size_t)c]) <= 1e-5F * (1 + fabsf(one[c])));
            }
            assert_true(fabsf(all[0] - all[16]) > 1e-6F);
            free(box);
            free(path);
            model_close(&m);
        }
}

static void test_encoder_only(void **state)
{
    (void)state;
    struct error e = {0};
    struct recipe r = small_recipe(true);
    struct made made = make(&r, NETWORK_ENCODER | NETWORK_PROJECTION);
    char *path = write_made(&made, "encoder.safetensors");
    struct model m;
    assert_int_equal(model_open(&m, path, &on_ref, &e), 0);
    assert_false(m.has_classifier);
    float p;
    assert_int_equal(model_predict(&m, NULL, NULL, 0, &p, NULL, &e), -1);
    assert_non_null(strstr(e.text, "no classifier"));
    model_close(&m);
    free(path);
}

static struct tensor_entry *entry(struct made *m, const char *name)
{
    for (size_t i = 0; i < m->s.tensor_count; i++)
        if (!strcmp(m->s.tensor[i].name, name))
            return &m->s.tensor[i];
    fail_msg("no tensor '%s'", name);
    return NULL;
}

static void test_refusals(void **state)
{
    (void)state;
    struct recipe r = small_recipe(true);
    static const char *const lost[] = {"backbone.layer4.0.bn1.running_var", "backbone.bn1.num_batches_tracked",
                                       "peb.mix.bias", "classifier.2.weight"};
    for (size_t i = 0; i < COUNT_OF(lost); i++) {
        struct made m = make(&r, WHOLE);
        *entry(&m, lost[i]) = m.s.tensor[--m.s.tensor_count];
        char *path = write_made(&m, "lost.safetensors");
        assert_refused(path, lost[i]);
        free(path);
    }
    struct made m = make(&r, WHOLE);
    float more[4] = {0};
    int64_t four = 4;
    safetensors_add(&m.s, "backbone.fc.bias", TENSOR_F32, 1, &four, more);
    char *path = write_made(&m, "extra.safetensors");
    assert_refused(path, "'backbone.fc.bias' has no place");
    free(path);

    m = make(&r, WHOLE);
    entry(&m, "peb.position.weight")->dim[0] = 9;
    entry(&m, "peb.position.weight")->dim[1] = 16;
    path = write_made(&m, "shape.safetensors");
    assert_refused(path, "'peb.position.weight' has shape [9,16], but this network wants [16,9]");
    free(path);

    m = make(&r, WHOLE);
    safetensors_set(&m.s, "petrel", "model 9");
    path = write_made(&m, "version.safetensors");
    assert_refused(path, "model 9");
    free(path);

    m = make(&r, WHOLE);
    safetensors_set(&m.s, "settings", "lr = 0.5\nno_such_key = 1\n");
    path = write_made(&m, "settings.safetensors");
    assert_refused(path, "no_such_key");
    free(path);

    struct error e = {0};
    struct model none;
    assert_int_equal(model_open(&none, "/nonexistent/model", &on_ref, &e), -1);
    assert_int_equal(e.code, EX_NOINPUT);
}

/* settings survive the text they are kept as */
static void test_settings(void **state)
{
    (void)state;
    struct error e = {0};
    struct recipe r = small_recipe(false), back;
    r.stem_stride = (struct opt_reals){3, {1, 1, 2}};
    r.augment_pretrain = "flip,noise";
    r.noise_sd = 1.0 / 3;
    char *text = model_settings_text(&r), *again;
    assert_int_equal(model_settings_read(text, &back, &e), 0);
    assert_true(back.noise_sd == r.noise_sd && !back.position && back.stem_stride.value[2] == 2);
    assert_string_equal(back.augment_pretrain, "flip,noise");
    assert_string_equal(back.recipe_name, "small");
    again = model_settings_text(&back);
    assert_string_equal(text, again);
    free(text);
    free(again);
}

/* parts that may be absent, and tensors nobody has a place for */
static void test_parts(void **state)
{
    (void)state;
    struct error e = {0};
    struct recipe r = small_recipe(true);
    struct made whole = make(&r, WHOLE), bare = make(&r, NETWORK_ENCODER);
    assert_int_equal(model_load(whole.params, &bare.s, "bare", "projection,classifier", "", &e), 0);
    assert_int_equal(model_load(whole.params, &bare.s, "bare", "projection", "", &e), -1);
    assert_non_null(strstr(e.text, "classifier.0.weight"));
    assert_int_equal(model_load(bare.params, &whole.s, "whole", "", "projection,classifier", &e), 0);
    assert_int_equal(params_find(bare.params, "backbone.bn1.num_batches_tracked")->counter, 12);
    assert_int_equal(model_load(bare.params, &whole.s, "whole", "", "projection", &e), -1);
    free(write_made(&whole, "a"));
    free(write_made(&bare, "b"));
}

static int begin(void **state)
{
    (void)state;
    format_into(dir, sizeof dir, "/tmp/petrel-model.XXXXXX");
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_open_and_ask), cmocka_unit_test(test_encoder_only),
                                       cmocka_unit_test(test_refusals), cmocka_unit_test(test_settings),
                                       cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests(tests, begin, end);
}
