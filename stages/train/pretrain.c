/* SPDX-License-Identifier: Apache-2.0 */
/* pretrain -- a method on pairs of regions: encoder, PEB and heads learn.   tasks ─▶ pairs ─▶ [train] ═▶
 * pretrained.safetensors
 *
 * Both views go through the network in one pass of 2N boxes, with batch statistics of their own (views = 2). What the loss is, and
 * what its terms are called, is the method's (kernels/methods).
 * The validation loss is the mean loss over the validation pairs, which are the same every epoch, with running
 * statistics; early stopping and the best model follow it. Without validation patients they follow the epoch's training
 * loss. */
#include "kernels/optim/schedule.h"
#include "stages/train/batches/augmented_batch.h"
#include "stages/train/batches/batch_slices.h"
#include "stages/train/loop.h"
#include "stages/train/method_settings.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TERMS = 1 + METHOD_TERMS }; /* the loss and what it is made of */
static const char TRY[] = "a lower --lr, a longer --warmup, or --clip-norm 10";

/* the batches that will be wanted: each epoch's training steps, then its validation */
struct order {
    int64_t epoch, item, epochs, train_steps, validation_steps, step_limit, steps;
};

struct pretrain {
    struct loop loop;
    struct learner learner;
    struct order order;
    struct loaded {
        struct learner_tape *on;
        int pairs;
    } next;       /* the next step's batch; on NULL: not there yet */
    int64_t flat; /* steps in a row whose embeddings were as good as one */
};

static bool order_next(void *context, struct batch_request *w)
{
    struct order *o = context;
    int64_t items = o->train_steps + o->validation_steps;
    if (o->epoch >= o->epochs || (o->step_limit && o->steps >= o->step_limit))
        return false;
    bool train = o->item < o->train_steps;
    *w = (struct batch_request){.index = (uint64_t)(o->epoch * items + o->item),
                                .phase = train ? PHASE_PRETRAIN : PHASE_PRETRAIN_VALIDATION,
                                .epoch = o->epoch,
                                .step = train ? o->item : o->item - o->train_steps};
    o->steps += train;
    if (++o->item == items) {
        o->item = 0;
        o->epoch++;
    }
    return true;
}

/* a batch onto its tape; the batch is freed */
static struct learner_tape *load_batch(struct pretrain *p, struct pair_batch_message *b)
{
    struct learner *l = &p->learner;
    struct learner_tape *s = learner_tape(l, b->count);
    if (!s)
        die(EX_SOFTWARE,
            "batches come in more than %d sizes, the last of %d pairs: the pair makers follow another recipe",
            LEARNER_TAPES, b->count);
    if (b->steps) {
        augmented_batch_put(l->b, tape_value(s->tape, s->values.box), b, b->views * b->count);
        if (s->teacher && l->teacher_views != l->views)
            augmented_batch_put(l->b, tape_value(s->teacher, s->teacher_values.box), b, l->teacher_views * b->count);
    }
    batch_slices(b);
    learner_put(
        l, s, b->steps ? NULL : b->box,
        &(struct batch_facts){
            .pairs = b->count, .views = b->views, .label = b->label, .position = b->position, .window = b->window});
    pair_batch_free(b);
    return s;
}

/* After so many epochs and steps. */
static double learning_rate_at(const struct pretrain *p, int64_t epoch, int64_t steps)
{
    const struct recipe *r = &p->loop.train->recipe;
    bool by_step = !strcmp(r->schedule_unit, "step");
    double length =
        r->schedule_length > 0 ? r->schedule_length : (double)(r->epochs * (by_step ? p->loop.steps_an_epoch : 1));
    return r->lr * schedule_factor((double)(by_step ? steps : epoch), r->warmup, length, r->schedule_end);
}

static double learning_rate(const struct pretrain *p)
{
    return learning_rate_at(p, p->loop.at.epoch, p->loop.at.steps);
}

/* ---- what is told ---- */

static size_t term_count(const struct method *m)
{
    size_t n = 0;
    while (n < METHOD_TERMS && m->term[n])
        n++;
    return n;
}

