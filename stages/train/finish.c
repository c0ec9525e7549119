/* SPDX-License-Identifier: Apache-2.0 */
/* finish -- the end of a phase: model files, the note that it is over, and what goes.   [train] ═▶ RUN */
#include "common/file.h"
#include "stages/train/checkpoint_own.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fetch(void *context, const struct tensor_entry *t, void *to, struct error *e)
{
    struct keeper *k = context;
    struct param *q = params_find(k->params, t->name);
    int result = first_borrow(&k->first, k->params, q, e);
    if (!result && k->age && q->dead && !q->frozen)
        k->age(k->age_context, q, k->writing);
    if (!result)
        param_get(k->params, q, to);
    first_return(&k->first, q);
    return result;
}

static int write_model(struct keeper *k, const char *path, int64_t epoch, int64_t steps, struct error *e)
{
    struct safetensors s = {0};
    const struct train *t = k->train;
    model_add_params(&s, k->params, NULL);
    s.fill = fetch;
    s.fill_context = k;
    k->writing = steps;
    model_add_facts(&s, &(struct model_facts){.phase = t->phase,
                                              .cache_digest = t->cache.digest,
                                              .cohort = t->cohort,
                                              .recipe = &t->recipe,
                                              .channels = t->channels,
                                              .seed = t->seed,
                                              .epoch = epoch,
                                              .step = steps});
    int result = safetensors_write(&s, path, e);
    safetensors_free(&s);
    return result;
}

static int write_last(struct keeper *k, const struct place *at, const char *path, struct error *e)
{
    return write_model(k, path, at->step || !at->epoch ? at->epoch : at->epoch - 1, at->steps,
                       e); /* the epoch last learned from */
}

static int write_best(struct keeper *k, const struct place *at, struct error *e)
{
    if (!at->stopping.any)
        return write_last(k, at, k->train->out_path, e);
    return keeper_take_best(k, at, e) ||
           write_model(k, k->train->out_path, at->stopping.best_epoch, at->stopping.best_steps, e);
}

int keeper_write_out(struct keeper *k, const struct place *at, struct error *e)
{
    return write_last(k, at, k->train->out_path, e);
}

int keeper_finish(struct keeper *k, const struct place *at, struct error *e)
{
    char *last = train_path(k->train, "-last.safetensors"), *done = train_path(k->train, ".done");
    int result = write_last(k, at, last, e) || write_best(k, at, e) ||
                 publish_bytes(done, k->train->settings, strlen(k->train->settings), e) ||
                 checkpoint_sweep(k->train, "checkpoint-", "-", -1, -1, e) ||
                 checkpoint_sweep(k->train, "", "-best-", -1, -1, e);
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
        result = checkpoint_fail_other(t, (const char *)text.data, e);
    if (result == 1 && !file_exists(t->out_path))
        result =
            fail_as(e, EX_NOINPUT,
                    "'%s' says this run is finished, but '%s' is not there: put it back, or --restart to train again",
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
        if (!ends_with(name, ".tmp") ||
            (strncmp(name, unfinished[0], strlen(unfinished[0])) && strncmp(name, unfinished[1], strlen(unfinished[1]))))
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
    return checkpoint_sweep(t, "checkpoint-", "-", -1, -1, e) || checkpoint_sweep(t, "", "-best-", -1, -1, e) ? -1 : 0;
}
