/* SPDX-License-Identifier: Apache-2.0 */
/* batch_source_channels -- gives pair tasks, takes pair batches, puts them in order.   tasks ─▶ pairs ─▶ [batch_source]
 *
 * `ahead` tasks are out at any time, each in a slot. A batch is acknowledged on receipt: after a crash its task is
 * simply given again, for a batch is a pure function of the task. */
#include "common/file.h"
#include "common/log.h"
#include "stages/train/batches/batch_source.h"
#include <stdlib.h>
#include <string.h>

struct slot {
    struct batch_request request;
    bool given, arrived;
    struct pair_batch_message batch;
};
struct channels {
    struct batch_source source;
    struct stage tasks, pairs; /* apart, not one relaying stage: what is taken here is made of what is given here */
    const struct train *train;
    uint64_t run;
    struct slot *slot; /* a ring */
    size_t room, oldest, count, window;
    bool heard; /* a batch came, or it was said that none did */
};
enum { POLL_MS = 200, QUIET_S = 10 };

static void give_task(struct channels *c, const struct batch_request *w)
{
    struct error e = {0};
    struct buffer b = {0};
    struct pair_task_message task = {.phase = w->phase,
                                     .seed = c->train->seed,
                                     .epoch = w->epoch,
                                     .step = w->step,
                                     .sampling = c->train->plan.digest,
                                     .part = c->train->world.rank,
                                     .parts = c->train->world.size,
                                     .drawn = train_augments(c->train),
                                     .views_wanted = c->train->views,
                                     .layout = c->train->layout};
    pair_task_encode(&task, &b);
    if (giver_put(c->tasks.giver, (struct item_key){c->run, w->index}, &b, &e))
        stage_die_of_channel(&e);
}

static void forget_acknowledged(struct channels *c)
{
    struct error e = {0};
    struct item_key key;
    int got;
    while ((got = giver_acknowledged(c->tasks.giver, &key, 0, &e)) > 0)
        ;
    if (got < 0)
        stage_die_of_channel(&e);
}

/* A put above the window would wait for acknowledgements while nobody takes the batches that bring them, so what there
 * is no room for is given later. */
static void give_some(struct channels *c)
{
    for (size_t i = 0; i < c->count; i++) {
        struct slot *s = &c->slot[(c->oldest + i) % c->room];
        if (s->given)
            continue;
        if (giver_pending(c->tasks.giver) >= c->window)
            return;
        give_task(c, &s->request);
        s->given = true;
    }
}

/* as many tasks out as there is room for */
static void fill(struct channels *c)
{
    while (c->count < c->room) {
        struct slot *s = &c->slot[(c->oldest + c->count) % c->room];
        *s = (struct slot){0};
        if (!c->source.next(c->source.context, &s->request))
            break;
        c->count++;
    }
    give_some(c);
}

static int check_batch(const struct channels *c, const struct pair_batch_message *b, struct error *e)
{
    const struct train *t = c->train;
    bool pairs = b->task.phase == PHASE_PRETRAIN || b->task.phase == PHASE_PRETRAIN_VALIDATION;
    int views = pairs ? t->views : 1;
    if (b->views != views || b->channels != t->channels || b->count < 1)
        return fail_as(
            e, EX_SOFTWARE,
            "a pair batch has %d views, %d channels and %d items, but %d views and %d channels were asked for",
            b->views, b->channels, b->count, views, t->channels);
    return 0;
}

/* a batch into the slot that waits for it; a repeat, or one of another run, is dropped */
static void slot_fill(struct channels *c, struct pair_batch_message *b)
{
    struct error e = {0};
    for (size_t i = 0; i < c->count; i++) {
        struct slot *s = &c->slot[(c->oldest + i) % c->room];
        const struct pair_task_message *t = &b->task;
        if (s->arrived || t->phase != (int32_t)s->request.phase || t->epoch != s->request.epoch ||
            t->step != s->request.step || t->part != c->train->world.rank || t->drawn != train_augments(c->train) ||
            t->seed != c->train->seed || t->sampling != c->train->plan.digest || t->views_wanted != c->train->views ||
            t->layout != c->train->layout)
            continue;
        if (check_batch(c, b, &e))
            die_of(&e);
        s->batch = *b;
        s->arrived = true;
        return;
    }
    pair_batch_free(b);
}