/* ",0.5,0.25": the loss and its terms */
static char *terms_text(const struct method *m, const double terms[TERMS])
{
    char *text = xprintf("%.9g", terms[0]);
    for (size_t i = 0; i < term_count(m); i++) {
        char *longer = xprintf("%s,%.9g", text, terms[i + 1]);
        free(text);
        text = longer;
    }
    return text;
}

static char *header_text(const struct method *m)
{
    char *text = xstrdup("epoch,step,loss,");
    for (size_t i = 0; i < term_count(m); i++) {
        char *longer = xprintf("%s%s,", text, m->term[i]);
        free(text);
        text = longer;
    }
    char *whole = xprintf("%slr,seconds,set", text);
    free(text);
    return whole;
}

static void write_row(struct pretrain *p, const double terms[TERMS], double lr, const char *set)
{
    struct error e = {0};
    struct loop *l = &p->loop;
    char *text = terms_text(p->learner.method, terms);
    if (history_row(&l->history, &e, "%lld,%lld,%s,%.9g,%.3f,%s\n", (long long)l->at.epoch,
                    (long long)(l->at.step - (strcmp(set, "validation") ? 0 : 1)), text, lr,
                    l->seconds_before + now_s() - l->begun_s, set))
        die_of(&e);
    free(text);
}

/* SET/loss, SET/TERM ...; in training the rate, too */
static void write_events(struct pretrain *p, const double terms[TERMS], const char *set, const double *lr)
{
    char tag[TERMS][64];
    struct scalar scalar[TERMS + 1];
    const struct method *m = p->learner.method;
    size_t count = 0;
    for (; count <= term_count(m); count++) {
        format_into(tag[count], sizeof tag[count], "%s/%s", set, count ? m->term[count - 1] : "loss");
        scalar[count] = (struct scalar){tag[count], terms[count]};
    }
    if (lr)
        scalar[count++] = (struct scalar){"train/lr", *lr};
    loop_scalars(&p->loop, scalar, count, lr != NULL);
}

static void write_progress(struct pretrain *p, const double terms[TERMS], double lr)
{
    char words[160] = "";
    struct loop *l = &p->loop;
    const struct method *m = p->learner.method;
    for (size_t i = 0; i < term_count(m) && term_count(m) > 1; i++) {
        size_t used = strlen(words);
        format_into(words + used, sizeof words - used, "%s%s %.3g", i ? " " : " (", m->word[i], terms[i + 1]);
    }
    progress_update(&l->progress, (uint64_t)l->at.steps,
                    "loss %.4g%s%s, lr %.3g, %.0f boxes/s, %.0f %% waiting for pairs", terms[0], words,
                    *words ? ")" : "", lr, loop_boxes_s(l), 100 * loop_waiting(l));
}

/* ---- steps ---- */

/* false: a signal asked to stop while waiting for the batch */
static bool next_batch(struct pretrain *p, struct pair_batch_message *b)
{
    struct error e = {0};
    int got = batch_source_take(p->loop.source, b, &e);
    if (got < 0)
        die_of(&e);
    if (got && b->count < 2)
        die(EX_SOFTWARE, "a batch of %d pairs has no variance: give at least 2", b->count);
    return got;
}

/* false as next_batch */
static bool load_next(struct pretrain *p)
{
    struct pair_batch_message batch;
    if (!next_batch(p, &batch))
        return false;
    p->next.pairs = batch.count;
    p->next.on = load_batch(p, &batch);
    return true;
}

/* Embeddings that are all alike: no loss of this method leads out of that. */
static void check_collapse(struct pretrain *p, const struct learner_tape *on)
{
    const struct recipe *r = &p->loop.train->recipe;
    if (r->collapse_floor <= 0)
        return;
    double spread = learner_spread(&p->learner, on);
    p->flat = spread < r->collapse_floor ? p->flat + 1 : 0;
    if (p->flat >= r->collapse_steps)
        die(EX_SOFTWARE,
            "the embeddings have collapsed: for %lld steps their spread was under collapse-floor (%.2g of %.2g), to "
            "epoch "
            "%lld, step %lld: try %s, or a larger --batch; what checkpoint there is in '%s' may be from before it",
            (long long)p->flat, spread, r->collapse_floor, (long long)p->loop.at.epoch, (long long)p->loop.at.step, TRY,
            p->loop.train->stage_options.run);
}

