/* SPDX-License-Identifier: Apache-2.0 */
/* pretrain -- VICReg on pairs of regions: encoder, PEB and projection learn.   tasks ─▶ pairs ─▶ [train] ═▶
 * pretrained.safetensors
 *
 * Both views go through the network in one pass of 2N boxes, with batch statistics of their own (views = 2).
 * The validation loss is the mean VICReg loss over the validation pairs, which are the same every epoch, with running
 * statistics; early stopping and the best model follow it. Without validation patients they follow the epoch's training
 * loss. */
#include "kernels/optim/lars.h"
#include "kernels/optim/schedule.h"
#include "stages/train/batches/augmented_batch.h"
#include "stages/train/loop.h"
#include <stdlib.h>
#include <string.h>

/* An epoch has a full batch and at most one shorter one; so has its validation. */
enum { TAPES = 4 };
struct sized_tape {
    struct tape *tape;
    struct network_values values;
    void *recorded; /* of its training step */
};

/* the batches that will be wanted: each epoch's training steps, then its validation */
struct order {
    int64_t epoch, item, epochs, train_steps, validation_steps, step_limit, steps;
};

struct pretrain {
    struct loop loop;
    struct params *params;
    struct lars lars;
    struct sized_tape tape[TAPES];
    struct order order;
    float weight[3];
    bool literal;
    float *terms; /* device: of the last loss; behind them a flag */
    struct ranks_vicreg together;
    struct sized_tape *now;
    struct loaded {
        struct sized_tape *on;
        int pairs;
    } next; /* the next step's batch; on NULL: not there yet */
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

static struct sized_tape *tape_for(struct pretrain *p, int pairs)
{
    size_t i = 0;
    while (i < TAPES && p->tape[i].tape && tape_boxes(p->tape[i].tape) != 2 * pairs)
        i++;
    if (i == TAPES)
        die(EX_SOFTWARE,
            "batches come in more than %d sizes, the last of %d pairs: the pair makers follow another recipe", TAPES,
            pairs);
    struct sized_tape *s = &p->tape[i];
    if (!s->tape) {
        s->tape = tape_open(p->params, 2 * pairs, 2);
        s->values = network_build(s->tape, &p->loop.train->network, NETWORK_ENCODER | NETWORK_PROJECTION);
        tape_seal(s->tape, true, i ? p->tape[0].tape : NULL);
    }
    return s;
}

/* a batch onto its tape; the batch is freed */
static struct sized_tape *load_batch(struct pretrain *p, struct pair_batch_message *b)
{
    struct sized_tape *s = tape_for(p, b->count);
    if (b->steps)
        augmented_batch_put(p->params->backend, tape_value(s->tape, s->values.box), b);
    else
        tape_put(s->tape, s->values.box, b->box);
    if (s->values.position >= 0)
        tape_put(s->tape, s->values.position, b->position);
    pair_batch_free(b);
    return s;
}

/* VICReg of what the tape's last value holds; its gradient is left there. */
static void vicreg(struct pretrain *p, struct sized_tape *s)
{
    struct backend *b = p->params->backend;
    int K = p->loop.train->network.projection_width;
    if (b->ranks)
        ranks_vicreg_run(&p->together, b, tape_grad(s->tape, s->values.z), p->terms, tape_value(s->tape, s->values.z),
                         tape_boxes(s->tape) / 2, K, p->weight, p->literal);
    else
        b->vicreg(b, tape_grad(s->tape, s->values.z), p->terms, tape_value(s->tape, s->values.z),
                  tape_boxes(s->tape) / 2, K, p->weight, p->literal);
}

/* of the last VICReg: loss, invariance, variance, covariance */
static void read_terms(struct pretrain *p, double terms[4])
{
    float part[3];
    p->params->backend->get(p->params->backend, part, p->terms, sizeof part);
    terms[0] = 0;
    for (int i = 0; i < 3; i++) {
        terms[i + 1] = (double)part[i];
        terms[0] += (double)p->weight[i] * (double)part[i];
    }
}

static double learning_rate(const struct pretrain *p)
{
    const struct recipe *r = &p->loop.train->recipe;
    bool by_step = !strcmp(r->schedule_unit, "step");
    int64_t now = by_step ? p->loop.at.steps : p->loop.at.epoch;
    double length =
        r->schedule_length > 0 ? r->schedule_length : (double)(r->epochs * (by_step ? p->loop.steps_an_epoch : 1));
    return r->lr * schedule_factor((double)now, r->warmup, length, r->schedule_end);
}

static void write_row(struct pretrain *p, const double terms[4], double lr, const char *set)
{
    struct error e = {0};
    struct loop *l = &p->loop;
    if (history_row(&l->history, &e, "%lld,%lld,%.9g,%.9g,%.9g,%.9g,%.9g,%.3f,%s\n", (long long)l->at.epoch,
                    (long long)(l->at.step - (strcmp(set, "validation") ? 0 : 1)), terms[0], terms[1], terms[2],
                    terms[3], lr, l->seconds_before + now_s() - l->begun_s, set))
        die_of(&e);
}

static void write_events(struct pretrain *p, const double terms[4], double lr)
{
    loop_scalars(&p->loop,
                 (const struct scalar[]){{"train/loss", terms[0]},
                                         {"train/invariance", terms[1]},
                                         {"train/variance", terms[2]},
                                         {"train/covariance", terms[3]},
                                         {"train/lr", lr}},
                 5, true);
}

static void write_validation_events(struct pretrain *p, const double mean[4])
{
    loop_scalars(&p->loop,
                 (const struct scalar[]){{"validation/loss", mean[0]},
                                         {"validation/invariance", mean[1]},
                                         {"validation/variance", mean[2]},
                                         {"validation/covariance", mean[3]}},
                 4, false);
}

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

/* what a step does on the device; p->now is the tape that holds the batch */
static void learn(void *context)
{
    struct pretrain *p = context;
    tape_forward(p->now->tape);
    vicreg(p, p->now);
    params_zero_grad(p->params);
    tape_backward(p->now->tape);
    if (p->params->backend->ranks)
        ranks_sum_gradients(p->params);
    lars_step(&p->lars, p->loop.train->recipe.clip_norm);
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

/* Is a training step the next thing after this one? */
static bool step_follows(const struct loop *l)
{
    return l->at.step + 1 < l->steps_an_epoch && (!l->train->step_limit || l->at.steps + 1 < l->train->step_limit);
}

static bool train_step(struct pretrain *p)
{
    struct loop *l = &p->loop;
    struct cursor *at = &l->at;
    double terms[4];
    if (!p->next.on && !load_next(p))
        return false;
    double pairs = p->next.pairs * l->train->world.size, lr = learning_rate(p);
    struct backend *b = p->params->backend;

    l->boxes += 2 * (uint64_t)p->next.pairs;
    p->now = p->next.on;
    p->next.on = NULL;
    lars_rate(&p->lars, lr);
    b->step(b, &p->now->recorded, learn, p);
    tape_count(p->now->tape);
    /* A GPU is still at it: meanwhile the next batch is taken, and travels. If a signal ends the wait, loop_after_step sees it. */
    if (step_follows(l))
        (void)load_next(p);
    read_terms(p, terms);
    loop_check_loss(l, terms[0], "a lower --lr, a longer --warmup, or --clip-norm 10");

    write_row(p, terms, lr, "train");
    for (int i = 0; i < 4; i++)
        at->sum[i] += terms[i] * pairs;
    at->count += pairs;
    at->step++;
    at->steps++;
    write_events(p, terms, lr);
    progress_update(&l->progress, (uint64_t)at->steps,
                    "loss %.4g (inv %.3g var %.3g cov %.3g), lr %.3g, %.0f boxes/s, %.0f %% waiting for pairs",
                    terms[0], terms[1], terms[2], terms[3], lr, loop_boxes_s(l), 100 * loop_waiting(l));
    return true;
}

/* mean terms over the validation pairs; false as train_step */
static bool validate(struct pretrain *p, double mean[4])
{
    double count = 0;
    memset(mean, 0, 4 * sizeof *mean);
    for (int64_t v = 0; v < p->order.validation_steps; v++) {
        struct pair_batch_message batch;
        double terms[4];
        if (!next_batch(p, &batch))
            return false;
        double pairs = batch.count * p->loop.train->world.size;
        p->loop.boxes += 2 * (uint64_t)batch.count;
        struct sized_tape *s = load_batch(p, &batch);
        tape_evaluate(s->tape);
        vicreg(p, s);
        read_terms(p, terms);
        for (int i = 0; i < 4; i++)
            mean[i] += terms[i] * pairs;
        count += pairs;
    }
    for (int i = 0; i < 4; i++)
        mean[i] /= count;
    return true;
}

/* the rest of an epoch from where we are, its validation, and what follows from it */
static enum loop_next epoch_run(struct pretrain *p)
{
    struct loop *l = &p->loop;
    while (l->at.step < l->steps_an_epoch) {
        if (!train_step(p)) {
            loop_save(l);
            return LOOP_STOPPED;
        }
        enum loop_next next = loop_after_step(l);
        if (next != LOOP_ON)
            return next;
    }
    double mean[4];
    if (p->order.validation_steps) {
        if (!validate(p, mean)) {
            loop_save(l);
            return LOOP_STOPPED;
        }
        write_row(p, mean, learning_rate(p), "validation");
        write_validation_events(p, mean);
    } else {
        for (int i = 0; i < 4; i++)
            mean[i] = l->at.sum[i] / l->at.count;
    }
    loop_check_loss(l, mean[0], "a lower --lr, a longer --warmup, or --clip-norm 10");
    loop_after_epoch(l, mean[0]);
    return LOOP_ON;
}

static void build(struct pretrain *p, struct train *t)
{
    struct error e = {0};
    p->loop.train = t;
    p->weight[0] = (float)t->recipe.vicreg_invariance;
    p->weight[1] = (float)t->recipe.vicreg_variance;
    p->weight[2] = (float)t->recipe.vicreg_covariance;
    p->literal = !strcmp(t->recipe.vicreg_reduction, "literal");
    p->params = params_open(t->backend);
    p->terms = t->backend->alloc(t->backend, 4 * sizeof *p->terms);
    p->loop.flag = p->terms + 3;
    if (t->backend->ranks)
        ranks_vicreg_open(&p->together, t->backend, (int)t->recipe.batch, t->network.projection_width);
    tape_for(p, (int)t->recipe.batch / t->world.size);
    if (ranks_writes(&t->world))
        params_keep_dead_weights(p->params);
    params_init(p->params, t->seed);
    if (t->init && model_load(p->params, &t->init_file, t->init, "peb,projection", "classifier", &e))
        die_of(&e);
    safetensors_free(&t->init_file);
    lars_open(&p->lars, p->params, t->recipe.momentum, t->recipe.weight_decay, t->recipe.lars_trust);
    if (checkpointer_open(&p->loop.checkpointer, t, p->params, &(struct optimiser_state){"momentum", p->lars.momentum},
                          1, &e))
        die_of(&e);
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
    loop_begin(&p.loop, t, "losses.csv", "epoch,step,loss,invariance,variance,covariance,lr,seconds,set",
               o->train_steps, t->recipe.epochs);
    o->epoch = p.loop.at.epoch;
    o->item = p.loop.at.step;
    o->steps = p.loop.at.steps;
    if (!t->pair_list)
        p.loop.source = batch_source_channels(t, order_next, o);
    else if (batch_source_list(&p.loop.source, t, order_next, o, &e))
        die_of(&e);

    enum loop_next next = t->step_limit && p.loop.at.steps >= t->step_limit ? LOOP_LIMIT : LOOP_ON;
    while (next == LOOP_ON && !loop_over(&p.loop, t->recipe.patience)) {
        next = epoch_run(&p);
        if (next == LOOP_ON && checkpoint_due(&p.loop.checkpointer))
            loop_save(&p.loop);
    }
    int code = loop_end(&p.loop, next);
    for (int i = TAPES; i-- > 0;) {
        t->backend->step_forget(t->backend, &p.tape[i].recorded);
        tape_close(&p.tape[i].tape);
    }
    t->backend->release(t->backend, p.terms);
    ranks_vicreg_close(&p.together, t->backend);
    lars_close(&p.lars);
    params_close(&p.params);
    return code;
}
