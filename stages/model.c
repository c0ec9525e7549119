/* SPDX-License-Identifier: Apache-2.0 */
/* model -- a model file on a back end: opened, asked for embeddings and probabilities.   train ═▶ [model] ═▶ eval,
 * classify */
#include "stages/model.h"
#include "common/log.h"
#include "proto/message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_BATCH = 32 }; /* boxes a pass; more gains nothing, fewer wastes less on a patient of a few regions */

struct backend *backend_choose(const struct backend_wish *w, struct error *e)
{
    enum precision precision = strcmp(w->precision, "bfloat16") ? FLOAT32 : BFLOAT16;
    struct backend *b;
    if (strcmp(w->name, "auto")) {
        b = backend_open(w->name, (int)w->threads, precision, e);
    } else {
        struct error none = {0};
        b = backend_open("cuda", (int)w->threads, precision, &none);
        if (!b)
            b = backend_open("cpu", (int)w->threads, precision, e);
    }
    if (b)
        log_note("back end %s: %s", b->name, b->device);
    return b;
}

static int64_t metadata_number(const struct safetensors *s, const char *key)
{
    const char *text = safetensors_get(s, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

static void metadata_text(const struct safetensors *s, const char *key, char *to, size_t size)
{
    const char *text = safetensors_get(s, key);
    snprintf(to, size, "%s", text ? text : "");
}

static int read_facts(struct model *m, const struct safetensors *s, const char *path, struct error *e)
{
    const char *kind = safetensors_get(s, "petrel"), *settings = safetensors_get(s, "settings");
    if (!kind || !settings)
        return fail(e,
                    "'%s' has no metadata '%s': it was not written by petrel-train (petrel-train --init takes weights "
                    "from elsewhere)",
                    path, kind ? "settings" : "petrel");
    if (strcmp(kind, MODEL_WHOLE))
        return fail(e, "'%s' is a '%s', not a 'model 1': give a model file petrel-train wrote, of this version", path,
                    kind);
    if (model_settings_read(settings, &m->recipe, e))
        return fail_in(e, "cannot use '%s'", path);
    m->settings = xstrdup(settings);
    for (int i = 0; i < 2; i++) {
        const char *list = safetensors_get(s, i ? MODEL_PATIENTS_VALIDATION : MODEL_PATIENTS);
        m->patients[i] = list ? xstrdup(list) : NULL;
    }
    m->channels = (int)metadata_number(s, "channels");
    if (m->channels != recipe_channels(&m->recipe))
        return fail(e, "'%s' takes %d channels, but its settings say channels = %s", path, m->channels,
                    m->recipe.channels);
    m->epoch = metadata_number(s, "epoch");
    m->step = metadata_number(s, "step");
    m->seed = (uint64_t)metadata_number(s, "seed");
    metadata_text(s, "cohort", m->cohort, sizeof m->cohort);
    metadata_text(s, "phase", m->phase, sizeof m->phase);
    metadata_text(s, "recipe", m->recipe_name, sizeof m->recipe_name);
    metadata_text(s, "version", m->version, sizeof m->version);
    metadata_text(s, "cache", m->cache_digest, sizeof m->cache_digest);
    m->simulated = m->cohort[0];
    m->position = m->recipe.position;
    m->has_classifier = !strcmp(m->phase, "classifier") || model_has_part(s, "classifier");
    return 0;
}

static int open_with(struct model *m, const struct safetensors *s, const char *path, const struct backend_wish *w,
                     struct error *e)
{
    if (read_facts(m, s, path, e))
        return -1;
    if (model_network(&m->recipe, m->channels, m->has_classifier, &m->network, e))
        return fail_in(e, "cannot use '%s'", path);
    if (!(m->backend = backend_choose(w, e)))
        return -1;
    m->params = params_open(m->backend);
    m->tape = tape_open(m->params, MODEL_BATCH, 1);
    m->values = network_build(m->tape, &m->network, NETWORK_ENCODER | (m->has_classifier ? NETWORK_CLASSIFIER : 0u));
    tape_seal(m->tape, false, NULL);
    if (model_load(m->params, s, path, "", "projection", e))
        return -1;
    m->position = m->network.position;
    m->embedding = network_embedding(&m->network);
    m->box = xalloc((size_t)MODEL_BATCH * (size_t)m->channels * model_input_floats(&m->network), sizeof *m->box);
    m->row = xalloc((size_t)MODEL_BATCH * NETWORK_POSITION, sizeof *m->row);
    m->out = xalloc((size_t)MODEL_BATCH * (size_t)m->embedding, sizeof *m->out);
    m->logit = xalloc((size_t)MODEL_BATCH * NETWORK_CLASSES, sizeof *m->logit);
    return 0;
}

int model_open_facts(struct model *m, const char *path, struct error *e)
{
    struct safetensors s = {0};
    *m = (struct model){0};
    if (model_read(&s, path, e))
        return -1;
    int result = read_facts(m, &s, path, e);
    safetensors_free(&s);
    if (result)
        model_close(m);
    return result;
}

int model_open(struct model *m, const char *path, const struct backend_wish *w, struct error *e)
{
    struct safetensors s = {0};
    *m = (struct model){0};
    if (model_read(&s, path, e))
        return -1;
    int result = open_with(m, &s, path, w, e);
    safetensors_free(&s);
    if (result)
        model_close(m);
    return result;
}

void model_forget(struct model *m, uint64_t seed)
{
    params_init(m->params, seed);
}

void model_unload(struct model *m)
{
    tape_close(&m->tape);
    params_close(&m->params);
    if (m->backend)
        backend_close(&m->backend);
    free(m->box);
    free(m->row);
    free(m->out);
    free(m->logit);
    m->box = m->row = m->out = m->logit = NULL;
}

void model_close(struct model *m)
{
    model_unload(m);
    free(m->settings);
    free(m->patients[0]);
    free(m->patients[1]);
    *m = (struct model){0};
}

/* ---- asking: a box is one input of the network, or its middle slices, one by one ---- */

static size_t inputs_of_box(const struct model *m)
{
    return m->network.box[0] == 1 ? (size_t)m->recipe.box_slices : 1;
}

/* Input number k of all boxes' to `at` of the batch. */
static void input_take(struct model *m, const float *box, const float *position, size_t k, size_t at)
{
    size_t inputs = inputs_of_box(m), i = k / inputs, voxels = model_input_floats(&m->network),
           slice = m->network.box[0] == 1 ? (size_t)slices_first((int)inputs) + k % inputs : 0;
    for (size_t c = 0; c < (size_t)m->channels; c++)
        memcpy(m->box + (at * (size_t)m->channels + c) * voxels,
               box + (i * (size_t)m->channels + c) * BOX_VOXELS + slice * (BOX_SIDE * BOX_SIDE), voxels * sizeof *box);
    if (m->position)
        memcpy(m->row + at * NETWORK_POSITION, position + i * NETWORK_POSITION, NETWORK_POSITION * sizeof *position);
}

/* One pass over n inputs, at most MODEL_BATCH; what is left of the batch is zeros, for the tape has one shape. */
static void pass(struct model *m, const float *box, const float *position, size_t first, size_t n)
{
    size_t size = (size_t)m->channels * model_input_floats(&m->network);
    for (size_t at = 0; at < n; at++)
        input_take(m, box, position, first + at, at);
    memset(m->box + n * size, 0, (MODEL_BATCH - n) * size * sizeof *box);
    tape_put(m->tape, m->values.box, m->box);
    if (m->position) {
        memset(m->row + n * NETWORK_POSITION, 0, (MODEL_BATCH - n) * NETWORK_POSITION * sizeof *position);
        tape_put(m->tape, m->values.position, m->row);
    }
    tape_evaluate(m->tape);
}

static void take_embedding(struct model *m, size_t n, float *out)
{
    tape_get(m->tape, m->values.embedding, m->out);
    memcpy(out, m->out, n * (size_t)m->embedding * sizeof *out);
}

/* out [n][width] from [n][inputs][width]: means */
static void means(float *out, const float *in, size_t n, size_t inputs, size_t width)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < width; k++) {
            double sum = 0;
            for (size_t v = 0; v < inputs; v++)
                sum += (double)in[(i * inputs + v) * width + k];
            out[i * width + k] = (float)(sum / (double)inputs);
        }
}

