/* SPDX-License-Identifier: Apache-2.0 */
/* loop -- what both phases do around a step.   [train] */
#include "stages/train/loop.h"
#include "common/file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void must(int result, const struct error *e)
{
    if (result < 0)
        die_of(e);
}

void loop_begin(struct loop *l, struct train *t, const char *history_name, const char *history_header,
                int64_t steps_an_epoch, int64_t epochs)
{
    struct error e = {0};
    l->train = t;
    l->steps_an_epoch = steps_an_epoch;
    l->epochs = epochs;
    int found = checkpoint_load(&l->checkpointer, &l->at, &e);
    must(found, &e);
    if (found)
        log_note("going on from epoch %lld, step %lld of '%s'", (long long)l->at.epoch, (long long)l->at.step,
                 t->stage_options.run);
    char *path = path_join(t->stage_options.run, history_name);
    if (ranks_writes(&t->world))
        must(history_open(&l->history, path, history_header, l->at.history_bytes, &e), &e);
    free(path);
    if (t->tensorboard && ranks_writes(&t->world))
        must(events_open(&l->events, t->tensorboard, t->phase, l->at.events_bytes, &e), &e);
    l->seconds_before = l->at.seconds;
    l->begun_s = l->event_s = now_s();
    energy_open(&l->energy, NULL, !strcmp(t->backend->name, "cuda"));
    uint64_t total = (uint64_t)(epochs * steps_an_epoch);
    if (t->step_limit && (uint64_t)t->step_limit < total)
        total = (uint64_t)t->step_limit;
    progress_begin(&l->progress, t->phase, "steps", (uint64_t)l->at.steps, total);
}

static void save(struct loop *l)
{
    struct error e = {0};
    l->checkpointer.saved_s = now_s();
    if (!ranks_writes(&l->train->world))
        return;
    l->at.seconds = l->seconds_before + now_s() - l->begun_s;
    must(history_sync(&l->history, &l->at.history_bytes, &e), &e);
    must(events_sync(&l->events, &l->at.events_bytes, &e), &e);
    must(checkpoint_save(&l->checkpointer, &l->at, &e), &e);
}

void loop_scalars(struct loop *l, const struct scalar *scalar, size_t count, bool rate)
{
    struct error e = {0};
    struct scalar all[SCALARS];
    double now = now_s(), seconds = now - l->event_s;
    if (!l->events.file)
        return;
    memcpy(all, scalar, count * sizeof *all);
    if (rate && seconds > 0)
        all[count++] = (struct scalar){"train/boxes_s", (double)(l->boxes - l->event_boxes) / seconds};
    must(events_write(&l->events, l->at.steps - 1, all, count, &e), &e);
    l->event_s = now;
    l->event_boxes = l->boxes;
}

/* saves if it is time, a signal came, or --steps is reached */
static enum loop_next after_step(struct loop *l)
{
    bool limit = l->train->step_limit && l->at.steps >= l->train->step_limit, stop = train_stop_asked();
    if (l->train->backend->ranks)
        stop = ranks_agree(l->train->backend, l->flag, stop);
    if (limit || stop || checkpoint_due(&l->checkpointer))
        save(l);
    return stop ? LOOP_STOPPED : limit ? LOOP_LIMIT : LOOP_ON;
}

static void after_epoch(struct loop *l, double loss)
{
    energy_look(&l->energy);
    struct cursor *at = &l->at;
    bool best = early_stopping_note(&at->stopping, loss, at->epoch, at->steps);
    at->epoch++;
    at->step = 0;
    memset(at->sum, 0, sizeof at->sum);
    at->count = 0;
    if (best && ranks_writes(&l->train->world))
        checkpointer_note_best(&l->checkpointer, at);
}

/* the rest of an epoch from where we are, its validation, and what follows from it */
static enum loop_next epoch_run(struct loop *l, const struct loop_phase *p)
{
    double loss;
    while (l->at.step < l->steps_an_epoch) {
        if (!p->step(p->context)) {
            save(l);
            return LOOP_STOPPED;
        }
        enum loop_next next = after_step(l);
        if (next != LOOP_ON)
            return next;
    }
    if (!p->validate(p->context, &loss)) {
        save(l);
        return LOOP_STOPPED;
    }
    after_epoch(l, loss);
    return LOOP_ON;
}

