/* SPDX-License-Identifier: Apache-2.0 */
/* model_publish -- the end of a phase: model files, the note that it is over, and what goes.   [train] ═▶ RUN */
#include "stages/train/checkpoint/model_publish.h"
#include "common/file.h"
#include "stages/train/checkpoint/checkpoint_internal.h"
#include <stdlib.h>
#include <string.h>

static int fetch(void *context, const struct tensor_entry *t, void *to, struct error *e)
{
    struct checkpointer *k = context;
    struct param *q = params_find(k->params, t->name);
    int result = dead_weights_borrow(&k->dead_weights, k->params, q, e);
    if (!result && k->age && q->dead && !q->frozen)
        k->age(k->age_context, q, k->writing);
    if (!result)
        param_get(k->params, q, to);
    dead_weights_return(&k->dead_weights, q);
    return result;
}

static int write_model(struct checkpointer *k, const char *path, int64_t epoch, int64_t steps, struct error *e)
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
                                              .overridden = t->overridden,
                                              .patients = {t->patients[0], t->patients[1]},
                                              .recipe = &t->recipe,
                                              .channels = t->channels,
                                              .seed = t->seed,
                                              .epoch = epoch,
                                              .step = steps});
    int result = safetensors_write(&s, path, e);
    safetensors_free(&s);
    return result;
}

static int write_last(struct checkpointer *k, const struct cursor *at, const char *path, struct error *e)
{
    return write_model(k, path, at->step || !at->epoch ? at->epoch : at->epoch - 1, at->steps,
                       e); /* the epoch last learned from */
}

static int write_best(struct checkpointer *k, const struct cursor *at, struct error *e)
{
    if (!at->stopping.any)
        return write_last(k, at, k->train->out_path, e);
    return checkpointer_take_best(k, at, e) ||
           write_model(k, k->train->out_path, at->stopping.best_epoch, at->stopping.best_steps, e);
}

int model_publish_current(struct checkpointer *k, const struct cursor *at, struct error *e)
{
    return write_last(k, at, k->train->out_path, e);
}

int model_publish_final(struct checkpointer *k, const struct cursor *at, struct error *e)
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

int model_published(const struct train *t, struct error *e)
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
