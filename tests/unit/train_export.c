/* SPDX-License-Identifier: Apache-2.0 */
/* train_export -- weights in other clothes: from elsewhere, compact, ONNX; and event files, read back. */
#include "common/file.h"
#include "proto/message.h"
#include "stages/train/export/onnx.h"
#include "stages/train/output/events.h"
#include <event.pb-c.h>
#include <math.h>
#include <onnx.pb-c.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];

/* a small network with parameters, on the plain back end */
struct made {
    struct recipe recipe;
    struct network_settings network;
    struct backend *b;
    struct params *params;
    struct tape *tape;
    struct network_values values;
    float *host;
};
enum { BOXES = 3 };

static struct made make_of(const char *peb_norm, const char *activation, int channels)
{
    struct error e = {0};
    struct made m = {.b = backend_open("ref", 1, FLOAT32, &e)};
    recipe_defaults(&m.recipe);
    m.recipe.backbone_width = 2;
    m.recipe.projection_width = 8;
    m.recipe.classifier_hidden = 5;
    m.recipe.position = peb_norm != NULL;
    m.recipe.peb_norm = peb_norm ? peb_norm : "layer";
    m.recipe.classifier_activation = activation;
    m.recipe.channels = box_channel_names(channels);
    assert_int_equal(model_network(&m.recipe, channels, true, &m.network, &e), 0);
    m.params = params_open(m.b);
    m.tape = tape_open(m.params, BOXES, 1);
    m.values = network_build(m.tape, &m.network, NETWORK_ENCODER | NETWORK_PROJECTION | NETWORK_CLASSIFIER);
    tape_seal(m.tape, false, NULL);
    params_keep_dead_weights(m.params);
    params_init(m.params, 11);
    m.host = xalloc(model_host_floats(m.params), sizeof *m.host);
    return m;
}

static struct made make(const char *peb_norm, const char *activation)
{
    return make_of(peb_norm, activation, 1);
}

static void made_free(struct made *m)
{
    free(m->host);
    tape_close(&m->tape);
    params_close(&m->params);
    backend_close(&m->b);
}

static void embed(struct made *m, float out[BOXES * 16])
{
    size_t const count = BOXES * (size_t)m->network.channels * BOX_VOXELS;
    float *box = xalloc(count, sizeof *box), position[BOXES * NETWORK_POSITION];
    for (size_t i = 0; i < count; i++)
        box[i] = (float)sin(0.37 * (double)i);
    for (size_t i = 0; i < COUNT_OF(position); i++)
        position[i] = (float)cos((double)i);
    tape_put(m->tape, m->values.box, box);
    tape_put(m->tape, m->values.position, position);
    tape_evaluate(m->tape);
    tape_get(m->tape, m->values.embedding, out);
    free(box);
}

static void save(struct safetensors *s, const char *path)
{
    struct error e = {0};
    if (safetensors_write(s, path, &e))
        fail_msg("%s", e.text);
    safetensors_free(s);
}

/* reads the file into fresh parameters; they must say what `before` says */
static void assert_says(struct made *m, const char *path, const float before[BOXES * 16], bool same)
{
    struct error e = {0};
    struct safetensors s = {0};
    float after[BOXES * 16];
    params_init(m->params, 12);
    if (model_read(&s, path, &e) || model_load(m->params, &s, path, "peb,projection,classifier", "", &e))
        fail_msg("%s", e.text);
    embed(m, after);
    assert_int_equal(!memcmp(before, after, sizeof after), same);
    safetensors_free(&s);
}