static void receive(struct channels *c, struct taken *item)
{
    struct error e = {0};
    struct pair_batch_message b = {0};
    int type = message_type_of(&item->bytes, &e);
    if (type == MESSAGE_REFUSAL) {
        struct refusal_message r;
        if (!refusal_message_decode(&item->bytes, &r, &e))
            die(r.code, "%s", r.sentence);
        die_of(&e);
    }
    if (pair_batch_decode(&item->bytes, &b, &e)) {
        fail_in(&e, "cannot use a pair batch");
        die_of(&e);
    }
    buffer_free(&item->bytes);
    taker_acknowledge(c->pairs.taker, item->lease);
    slot_fill(c, &b);
}

/* one poll of the channel; false: END */
static bool poll_channel(struct channels *c)
{
    struct error e = {0};
    struct taken item = {0};
    int got = taker_take(c->pairs.taker, &item, POLL_MS / 1000.0, &e);
    if (got < 0)
        stage_die_of_channel(&e);
    if (got == 1) {
        c->heard = true;
        receive(c, &item);
    }
    forget_acknowledged(c);
    give_some(c);
    return got != TAKER_END;
}

static int channels_take(struct batch_source *s, struct pair_batch_message *b, struct error *e)
{
    struct channels *c = (struct channels *)s;
    fill(c);
    struct slot *head = &c->slot[c->oldest];
    if (!c->count)
        return fail_as(e, EX_SOFTWARE, "a batch was wanted after the last one");
    double begun = now_s();
    while (!head->arrived) {
        if (train_may_stop(c->train))
            return 0;
        if (!c->heard && now_s() - begun > QUIET_S) {
            c->heard = true;
            log_note("no batch yet after %d s: petrel-pairs has to run beside this, with --run '%s'", QUIET_S,
                     c->train->stage_options.run);
        }
        if (!poll_channel(c))
            return fail_as(e, EX_UNAVAILABLE,
                           "the pair makers ended before the batch of epoch %lld, step %lld: start petrel-pairs again",
                           (long long)head->request.epoch, (long long)head->request.step);
    }
    *b = head->batch;
    c->oldest = (c->oldest + 1) % c->room;
    c->count--;
    fill(c); /* they are made while this one is learned from */
    return 1;
}

static void channels_close(struct batch_source *s, bool end)
{
    struct channels *c = (struct channels *)s;
    struct error e = {0};
    while (end && giver_pending(c->tasks.giver) && !train_stop_asked())
        poll_channel(c);
    for (size_t i = 0; i < c->count; i++)
        pair_batch_free(&c->slot[(c->oldest + i) % c->room].batch);
    if (end && !giver_pending(c->tasks.giver) && giver_end(c->tasks.giver, &e))
        stage_die_of_channel(&e);
    taker_close(&c->pairs.taker);
    giver_close(&c->tasks.giver);
    free(c->slot);
    free(c);
}

struct batch_source *batch_source_channels(const struct train *t, batch_request_next next, void *context)
{
    static const struct batch_source_kind kind = {channels_take, channels_close};
    struct channels *c = xalloc(1, sizeof *c);
    c->source = (struct batch_source){.kind = &kind, .next = next, .context = context};
    c->train = t;
    c->run = bytes_xxh3(t->settings, strlen(t->settings));
    c->room = (size_t)t->ahead;
    c->slot = xalloc(c->room, sizeof *c->slot);
    struct stage_options o = t->stage_options;
    if (o.window < 2 * t->ahead) /* as many again may have been taken and not yet be known to have arrived */
        o.window = 2 * t->ahead;
    c->window = (size_t)o.window;
    o.anew = ranks_writes(&t->world); /* ends that lie there are of one that --steps stopped */
    stage_open(&c->tasks, "train", &o, false, true);
    stage_open(&c->pairs, "train", &o, true, false);
    return &c->source;
}

void batch_source_end_only(const struct train *t)
{
    struct error e = {0};
    struct stage st;
    stage_open(&st, "train", &t->stage_options, false, true);
    if (giver_end(st.giver, &e))
        stage_die_of_channel(&e);
    giver_close(&st.giver);
}
