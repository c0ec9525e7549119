/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint -- the state of a phase on disk: atomic, checked, the last two kept.   [train] ═▶
 * RUN/checkpoint-PHASE-STEPS.safetensors */
#include "common/file.h"
#include "common/log.h"
#include "stages/train/checkpoint/checkpoint_internal.h"
#include <stdlib.h>
#include <string.h>

static const char kind_now[] = "checkpoint 3";

/* ---- the state: tensors by name, each of one of five sorts ---- */

enum sort { VALUE, STATE, DEAD, TEACHER, NAMED };
struct piece {
    struct param *q; /* of VALUE, STATE, DEAD and TEACHER */
    enum sort sort;
    size_t number; /* of STATE and NAMED */
};

/* Where a walk through the pieces stands. */
struct walk {
    size_t param, part, teacher, name;
};

/* The next piece of the state; without the optimiser's and the method's where all is false. false: no more. */
static bool piece_next(const struct checkpointer *k, bool all, struct walk *w, struct piece *x)
{
    for (; w->param < k->params->count; ++w->param, w->part = 0) {
        struct param *q = &k->params->param[w->param];
        size_t many = all && param_trained(q) ? k->states : 0, part = w->part++;
        if (q->frozen || part > many + (q->dead > 0))
            continue;
        *x = (struct piece){q, part == 0 ? VALUE : part <= many ? STATE : DEAD, part - 1};
        return true;
    }
    if (all && k->teacher && w->teacher < k->teacher->count) {
        *x = (struct piece){&k->teacher->param[w->teacher++], TEACHER, 0};
        return true;
    }
    if (all && w->name < k->names) {
        *x = (struct piece){NULL, NAMED, w->name++};
        return true;
    }
    return false;
}

static bool is_counter(const struct piece *x)
{
    return x->sort != DEAD && x->q && x->q->kind == PARAM_COUNTER;
}

static void piece_describe(const struct checkpointer *k, const struct piece *x, struct tensor_entry *t)
{
    *t = (struct tensor_entry){.type = x->sort == DEAD ? TENSOR_F64 : is_counter(x) ? TENSOR_I64 : TENSOR_F32};
    if (x->sort == NAMED) {
        format_into(t->name, sizeof t->name, "%s", k->named[x->number].name);
        t->ndim = 2;
        memcpy(t->dim, k->named[x->number].dim, sizeof k->named[x->number].dim);
        return;
    }
    const char *prefix = x->sort == STATE     ? k->state[x->number].name
                         : x->sort == DEAD    ? "dead"
                         : x->sort == TEACHER ? "teacher"
                                              : "";
    format_into(t->name, sizeof t->name, "%s%s%s", prefix, *prefix ? "." : "", x->q->name);
    t->ndim = x->sort == DEAD ? 1 : param_live_shape(x->q, t->dim);
    if (x->sort == DEAD)
        t->dim[0] = sizeof(struct dead_state) / sizeof(double);
}

static size_t named_bytes(const struct named_state *n)
{
    return (size_t)n->dim[0] * (size_t)n->dim[1] * sizeof(float);
}

static size_t piece_bytes(const struct checkpointer *k, const struct piece *x)
{
    return x->sort == NAMED  ? named_bytes(&k->named[x->number])
           : x->sort == DEAD ? sizeof(struct dead_state)
           : is_counter(x)   ? sizeof(int64_t)
                             : x->q->live * sizeof(float);
}

static struct params *params_of(const struct checkpointer *k, const struct piece *x)
{
    return x->sort == TEACHER ? k->teacher : k->params;
}

static float *block_of(const struct checkpointer *k, const struct piece *x)
{
    return x->sort == STATE ? k->state[x->number].block : params_of(k, x)->values;
}

static void piece_get(const struct checkpointer *k, const struct piece *x, void *to)
{
    struct backend *b = k->params->backend;
    if (x->sort == NAMED)
        b->get(b, to, k->named[x->number].data, piece_bytes(k, x));
    else if (x->sort == DEAD)
        b->get(b, to, x->q->dead_state, sizeof(struct dead_state));
    else if (is_counter(x))
        memcpy(to, &x->q->counter, sizeof x->q->counter);
    else
        param_get_live(params_of(k, x), x->q, block_of(k, x), to);
}

static void piece_put(const struct checkpointer *k, const struct piece *x, const void *from)
{
    struct backend *b = k->params->backend;
    if (x->sort == NAMED)
        b->put(b, k->named[x->number].data, from, piece_bytes(k, x));
    else if (x->sort == DEAD)
        b->put(b, x->q->dead_state, from, sizeof(struct dead_state));
    else if (is_counter(x))
        memcpy(&x->q->counter, from, sizeof x->q->counter);
    else
        param_put_live(params_of(k, x), x->q, block_of(k, x), from);
}

static int fetch(void *context, const struct tensor_entry *t, void *to, struct error *e)
{
    struct checkpointer *k = context;
    struct piece x;
    struct tensor_entry like;
    for (struct walk w = {0}; piece_next(k, true, &w, &x);) {
        piece_describe(k, &x, &like);
        if (!strcmp(like.name, t->name)) {
            piece_get(k, &x, to);
            return 0;
        }
    }
    return fail_as(e, EX_SOFTWARE, "'%s' is no part of the state", t->name);
}