static size_t elements(const char *path, const char *part)
{
    struct error e = {0};
    struct safetensors s = {0};
    size_t n = 0;
    if (safetensors_read(&s, path, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < s.tensor_count; i++)
        if (!strncmp(s.tensor[i].name, part, strlen(part)) && s.tensor[i].type == TENSOR_F32 &&
            !strstr(s.tensor[i].name, "running"))
            n += tensor_count(&s.tensor[i]);
    safetensors_free(&s);
    return n;
}

static size_t live_backbone(const struct tape *t)
{
    struct tape_row row;
    size_t n = 0;
    for (size_t i = 0; tape_describe(t, i, &row); i++)
        n += !strncmp(row.name, "backbone", 8) ? row.live_params : 0;
    return n;
}

static void check_compact(int channels)
{
    struct made m = make_of("layer", "relu", channels);
    struct safetensors s = {0};
    float before[BOXES * 16];
    char *path = path_join(dir, "compact.safetensors");
    embed(&m, before);
    int64_t *index = model_add_live(&s, m.params);
    save(&s, path);
    free(index);
    assert_int_equal(elements(path, "backbone."), live_backbone(m.tape));
    assert_true(elements(path, "backbone.") < params_elements(m.params, "backbone.") / 4);
    assert_int_equal(elements(path, "projection."), params_elements(m.params, "projection."));
    assert_says(&m, path, before, true);
    /* what was dead is zero now, and what lived is not */
    struct param *q = params_find(m.params, "backbone.layer4.1.conv2.weight");
    float *w = xalloc(q->count, sizeof *w);
    param_get(m.params, q, w);
    for (size_t i = 0; i < q->count; i++)
        assert_int_equal(w[i] != 0, i % 27 == 13);
    free(w);

    /* spoiled: a tap that is none */
    struct error e = {0};
    assert_int_equal(safetensors_read(&s, path, &e), 0);
    for (size_t i = 0; i < s.tensor_count; i++)
        if (ends_with(s.tensor[i].name, "layer4.1.conv2.weight.taps"))
            *(int64_t *)(uintptr_t)s.tensor[i].data = 27;
    save(&s, path);
    assert_int_equal(model_read(&s, path, &e), -1);
    assert_non_null(strstr(e.text, "layer4.1.conv2.weight"));
    free(path);
    made_free(&m);
}

static void test_compact(void **state)
{
    (void)state;
    check_compact(1);
    check_compact(2);
}

/* names as others write them; a shortcut's bias goes into the mean behind it */
static void test_from_elsewhere(void **state)
{
    (void)state;
    struct made m = make(NULL, "relu");
    static const char *const prefixes[] = {"", "module.", "backbone."};
    static float bias[4] = {0.5f, -1, 2, 0.25f};
    struct param *mean = params_find(m.params, "backbone.layer2.0.downsample.1.running_mean");
    float before[BOXES * 16], *box = xalloc(BOXES * BOX_VOXELS, sizeof *box);
    for (size_t i = 0; i < BOXES * BOX_VOXELS; i++)
        box[i] = (float)sin(0.37 * (double)i);
    tape_put(m.tape, m.values.box, box);
    param_put(m.params, mean, (const float[]){-0.5f, 1, -2, -0.25f});
    tape_evaluate(m.tape);
    tape_get(m.tape, m.values.embedding, before);
    param_put(m.params, mean, (const float[]){0, 0, 0, 0});
    for (size_t k = 0; k < COUNT_OF(prefixes); k++) {
        struct safetensors all = {0}, s = {0};
        char *path = path_join(dir, "elsewhere.safetensors");
        params_init(m.params, 11);
        model_add_params(&all, m.params, m.host);
        for (size_t i = 0; i < all.tensor_count; i++) {
            struct tensor_entry *t = &all.tensor[i];
            char name[160];
            if (strncmp(t->name, "backbone.", 9))
                continue;
            format_into(name, sizeof name, "%s%s", prefixes[k], t->name + 9);
            safetensors_add(&s, name, t->type, t->ndim, t->dim, t->data);
        }
        char name[160];
        format_into(name, sizeof name, "%slayer2.0.downsample.0.bias", prefixes[k]);
        safetensors_add(&s, name, TENSOR_F32, 1, (int64_t[]){4}, bias);
        save(&s, path);
        safetensors_free(&all);

        struct error e = {0};
        float after[BOXES * 16];
        params_init(m.params, 12);
        if (model_read(&s, path, &e) || model_load(m.params, &s, path, "projection,classifier", "", &e))
            fail_msg("%s", e.text);
        tape_evaluate(m.tape);
        tape_get(m.tape, m.values.embedding, after);
        assert_memory_equal(before, after, sizeof after);
        safetensors_free(&s);
        free(path);
    }
    free(box);
    made_free(&m);
}

/* a bias that no norm takes away again is refused by its name; so is a shortcut's in a file of ours */
static void test_unexpected_bias(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t count;
        bool ours;
    } odd[] = {{"backbone.conv1.bias", 4, false},
               {"backbone.layer1.0.conv1.bias", 4, false},
               {"backbone.layer2.0.conv2.bias", 4, false},
               {"backbone.extra.downsample.0.bias", 4, false},
               {"backbone.layer2.0.more.downsample.0.bias", 4, false},
               {"backbone.layer2.0.downsample.0.bias.more", 4, false},
               {"classifier.layer2.0.downsample.0.bias", 4, false},
               {"backbone.layer2.0.downsample.0.bias", 3, false},
               {"backbone.layer2.0.downsample.0.bias", 4, true}};
    struct made m = make(NULL, "relu");
    static float bias[4] = {0.5f, -1, 2, 0.25f};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct error e = {0};
        struct safetensors all = {0}, s = {0};
        char *path = path_join(dir, "odd.safetensors");
        model_add_params(&all, m.params, m.host);
        if (odd[i].ours)
            safetensors_set(&all, "petrel", MODEL_WHOLE);
        safetensors_add(&all, odd[i].name, TENSOR_F32, 1, &odd[i].count, bias);
        save(&all, path);
        assert_int_equal(model_read(&s, path, &e), 0);
        if (!model_load(m.params, &s, path, "projection,classifier", "", &e) || !strstr(e.text, odd[i].name))
            fail_msg("%s: '%s'", odd[i].name, e.text);
        safetensors_free(&s);
        free(path);
    }
    made_free(&m);
}