enum loop_next loop_run(struct loop *l, const struct loop_phase *p, int64_t patience)
{
    enum loop_next next = l->train->step_limit && l->at.steps >= l->train->step_limit ? LOOP_LIMIT : LOOP_ON;
    while (next == LOOP_ON && l->at.epoch < l->epochs && !early_stopping_due(&l->at.stopping, patience)) {
        next = epoch_run(l, p);
        if (next == LOOP_ON && checkpoint_due(&l->checkpointer))
            save(l);
    }
    return next;
}

double loop_boxes_s(const struct loop *l)
{
    double seconds = now_s() - l->begun_s;
    return seconds > 0 ? (double)l->boxes / seconds : 0;
}

double loop_waiting(const struct loop *l)
{
    double seconds = now_s() - l->begun_s;
    return seconds > 0 ? batch_source_waited_s(l->source) / seconds : 0;
}

void loop_check_loss(const struct loop *l, double loss, const char *try_this)
{
    if (!isfinite(loss))
        die(EX_SOFTWARE,
            "the loss is not a finite number (%g) at epoch %lld, step %lld: try %s; what checkpoint there is in '%s' "
            "is from before it",
            loss, (long long)l->at.epoch, (long long)l->at.step, try_this, l->train->stage_options.run);
}

static void put_joules(FILE *to, double joules)
{
    if (isnan(joules))
        fputs("\t-", to);
    else
        fprintf(to, "\t%.0f", joules);
}

/* A line a life of the process: what it took. Apart from everything else, for it is never the same twice. */
static void note_cost(struct loop *l)
{
    char *path = train_path(l->train, "-cost.tsv");
    energy_close(&l->energy);
    FILE *to = fopen(path, "a");
    if (to != NULL) {
        fprintf(to, "%.1f", now_s() - l->begun_s);
        put_joules(to, l->energy.processors_j);
        put_joules(to, l->energy.gpu_j);
        fputc('\n', to);
        fclose(to);
    }
    free(path);
}

int loop_end(struct loop *l, enum loop_next how)
{
    struct error e = {0};
    struct train *t = l->train;
    const struct early_stopping *s = &l->at.stopping;
    double boxes_s = loop_boxes_s(l), waiting = loop_waiting(l);
    bool writes = ranks_writes(&t->world);
    if (how == LOOP_ON && writes) {
        must(history_sync(&l->history, &l->at.history_bytes, &e), &e);
        must(model_publish_final(&l->checkpointer, &l->at, &e), &e);
    } else if (how == LOOP_LIMIT && writes) {
        must(model_publish_current(&l->checkpointer, &l->at, &e), &e);
    }
    progress_end(&l->progress);
    if (writes)
        note_cost(l);
    batch_source_close(&l->source, how != LOOP_STOPPED);
    history_close(&l->history);
    events_close(&l->events);
    checkpointer_close(&l->checkpointer);
    if (how == LOOP_STOPPED) {
        log_last("stopped by a signal and saved at epoch %lld, step %lld: run it again to go on",
                 (long long)l->at.epoch, (long long)l->at.step);
        return EX_TEMPFAIL;
    }
    if (s->any)
        log_last("%s: %lld epochs, %lld steps, lowest %s %.5g in epoch %lld, %.0f boxes/s, "
                 "%.0f %% waiting for pairs, '%s'",
                 t->phase, (long long)l->at.epoch, (long long)l->at.steps, l->criterion ? l->criterion : "loss",
                 s->best, (long long)s->best_epoch, boxes_s, 100 * waiting, t->out_path);
    else
        log_last("%s: %lld steps, %.0f boxes/s, %.0f %% waiting for pairs, '%s'", t->phase, (long long)l->at.steps,
                 boxes_s, 100 * waiting, t->out_path);
    return EX_OK;
}