/* The state as it is when s is written; or, into host, as it is now. Returns the bytes host needs. */
static size_t state_add(struct checkpointer *k, struct safetensors *s, bool all, char *host)
{
    struct piece x;
    struct tensor_entry t;
    size_t bytes = 0;
    for (struct walk w = {0}; piece_next(k, all, &w, &x); bytes += (piece_bytes(k, &x) + 7) / 8 * 8) {
        piece_describe(k, &x, &t);
        if (host)
            piece_get(k, &x, host + bytes);
        if (s)
            safetensors_add(s, t.name, t.type, t.ndim, t.dim, host ? host + bytes : NULL);
    }
    if (s) {
        s->fill = fetch;
        s->fill_context = k;
        safetensors_set(s, "petrel", kind_now);
        safetensors_set(s, "settings", k->train->settings);
    }
    return bytes;
}

static int state_read(struct checkpointer *k, const struct safetensors *s, bool all, struct error *e)
{
    struct piece x;
    struct tensor_entry want;
    for (struct walk w = {0}; piece_next(k, all, &w, &x);) {
        piece_describe(k, &x, &want);
        const struct tensor_entry *t = safetensors_find(s, want.name);
        if (!t || t->ndim != want.ndim || memcmp(t->dim, want.dim, sizeof t->dim) || t->type != want.type)
            return fail(e, "tensor '%s' is %s", want.name, t ? "misshapen" : "missing");
        piece_put(k, &x, t->data);
    }
    return 0;
}

int checkpointer_open(struct checkpointer *k, const struct train *t, struct params *p,
                      const struct optimiser_state *state, size_t states, struct error *e)
{
    *k = (struct checkpointer){
        .train = t, .params = p, .states = states, .kept = {{-1, -1}, {-1, -1}}, .saved_s = now_s()};
    for (size_t i = 0; i < states; i++)
        k->state[i] = state[i];
    k->best_host = xalloc(state_add(k, NULL, false, NULL) + 1, 1);
    return dead_weights_open(&k->dead_weights, p, t->stage_options.run, t->phase, e);
}

void checkpointer_add(struct checkpointer *k, const char *name, float *data, int rows, int columns)
{
    if (k->names == CHECKPOINT_STATES)
        die(EX_SOFTWARE, "no room for the state '%s' in checkpoints", name);
    k->named[k->names++] = (struct named_state){name, data, {rows, columns}};
}

void checkpointer_close(struct checkpointer *k)
{
    safetensors_free(&k->best);
    dead_weights_close(&k->dead_weights);
    free(k->best_host);
    *k = (struct checkpointer){0};
}

/* ---- saving ---- */

static int sweep_both(const struct checkpointer *k, struct error *e)
{
    return checkpoint_sweep(k->train, "checkpoint-", "-", k->kept[0].steps, k->kept[1].steps, e) ||
                   checkpoint_sweep(k->train, "", "-best-", k->kept[0].best, k->kept[1].best, e)
               ? -1
               : 0;
}

void checkpointer_note_best(struct checkpointer *k, const struct cursor *at)
{
    (void)at;
    safetensors_free(&k->best);
    (void)state_add(k, &k->best, false, k->best_host);
}

static int save_best(struct checkpointer *k, const struct cursor *at, struct error *e)
{
    if (!k->best.tensor_count)
        return 0;
    char *path = best_path(k->train, at->stopping.best_steps);
    int result = safetensors_write(&k->best, path, e);
    free(path);
    safetensors_free(&k->best);
    return result;
}

int checkpoint_save(struct checkpointer *k, const struct cursor *at, struct error *e)
{
    if (save_best(k, at, e)) /* first: a checkpoint never names a best model that is not there */
        return -1;
    struct safetensors s = {0};
    (void)state_add(k, &s, true, NULL);
    cursor_write(&s, at);
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

static int check_kind(const struct checkpointer *k, const struct safetensors *s, struct error *e)
{
    const char *kind = safetensors_get(s, "petrel"), *settings = safetensors_get(s, "settings");
    if (!kind || strcmp(kind, kind_now) || !settings)
        return fail(
            e, "it is a '%s', not a '%s': finish that run with the version that began it, or --restart to begin anew",
            kind ? kind : "file of another program", kind_now);
    return strcmp(settings, k->train->settings) ? checkpoint_fail_other(k->train, settings, e) : 0;
}

int checkpointer_take_best(struct checkpointer *k, const struct cursor *at, struct error *e)
{
    struct safetensors s = {0};
    if (k->best.tensor_count)
        return state_read(k, &k->best, false, e);
    char *path = best_path(k->train, at->stopping.best_steps);
    int result = safetensors_read(&s, path, e);
    if (!result && (check_kind(k, &s, e) || state_read(k, &s, false, e)))
        result = fail_in(e, "cannot use '%s'", path);
    safetensors_free(&s);
    free(path);
    return result;
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

int checkpoint_load(struct checkpointer *k, struct cursor *at, struct error *e)
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
        } else if (check_kind(k, &s, e) || cursor_read(&s, at, e) || state_read(k, &s, true, e)) {
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