/* ---- ONNX: every input of every node is there before it, every weight is the network's, shapes agree ---- */

static bool known(const Onnx__Graph *g, size_t nodes, const char *name)
{
    for (size_t i = 0; i < g->n_input; i++)
        if (!strcmp(g->input[i]->name, name))
            return true;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (!strcmp(g->initializer[i]->name, name))
            return true;
    for (size_t i = 0; i < nodes; i++)
        if (!strcmp(g->node[i]->output[0], name))
            return true;
    return false;
}

static size_t count_op(const Onnx__Graph *g, const char *op)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n_node; i++)
        n += !strcmp(g->node[i]->op_type, op);
    return n;
}

static void check_weights(const Onnx__Graph *g, struct made *m)
{
    size_t seen = 0;
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__Tensor *t = g->initializer[i];
        struct param *q = params_find(m->params, t->name);
        if (!q)
            continue;
        assert_int_equal(t->data_type, 1);
        assert_int_equal(t->n_dims, q->ndim);
        for (int a = 0; a < q->ndim; a++)
            assert_int_equal(t->dims[a], q->dim[a]);
        assert_int_equal(t->raw_data.len, q->count * sizeof(float));
        param_get(m->params, q, m->host);
        assert_memory_equal(t->raw_data.data, m->host, t->raw_data.len);
        seen++;
    }
    for (size_t i = 0; i < m->params->count; i++)
        seen -= m->params->param[i].kind != PARAM_COUNTER && strncmp(m->params->param[i].name, "projection", 10);
    assert_int_equal(seen, 0);
}

static void check_onnx(const char *peb_norm, const char *activation, int channels, const char *op, size_t times)
{
    struct error e = {0};
    struct made m = make_of(peb_norm, activation, channels);
    struct buffer bytes;
    char *path = path_join(dir, "model.onnx");
    if (onnx_write(&m.network, m.params, path, &e) || file_read(path, 1 << 28, &bytes, &e))
        fail_msg("%s", e.text);
    Onnx__Model *model = onnx__model__unpack(NULL, bytes.size, bytes.data);
    assert_non_null(model);
    assert_int_equal(model->opset_import[0]->version, 17);
    const Onnx__Graph *g = model->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        assert_false(known(g, i, g->node[i]->output[0]));
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            if (!known(g, i, g->node[i]->input[k]))
                fail_msg("node %s wants %s, which is not there yet", g->node[i]->name, g->node[i]->input[k]);
    }
    assert_int_equal(g->n_input, peb_norm ? 2 : 1);
    assert_int_equal(g->n_output, 3);
    for (size_t i = 0; i < g->n_output; i++)
        assert_true(known(g, g->n_node, g->output[i]->name));
    assert_int_equal(g->input[0]->type->tensor_type->shape->n_dim, 5);
    assert_string_equal(g->input[0]->type->tensor_type->shape->dim[0]->dim_param, "N");
    assert_int_equal(g->input[0]->type->tensor_type->shape->dim[1]->dim_value, channels);
    size_t convolutions = 0;
    struct tape_row row;
    for (size_t i = 0; tape_describe(m.tape, i, &row); i++)
        convolutions += !strcmp(row.op, "conv");
    assert_int_equal(count_op(g, "Conv"), convolutions);
    assert_int_equal(count_op(g, op), times);
    check_weights(g, &m);
    onnx__model__free_unpacked(model, NULL);
    buffer_free(&bytes);
    free(path);
    made_free(&m);
}

