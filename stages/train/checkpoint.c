/* checkpoint -- the state of a phase on disk: atomic, checked, the last two kept.   [train] ═▶
 * RUN/checkpoint-PHASE-STEPS.safetensors */
#include "stages/train/checkpoint_own.h"
#include "common/file.h"
#include "common/log.h"
#include <stdlib.h>
#include <string.h>

/* ---- tensors ---- */

static size_t state_floats(const struct keeper *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->params->count; i++) {
        const struct param *q = &k->params->param[i];
        if (!q->frozen && q->kind != PARAM_COUNTER)
            n += q->count * (param_trained(q) ? 1 + k->moments : 1);
    }
    return n;
}

void keeper_open(struct keeper *k, const struct train *t, struct params *p, const struct moment *moment, size_t moments)
{
    *k = (struct keeper){.train = t, .params = p, .moments = moments, .kept = {{-1, -1}, {-1, -1}}, .saved_s = now_s()};
    for (size_t i = 0; i < moments; i++)
        k->moment[i] = moment[i];
    size_t model = model_host_floats(p), state = state_floats(k);
    k->host = xalloc(model > state ? model : state, sizeof *k->host);
    k->best_host = xalloc(model, sizeof *k->best_host);
}

void keeper_close(struct keeper *k)
{
    safetensors_free(&k->best);
    free(k->host);
    free(k->best_host);
    *k = (struct keeper){0};
}

