/* SPDX-License-Identifier: Apache-2.0 */
/* export -- a file of weights in other clothes: whole, compact, ONNX.   model ═▶ [train] ═▶ files
 *
 *     petrel-train export --init FILE [--model FILE] [--compact FILE] [--onnx FILE]
 * A file petrel-train wrote brings its settings along; of one from elsewhere the recipe says what network it is. */
#include "common/log.h"
#include "stages/train/export/onnx.h"
#include <stdlib.h>
#include <string.h>

struct export
{
    struct train *train;
    struct params *params;
    struct tape *tape;
    unsigned parts;
};

static void take_settings(struct train *t)
{
    struct error e = {0};
    const char *settings = safetensors_get(&t->init_file, "settings"),
               *channels = safetensors_get(&t->init_file, "channels");
    const struct tensor_entry *stem = safetensors_find(&t->init_file, "backbone.conv1.weight");
    if (settings && model_settings_read(settings, &t->recipe, &e)) {
        fail_in(&e, "cannot use '%s'", t->init);
        die_of(&e);
    }
    t->channels = channels ? (int)strtol(channels, NULL, 10) : stem && stem->ndim == 5 ? (int)stem->dim[1] : 1;
    if (t->channels < 1 || t->channels > BOX_CHANNELS)
        die(EX_DATAERR, "'%s' takes %d channels: boxes have at most %d (%s)", t->init, t->channels, BOX_CHANNELS,
            box_channel_names(BOX_CHANNELS));
    t->recipe.channels = box_channel_names(t->channels);
}

static void open_network(struct export *x, struct train *t)
{
    struct error e = {0};
    x->train = t;
    x->parts = NETWORK_ENCODER | (model_has_part(&t->init_file, "projection") ? NETWORK_PROJECTION : 0u) |
               (model_has_part(&t->init_file, "classifier") ? NETWORK_CLASSIFIER : 0u);
    if (model_network(&t->recipe, t->channels, x->parts & NETWORK_CLASSIFIER, &t->network, &e) ||
        !(t->backend = backend_choose(&(struct backend_wish){t->backend_name, "float32", t->threads}, &e)))
        die_of(&e);
    x->params = params_open(t->backend);
    x->tape = tape_open(x->params, 1, 1);
    (void)network_build(x->tape, &t->network, x->parts);
    tape_seal(x->tape, false, NULL);
    params_keep_dead_weights(x->params);
    if (model_load(x->params, &t->init_file, t->init, "", "", &e))
        die_of(&e);
}

/* what the file said of itself; of one from elsewhere, what is known */
static void add_facts(const struct export *x, struct safetensors *s)
{
    const struct train *t = x->train;
    if (safetensors_get(&t->init_file, "settings"))
        for (size_t i = 0; i < t->init_file.metadata_count; i++)
            safetensors_set(s, t->init_file.metadata[i].key, t->init_file.metadata[i].value);
    else
        model_add_facts(s, &(struct model_facts){.phase = x->parts & NETWORK_CLASSIFIER ? "classifier" : "pretrain",
                                                 .cache_digest = "",
                                                 .cohort = "",
                                                 .recipe = &t->recipe,
                                                 .channels = t->channels});
}

static void write_file(const struct export *x, const char *path, bool compact)
{
    struct error e = {0};
    struct safetensors s = {0};
    if (!path)
        return;
    int64_t *index = NULL;
    add_facts(x, &s);
    if (compact)
        index = model_add_live(&s, x->params);
    else
        model_add_params(&s, x->params, NULL);
    if (safetensors_write(&s, path, &e))
        die_of(&e);
    safetensors_free(&s);
    free(index);
    log_note("'%s': %s", path, compact ? "without dead weights" : "whole");
}

int export_run(struct train *t)
{
    struct error e = {0};
    struct export x = {0};
    if (!t->init)
        die(EX_USAGE, "nothing to export: --init FILE");
    if (!t->export_model && !t->export_compact && !t->export_onnx)
        die(EX_USAGE, "say what to write: --model FILE, --compact FILE or --onnx FILE");
    if (model_read(&t->init_file, t->init, &e))
        die_of(&e);
    take_settings(t);
    open_network(&x, t);
    write_file(&x, t->export_model, false);
    write_file(&x, t->export_compact, true);
    if (t->export_onnx && onnx_write(&t->network, x.params, t->export_onnx, &e))
        die_of(&e);
    tape_close(&x.tape);
    params_close(&x.params);
    backend_close(&t->backend);
    safetensors_free(&t->init_file);
    return EX_OK;
}