static void test_onnx(void **state)
{
    (void)state;
    check_onnx("layer", "relu", 1, "LayerNormalization", 2);
    check_onnx("l2", "gelu", 2, "LpNormalization", 2);
    check_onnx(NULL, "gelu", 1, "Erf", 1);
}

/* ---- events ---- */

/* bit by bit, as the standard has it */
static uint32_t slow_masked_crc(const uint8_t *bytes, size_t size)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint32_t u32_at(const uint8_t *at)
{
    uint32_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

/* every record of the file: frames checked, steps and first values noted; how many */
static size_t read_events(const char *path, int64_t step[16], float value[16], char tag[16][32])
{
    struct error e = {0};
    struct buffer b;
    size_t n = 0;
    if (file_read(path, 1 << 20, &b, &e))
        fail_msg("%s", e.text);
    for (size_t at = 0; at < b.size; n++) {
        uint64_t size;
        memcpy(&size, b.data + at, sizeof size);
        assert_true(at + 16 + size <= b.size);
        assert_int_equal(u32_at(b.data + at + 8), slow_masked_crc(b.data + at, 8));
        assert_int_equal(u32_at(b.data + at + 12 + size), slow_masked_crc(b.data + at + 12, size));
        Tensorboard__Event *event = tensorboard__event__unpack(NULL, size, b.data + at + 12);
        assert_non_null(event);
        assert_true(event->wall_time > 1e9);
        if (n == 0) {
            assert_string_equal(event->file_version, "brain.Event:2");
        } else {
            step[n - 1] = event->step;
            value[n - 1] = event->summary->value[0]->simple_value;
            format_into(tag[n - 1], 32, "%s", event->summary->value[0]->tag);
        }
        tensorboard__event__free_unpacked(event, NULL);
        at += 16 + size;
    }
    buffer_free(&b);
    return n - 1;
}

static void put(struct events *v, int64_t step, double value)
{
    struct error e = {0};
    if (events_write(v, step, (const struct scalar[]){{"train/loss", value}, {"train/lr", 0.5}}, 2, &e))
        fail_msg("%s", e.text);
}

static void test_events(void **state)
{
    (void)state;
    struct error e = {0};
    struct events v = {0};
    int64_t keep, bytes, step[16];
    float value[16];
    char tag[16][32], *path = path_join(dir, "pretrain/events.out.tfevents.petrel");
    assert_int_equal(events_open(&v, dir, "pretrain", 0, &e), 0);
    put(&v, 0, 5.5);
    put(&v, 1, 5.25);
    assert_int_equal(events_sync(&v, &keep, &e), 0);
    put(&v, 2, 99);
    events_close(&v);
    assert_int_equal(read_events(path, step, value, tag), 3);
    /* as after a kill: step 2 comes once */
    assert_int_equal(events_open(&v, dir, "pretrain", keep, &e), 0);
    put(&v, 2, 5);
    assert_int_equal(events_sync(&v, &bytes, &e), 0);
    events_close(&v);
    assert_int_equal(read_events(path, step, value, tag), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step[i], i);
        assert_true(value[i] == 5.5f - 0.25f * (float)i);
        assert_string_equal(tag[i], "train/loss");
    }
    /* elsewhere there is nothing to go on with */
    char *other = path_join(dir, "other");
    assert_int_equal(events_open(&v, other, "pretrain", keep, &e), 0);
    put(&v, 7, 1);
    events_close(&v);
    free(path);
    path = path_join(other, "pretrain/events.out.tfevents.petrel");
    assert_int_equal(read_events(path, step, value, tag), 1);
    assert_int_equal(step[0], 7);
    put(&v, 8, 1); /* no file: nothing */
    assert_int_equal(events_sync(&v, &bytes, &e), 0);
    assert_int_equal(bytes, 0);
    free(path);
    free(other);
}

static int setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    format_into(dir, sizeof dir, "%s/petrel-export.XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_compact), cmocka_unit_test(test_from_elsewhere),
                                       cmocka_unit_test(test_unexpected_bias), cmocka_unit_test(test_onnx),
                                       cmocka_unit_test(test_events)};
    return cmocka_run_group_tests_name("train_export", tests, setup, teardown);
}
