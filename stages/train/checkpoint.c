/* checkpoint -- the state of a phase on disk: atomic, checked, the last two kept.   [train] ═▶ RUN/checkpoint-PHASE-STEPS.safetensors */
#include "stages/train/checkpoint.h"
#include "common/file.h"
#include "common/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* the place, field by field: reals in hexadecimal, so that they come back bit for bit */
enum kind { WHOLE, REAL, TRUTH };
#define AT(field) offsetof(struct place, field)
static const struct { const char *key; enum kind kind; size_t at; } FIELDS[] = {
    {"epoch", WHOLE, AT(epoch)},
    {"step", WHOLE, AT(step)},
    {"steps", WHOLE, AT(steps)},
    {"sum_loss", REAL, AT(sum[0])},
    {"sum_first", REAL, AT(sum[1])},
    {"sum_second", REAL, AT(sum[2])},
    {"sum_third", REAL, AT(sum[3])},
    {"count", REAL, AT(count)},
    {"seconds", REAL, AT(seconds)},
    {"best", REAL, AT(stopping.best)},
    {"since_best", WHOLE, AT(stopping.since)},
    {"best_epoch", WHOLE, AT(stopping.best_epoch)},
    {"best_steps", WHOLE, AT(stopping.best_steps)},
    {"any_best", TRUTH, AT(stopping.any)},
    {"history_bytes", WHOLE, AT(history_bytes)},
    {"optimiser_steps", WHOLE, AT(optimiser_steps)},
};

static void place_write(struct safetensors *s, const struct place *at)
{
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        const void *value = (const char *)at + FIELDS[i].at;
        char text[64];
        switch (FIELDS[i].kind) {
        case WHOLE: format_into(text, sizeof text, "%lld", (long long)*(const int64_t *)value); break;
        case REAL: format_into(text, sizeof text, "%a", *(const double *)value); break;
        case TRUTH: format_into(text, sizeof text, "%d", *(const bool *)value); break;
        }
        safetensors_set(s, FIELDS[i].key, text);
    }
}

static int place_read(const struct safetensors *s, struct place *at, struct error *e)
{
    *at = (struct place){0};
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
        const char *text = safetensors_get(s, FIELDS[i].key);
        void *value = (char *)at + FIELDS[i].at;
        if (!text)
            return fail(e, "metadata '%s' is missing", FIELDS[i].key);
        switch (FIELDS[i].kind) {
        case WHOLE: *(int64_t *)value = strtoll(text, NULL, 10); break;
        case REAL: *(double *)value = strtod(text, NULL); break;
        case TRUTH: *(bool *)value = text[0] == '1'; break;
        }
    }
    return 0;
}

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

/* ---- files ---- */

static char *numbered(const struct train *t, const char *head, const char *tail, int64_t steps)
{
    char name[96];
    format_into(name, sizeof name, "%s%s%s%09lld.safetensors", head, t->phase, tail, (long long)steps);
    return path_join(t->stage_options.run, name);
}
static char *checkpoint_path(const struct train *t, int64_t steps) { return numbered(t, "checkpoint-", "-", steps); }
static char *best_path(const struct train *t, int64_t steps) { return numbered(t, "", "-best-", steps); }

/* steps of a file called "PREFIX n .safetensors", or -1 */
static int64_t steps_of(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length))
        return -1;
    char *end;
    int64_t steps = strtoll(name + length, &end, 10);
    return end > name + length && !strcmp(end, ".safetensors") ? steps : -1;
}

/* every checkpoint, or best model, but those of a and b goes */
static int sweep(const struct train *t, const char *head, const char *tail, int64_t a, int64_t b, struct error *e)
{
    struct names names;
    char prefix[64];
    format_into(prefix, sizeof prefix, "%s%s%s", head, t->phase, tail);
    if (dir_list(t->stage_options.run, &names, e))
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        int64_t steps = steps_of(names.name[i], prefix);
        if (steps < 0 || steps == a || steps == b)
            continue;
        char *path = path_join(t->stage_options.run, names.name[i]);
        unlink(path);
        free(path);
    }
    names_free(&names);
    return 0;
}

static int sweep_both(const struct keeper *k, struct error *e)
{
    return sweep(k->train, "checkpoint-", "-", k->kept[0].steps, k->kept[1].steps, e) ||
                   sweep(k->train, "", "-best-", k->kept[0].best, k->kept[1].best, e)
               ? -1
               : 0;
}

static void add_facts(const struct train *t, struct safetensors *s, int64_t epoch, int64_t steps)
{
    model_add_facts(s, &(struct model_facts){.phase = t->phase, .cache_digest = t->cache.digest, .cohort = t->cohort, .recipe = &t->recipe,
                                             .channels = t->channels, .seed = t->seed, .epoch = epoch, .step = steps});
}