/* Is a training step the next thing after this one? */
static bool step_follows(const struct loop *l)
{
    return l->at.step + 1 < l->steps_an_epoch && (!l->train->step_limit || l->at.steps + 1 < l->train->step_limit);
}

static bool train_step(void *context)
{
    struct pretrain *p = context;
    struct loop *l = &p->loop;
    struct cursor *at = &l->at;
    double terms[TERMS];
    if (!p->next.on && !load_next(p))
        return false;
    struct learner_tape *now = p->next.on;
    double pairs = p->next.pairs * l->train->world.size, lr = learning_rate(p);

    l->boxes += (uint64_t)(p->learner.views * p->next.pairs);
    p->next.on = NULL;
    learner_rates(
        &p->learner, lr,
        &(struct training_time){at->steps, l->epochs * l->steps_an_epoch, (double)at->epoch, (double)l->epochs});
    learner_step(&p->learner, now);
    /* A GPU is still at it: meanwhile the next batch is taken, and travels. If a signal ends the wait, the loop sees it. */
    if (step_follows(l))
        (void)load_next(p);
    learner_terms(&p->learner, terms);
    loop_check_loss(l, terms[0], TRY);
    check_collapse(p, now);

    write_row(p, terms, lr, "train");
    for (int i = 0; i < TERMS; i++)
        at->sum[i] += terms[i] * pairs;
    at->count += pairs;
    at->step++;
    at->steps++;
    at->optimiser_steps = optimiser_steps(&p->learner.optimiser);
    write_events(p, terms, "train", &lr);
    write_progress(p, terms, lr);
    return true;
}

/* mean terms over the validation pairs; false as train_step */
static bool validation_terms(struct pretrain *p, double mean[TERMS])
{
    double count = 0;
    memset(mean, 0, TERMS * sizeof *mean);
    for (int64_t v = 0; v < p->order.validation_steps; v++) {
        struct pair_batch_message batch;
        double terms[TERMS];
        if (!next_batch(p, &batch))
            return false;
        double pairs = batch.count * p->loop.train->world.size;
        p->loop.boxes += (uint64_t)(p->learner.views * batch.count);
        learner_evaluate(&p->learner, load_batch(p, &batch));
        learner_terms(&p->learner, terms);
        for (int i = 0; i < TERMS; i++)
            mean[i] += terms[i] * pairs;
        count += pairs;
    }
    for (int i = 0; i < TERMS; i++)
        mean[i] /= count;
    return true;
}

static bool validate(void *context, double *loss)
{
    struct pretrain *p = context;
    struct loop *l = &p->loop;
    double mean[TERMS];
    if (p->order.validation_steps) {
        if (!validation_terms(p, mean))
            return false;
        write_row(p, mean, learning_rate(p), "validation");
        write_events(p, mean, "validation", NULL);
    } else {
        for (int i = 0; i < TERMS; i++)
            mean[i] = l->at.sum[i] / l->at.count;
    }
    loop_check_loss(l, mean[0], TRY);
    *loss = mean[0];
    return true;
}

/* ---- putting it together ---- */

/* Dead taps under AdamW: scaled by 1 - lr decay at every step (adamw.h). */
static void age(void *context, struct param *q, int64_t steps)
{
    const struct pretrain *p = context;
    struct backend *b = p->learner.b;
    struct dead_state now;
    b->get(b, &now, q->dead_state, sizeof now);
    now.scale = 1;
    for (int64_t s = 0; s < steps; s++)
        now.scale *=
            1 - (double)(float)learning_rate_at(p, s / p->loop.steps_an_epoch, s) * p->loop.train->recipe.weight_decay;
    b->put(b, q->dead_state, &now, sizeof now);
}