static int downwards(const void *a, const void *b)
{
    const float *p = a, *q = b;
    return (*p < *q) - (*p > *q);
}

/* A region is what at least half of its slices are: whatever the threshold, that is the probability that half of them reach. */
static void halves(float *out, float *in, size_t n, size_t inputs)
{
    for (size_t i = 0; i < n; i++) {
        qsort(in + i * inputs, inputs, sizeof *in, downwards);
        out[i] = in[i * inputs + (inputs + 1) / 2 - 1];
    }
}

/* probability [n * inputs], or NULL; embedding [n * inputs][width], or NULL */
static void ask(struct model *m, const float *box, const float *position, size_t all, float *probability,
                float *embedding)
{
    for (size_t i = 0; i < all; i += MODEL_BATCH) {
        size_t count = all - i < MODEL_BATCH ? all - i : MODEL_BATCH;
        pass(m, box, position, i, count);
        if (probability)
            tape_get(m->tape, m->values.logits, m->logit);
        for (size_t k = 0; probability && k < count; k++) /* softmax of two */
            probability[i + k] = (float)(1 / (1 + exp((double)m->logit[2 * k] - (double)m->logit[2 * k + 1])));
        if (embedding)
            take_embedding(m, count, embedding + i * (size_t)m->embedding);
    }
}

static void ask_boxes(struct model *m, const float *box, const float *position, size_t n, float *probability,
                      float *embedding)
{
    size_t inputs = inputs_of_box(m), all = n * inputs, width = (size_t)m->embedding;
    if (inputs == 1) {
        ask(m, box, position, n, probability, embedding);
        return;
    }
    float *p = probability ? xalloc(all + 1, sizeof *p) : NULL,
          *y = embedding ? xalloc(all * width + 1, sizeof *y) : NULL;
    ask(m, box, position, all, p, y);
    if (p)
        halves(probability, p, n, inputs);
    if (y)
        means(embedding, y, n, inputs, width);
    free(p);
    free(y);
}

void model_embed(struct model *m, const float *box, const float *position, size_t n, float *out)
{
    ask_boxes(m, box, position, n, NULL, out);
}

int model_predict(struct model *m, const float *box, const float *position, size_t n, float *probability,
                  float *embedding, struct error *e)
{
    if (!m->has_classifier)
        return fail(
            e, "the model has no classifier: it comes from pretraining; run petrel-train classifier --init with it");
    ask_boxes(m, box, position, n, probability, embedding);
    return 0;
}