static void add_tensor(struct safetensors *s, const struct param *q, const char *prefix, const void *data)
{
    char name[128];
    int64_t dim[5];
    for (int a = 0; a < q->ndim; a++)
        dim[a] = q->dim[a];
    format_into(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", q->name);
    safetensors_add(s, name, q->kind == PARAM_COUNTER ? TENSOR_I64 : TENSOR_F32, q->ndim, dim, data);
}

static void state_add(struct keeper *k, struct safetensors *s)
{
    float *host = k->host;
    for (size_t i = 0; i < k->params->count; i++) {
        const struct param *q = &k->params->param[i];
        if (q->frozen)
            continue;
        if (q->kind == PARAM_COUNTER) {
            add_tensor(s, q, "", &q->counter);
            continue;
        }
        param_get(k->params, q, host);
        add_tensor(s, q, "", host);
        host += q->count;
        for (size_t m = 0; m < k->moments && param_trained(q); m++, host += q->count) {
            param_get_from(k->params, q, k->moment[m].block, host);
            add_tensor(s, q, k->moment[m].name, host);
        }
    }
}

static const void *tensor_of(const struct safetensors *s, const struct param *q, const char *prefix, struct error *e)
{
    char name[128];
    format_into(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", q->name);
    const struct tensor_entry *t = safetensors_find(s, name);
    if (!t || tensor_count(t) != q->count || t->type != (q->kind == PARAM_COUNTER ? TENSOR_I64 : TENSOR_F32)) {
        fail(e, "tensor '%s' is %s", name, t ? "misshapen" : "missing");
        return NULL;
    }
    return t->data;
}

static int state_read(struct keeper *k, const struct safetensors *s, struct error *e)
{
    for (size_t i = 0; i < k->params->count; i++) {
        struct param *q = &k->params->param[i];
        const void *data = q->frozen ? NULL : tensor_of(s, q, "", e);
        if (q->frozen)
            continue;
        if (!data)
            return -1;
        if (q->kind == PARAM_COUNTER)
            memcpy(&q->counter, data, sizeof q->counter);
        else
            param_put(k->params, q, data);
        for (size_t m = 0; m < k->moments && param_trained(q); m++) {
            if (!(data = tensor_of(s, q, k->moment[m].name, e)))
                return -1;
            param_put_to(k->params, q, k->moment[m].block, data);
        }
    }
    return 0;
}

/* ---- saving ---- */

static int sweep_both(const struct keeper *k, struct error *e)
{
    return checkpoint_sweep(k->train, "checkpoint-", "-", k->kept[0].steps, k->kept[1].steps, e) ||
                   checkpoint_sweep(k->train, "", "-best-", k->kept[0].best, k->kept[1].best, e)
               ? -1
               : 0;
}

void keeper_note_best(struct keeper *k, const struct place *at)
{
    safetensors_free(&k->best);
    model_add_params(&k->best, k->params, k->best_host);
    keeper_facts(k->train, &k->best, at->stopping.best_epoch, at->stopping.best_steps);
}

static int save_best(struct keeper *k, const struct place *at, struct error *e)
{
    if (!k->best.tensor_count)
        return 0;
    char *path = best_path(k->train, at->stopping.best_steps);
    int result = safetensors_write(&k->best, path, e);
    free(path);
    safetensors_free(&k->best);
    return result;
}

int checkpoint_save(struct keeper *k, const struct place *at, struct error *e)
{
    if (save_best(k, at, e)) /* first: a checkpoint never names a best model that is not there */
        return -1;
    struct safetensors s = {0};
    state_add(k, &s);
    safetensors_set(&s, "petrel", "checkpoint 1");
    safetensors_set(&s, "settings", k->train->settings);
    place_write(&s, at);
    char *path = checkpoint_path(k->train, at->steps);
    int result = safetensors_write(&s, path, e);
    safetensors_free(&s);
    free(path);
    if (result)
        return -1;
    if (k->kept[0].steps != at->steps) /* one of the same name was replaced */
        k->kept[1] = k->kept[0];
    k->kept[0].steps = at->steps;
    k->kept[0].best = at->stopping.any ? at->stopping.best_steps : -1;
    k->saved_s = now_s();
    return sweep_both(k, e);
}

/* ---- coming back ---- */

static int take_checkpoint(struct keeper *k, const struct safetensors *s, struct place *at, struct error *e)
{
    const char *kind = safetensors_get(s, "petrel"), *settings = safetensors_get(s, "settings");
    if (!kind || strcmp(kind, "checkpoint 1") || !settings)
        return fail(e, "it is no checkpoint of this version");
    if (strcmp(settings, k->train->settings))
        return checkpoint_fail_other(k->train, settings, e);
    return place_read(s, at, e) || state_read(k, s, e) ? -1 : 0;
}

static int64_t newest_below(const struct names *names, const char *prefix, int64_t below)
{
    int64_t newest = -1;
    for (size_t i = 0; i < names->count; i++) {
        int64_t steps = checkpoint_steps(names->name[i], prefix);
        if (steps < below && steps > newest)
            newest = steps;
    }
    return newest;
}

int checkpoint_load(struct keeper *k, struct place *at, struct error *e)
{
    struct names names;
    char prefix[64];
    int found = 0;
    format_into(prefix, sizeof prefix, "checkpoint-%s-", k->train->phase);
    if (dir_list(k->train->stage_options.run, &names, e))
        return -1;
    for (int64_t steps = INT64_MAX; !found && (steps = newest_below(&names, prefix, steps)) >= 0;) {
        struct error why = {0};
        struct safetensors s = {0};
        char *path = checkpoint_path(k->train, steps);
        if (safetensors_read(&s, path, &why)) {
            log_warn("%s: trying the checkpoint before it", why.text);
        } else if (take_checkpoint(k, &s, at, e)) {
            found = fail_in(e, "cannot go on from '%s'", path);
        } else {
            found = 1;
            k->kept[0].steps = steps;
            k->kept[0].best = at->stopping.any ? at->stopping.best_steps : -1;
        }
        safetensors_free(&s);
        free(path);
    }
    if (!found && newest_below(&names, prefix, INT64_MAX) >= 0)
        found = fail(e, "no checkpoint in '%s' can be read: --restart to begin anew", k->train->stage_options.run);
    names_free(&names);
    return found;
}