static void build(struct pretrain *p, struct train *t)
{
    struct error e = {0};
    struct learner *l = &p->learner;
    struct learner_settings settings;
    struct optimiser_state state[OPTIMISER_STATES];
    p->loop.train = t;
    if (method_settings_make(t, &settings, &e) || learner_open(l, t->backend, &settings, &e))
        die_of(&e);
    free((void *)(uintptr_t)settings.own);
    t->views = l->views;
    t->layout = settings.method->needs & METHOD_GRID ? VIEWS_GRID : VIEWS_PAIR;
    if (t->pair_list && (t->views != 2 || t->layout != VIEWS_PAIR))
        die(EX_USAGE, "--pair-list gives two views of a pair, and %s takes %d: leave it out", settings.method->name,
            t->views);
    p->loop.flag = l->terms + METHOD_TERMS;
    if (ranks_writes(&t->world))
        params_keep_dead_weights(l->params);
    params_init(l->params, t->seed);
    if (t->init && model_load(l->params, &t->init_file, t->init, "backbone_ct,peb,projection," MODEL_LEARNING_PARTS,
                              "classifier", &e))
        die_of(&e);
    safetensors_free(&t->init_file);
    learner_begin(l);
    if (checkpointer_open(&p->loop.checkpointer, t, l->params, state, l->optimiser.kind->state(&l->optimiser, state), &e))
        die_of(&e);
    for (size_t i = 0; i < l->states; i++)
        checkpointer_add(&p->loop.checkpointer, l->state[i].name, l->state[i].data, l->state[i].rows,
                         l->state[i].columns);
    p->loop.checkpointer.teacher = l->teacher;
    if (!strcmp(t->recipe.optimiser, "adamw")) {
        p->loop.checkpointer.age = age;
        p->loop.checkpointer.age_context = p;
    }
}

static void steps_of_epoch(struct order *o, const struct train *t)
{
    struct error e = {0};
    *o = (struct order){.epochs = t->recipe.epochs, .step_limit = t->step_limit};
    if (t->pair_list) {
        if (batch_list_steps(t->pair_list, t->recipe.batch, &o->train_steps, &e))
            die_of(&e);
        return;
    }
    o->train_steps = t->plan.pretrain_steps;
    o->validation_steps = t->plan.pretrain_validation_steps;
    if (!o->train_steps)
        die(EX_DATAERR,
            "'%s' has no regions to train on: run petrel-cache split first, and see that its training patients have "
            "regions%s",
            t->cache_dir, t->recipe.semantic ? " of known label (or give --no-semantic)" : "");
    if (!o->validation_steps)
        log_warn("no validation patients: early stopping follows the training loss");
}

/* Every batch there will be, a full one and the epoch's last, is cut into equal parts. */
static void check_shares(const struct order *o, const struct train *t)
{
    struct error e = {0};
    int64_t first = o->train_steps - 1, last = o->validation_steps - 1;
    if (ranks_alone(&t->world))
        return;
    if (ranks_check_batch(&t->world, "a batch", t->recipe.batch, &e) ||
        (!t->pair_list && ranks_check_batch(&t->world, "the epoch's last batch",
                                            sampling_batch_items(&t->plan, PHASE_PRETRAIN, first), &e)) ||
        (last >= 0 && ranks_check_batch(&t->world, "the last validation batch",
                                        sampling_batch_items(&t->plan, PHASE_PRETRAIN_VALIDATION, last), &e)))
        die_of(&e);
}

int pretrain_run(struct train *t)
{
    struct error e = {0};
    struct pretrain p = {0};
    struct order *o = &p.order;
    build(&p, t);
    steps_of_epoch(o, t);
    check_shares(o, t);
    char *header = header_text(p.learner.method);
    loop_begin(&p.loop, t, "losses.csv", header, o->train_steps, t->recipe.epochs);
    free(header);
    optimiser_resume(&p.learner.optimiser, p.loop.at.optimiser_steps);
    if (p.loop.at.steps)
        learner_resume(&p.learner, &(struct training_time){p.loop.at.steps - 1, p.loop.epochs * p.loop.steps_an_epoch,
                                                           (double)p.loop.at.epoch, (double)p.loop.epochs});
    o->epoch = p.loop.at.epoch;
    o->item = p.loop.at.step;
    if (o->item == o->train_steps + o->validation_steps) { /* saved at an epoch's end, which nothing more is wanted for */
        o->item = 0;
        o->epoch++;
    }
    o->steps = p.loop.at.steps;
    if (!t->pair_list)
        p.loop.source = batch_source_channels(t, order_next, o);
    else if (batch_source_list(&p.loop.source, t, order_next, o, &e))
        die_of(&e);

    enum loop_next next = loop_run(&p.loop, &(struct loop_phase){train_step, validate, &p}, t->recipe.patience);
    int code = loop_end(&p.loop, next);
    learner_close(&p.learner);
    return code;
}