static int write_model(struct keeper *k, const struct place *at, const char *path, struct error *e)
{
    struct safetensors s = {0};
    model_add_params(&s, k->params, k->host);
    add_facts(k->train, &s, at->step || !at->epoch ? at->epoch : at->epoch - 1, at->steps); /* the epoch last learned from */
    int result = safetensors_write(&s, path, e);
    safetensors_free(&s);
    return result;
}

void keeper_note_best(struct keeper *k, const struct place *at)
{
    safetensors_free(&k->best);
    model_add_params(&k->best, k->params, k->best_host);
    add_facts(k->train, &k->best, at->stopping.best_epoch, at->stopping.best_steps);
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

/* the first line in which two run records differ */
static int fail_other_settings(const struct train *t, const char *there, struct error *e)
{
    const char *here = t->settings, *a = there, *b = here;
    while (*a && *b && strcspn(a, "\n") == strcspn(b, "\n") && !strncmp(a, b, strcspn(a, "\n"))) {
        a += strcspn(a, "\n"), a += *a == '\n';
        b += strcspn(b, "\n"), b += *b == '\n';
    }
    return fail_as(e, EX_USAGE, "'%s' holds a run begun with other settings ('%.*s' there, '%.*s' here): give the same again, another --run, "
                                "or --restart to begin anew", t->stage_options.run, (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
}

static int take_checkpoint(struct keeper *k, const struct safetensors *s, struct place *at, struct error *e)
{
    const char *kind = safetensors_get(s, "petrel"), *settings = safetensors_get(s, "settings");
    if (!kind || strcmp(kind, "checkpoint 1") || !settings)
        return fail(e, "it is no checkpoint of this version");
    if (strcmp(settings, k->train->settings))
        return fail_other_settings(k->train, settings, e);
    return place_read(s, at, e) || state_read(k, s, e) ? -1 : 0;
}

static int64_t newest_below(const struct names *names, const char *prefix, int64_t below)
{
    int64_t newest = -1;
    for (size_t i = 0; i < names->count; i++) {
        int64_t steps = steps_of(names->name[i], prefix);
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

/* ---- the end ---- */

static int copy_file(const char *from, const char *to, struct error *e)
{
    struct buffer b;
    if (file_read(from, SIZE_MAX / 2, &b, e))
        return -1;
    int result = publish_bytes(to, b.data, b.size, e);
    buffer_free(&b);
    return result;
}

static int write_best_out(struct keeper *k, const struct place *at, struct error *e)
{
    if (!at->stopping.any)
        return write_model(k, at, k->train->out_path, e);
    if (k->best.tensor_count)
        return safetensors_write(&k->best, k->train->out_path, e);
    char *path = best_path(k->train, at->stopping.best_steps);
    int result = copy_file(path, k->train->out_path, e);
    free(path);
    return result;
}

int keeper_write_out(struct keeper *k, const struct place *at, struct error *e)
{
    return write_model(k, at, k->train->out_path, e);
}

int keeper_finish(struct keeper *k, const struct place *at, struct error *e)
{
    char *last = train_path(k->train, "-last.safetensors"), *done = train_path(k->train, ".done");
    int result = write_best_out(k, at, e) || write_model(k, at, last, e) ||
                 publish_bytes(done, k->train->settings, strlen(k->train->settings), e) ||
                 sweep(k->train, "checkpoint-", "-", -1, -1, e) || sweep(k->train, "", "-best-", -1, -1, e);
    free(last);
    free(done);
    return result ? -1 : 0;
}

int checkpoint_finished(const struct train *t, struct error *e)
{
    struct buffer text = {0};
    char *done = train_path(t, ".done");
    int result = file_exists(done) ? 1 : 0;
    if (result && file_read(done, 1 << 20, &text, e))
        result = -1;
    if (result == 1 && strcmp((const char *)text.data, t->settings))
        result = fail_other_settings(t, (const char *)text.data, e);
    if (result == 1 && !file_exists(t->out_path))
        result = fail_as(e, EX_NOINPUT, "'%s' says this run is finished, but '%s' is not there: put it back, or --restart to train again",
                         done, t->out_path);
    buffer_free(&text);
    free(done);
    return result;
}

int checkpoint_clear(const struct train *t, bool everything, struct error *e)
{
    struct names names;
    char unfinished[2][64];
    format_into(unfinished[0], 64, ".checkpoint-%s-", t->phase);
    format_into(unfinished[1], 64, ".%s-", t->phase);
    if (dir_list(t->stage_options.run, &names, e))
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.name[i];
        if (!ends_with(name, ".tmp") || (strncmp(name, unfinished[0], strlen(unfinished[0])) && strncmp(name, unfinished[1], strlen(unfinished[1]))))
            continue;
        char *path = path_join(t->stage_options.run, name);
        unlink(path);
        free(path);
    }
    names_free(&names);
    if (!everything)
        return 0;
    char *done = train_path(t, ".done");
    unlink(done);
    free(done);
    return sweep(t, "checkpoint-", "-", -1, -1, e) || sweep(t, "", "-best-", -1, -1, e) ? -1 : 0;
}
