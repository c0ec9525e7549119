/* SPDX-License-Identifier: Apache-2.0 */
/* classifier -- tumour or not: the method focal, on embeddings of a frozen encoder, or on boxes.   tasks ─▶ pairs ─▶ [train] ═▶
 * model.safetensors
 *
 * Encoder and PEB, where pretraining had one, are in evaluation mode, so a box's embedding is the same whenever it is computed: with
 * classifier_views = K, epoch e uses draw e mod K of the boxes and each is embedded once. Validation boxes are never
 * augmented: embedded once too.
 * A PEB that pretraining had not learns with the head: then what is kept is the backbone's features, and positions.
 * With `unfreeze` the whole network learns, batch statistics and all, from --init or from scratch, and nothing can be kept: boxes come
 * anew each time.
 * The two-layer head learns by the focal loss and AdamW; early stopping follows the mean focal loss on the validation
 * boxes (without validation patients: the epoch's training loss). */
#include "stages/train/batches/batch_slices.h"
#include "stages/train/batches/embedding_cache.h"
#include "stages/train/loop.h"
#include "stages/train/method_settings.h"
#include <stdlib.h>
#include <string.h>

struct classifier {
    struct loop loop;
    struct learner learner;
    struct tape *encoder; /* NULL with unfreeze: it is part of the learner's network */
    struct network_values encoded;
    struct embedding_cache train, validation;
    float *box, *row; /* host staging for one batch of the encoder */
    float *embedding;
    int64_t draws; /* classifier_views, or 0: nothing is kept */
    /* what was asked for already, and where asking stands */
    double f1;            /* of the last batch of validation */
    bool validation_anew; /* its boxes, or what they become, change from epoch to epoch */
    bool unfreeze, peb;   /* peb: it learns, though the encoder is frozen */
    bool *asked, asked_validation;
    int64_t ask_epoch, ask_item;
};

/* ---- what will be wanted: training batches not embedded yet, and each validation batch once ---- */

static int64_t draw_of(const struct classifier *c, int64_t epoch)
{
    return c->draws ? epoch % c->draws : epoch;
}

static bool order_next(void *context, struct batch_request *w)
{
    struct classifier *c = context;
    int64_t train = c->train.steps, validation = c->validation.steps, items = train + validation;
    for (; c->ask_epoch < c->loop.epochs; c->ask_epoch++, c->ask_item = 0)
        while (c->ask_item < items) {
            int64_t item = c->ask_item++, draw = draw_of(c, c->ask_epoch);
            *w = (struct batch_request){.index = (uint64_t)(c->ask_epoch * items + item),
                                        .phase = item < train ? PHASE_CLASSIFIER : PHASE_CLASSIFIER_VALIDATION,
                                        .epoch = item < train ? draw : 0,
                                        .step = item < train ? item : item - train};
            if (c->unfreeze) {
                w->epoch = c->ask_epoch; /* the makers know which draw an epoch uses */
                return true;
            }
            if (item >= train && c->validation_anew) {
                w->epoch = c->ask_epoch;
                return true;
            }
            if (item >= train) {
                if (c->asked_validation)
                    continue;
                c->asked_validation = item + 1 == items;
                return true;
            }
            if (c->draws) {
                if (c->asked[draw * train + item])
                    continue;
                c->asked[draw * train + item] = true;
            }
            return true;
        }
    return false;
}

/* ---- embedding ---- */

static void embed(struct classifier *c, const struct pair_batch_message *b, struct embedded *x, bool learn)
{
    const struct train *t = c->loop.train;
    size_t n = (size_t)b->count, most = (size_t)tape_boxes(c->encoder),
           size = (size_t)t->channels * model_input_floats(&t->network);
    memcpy(c->box, b->box, n * size * sizeof(float));
    memset(c->box + n * size, 0, (most - n) * size * sizeof(float));
    tape_put(c->encoder, c->encoded.box, c->box);
    if (c->encoded.position >= 0) {
        memcpy(c->row, b->position, n * POSITION_SIZE * sizeof(float));
        memset(c->row + n * POSITION_SIZE, 0, (most - n) * POSITION_SIZE * sizeof(float));
        tape_put(c->encoder, c->encoded.position, c->row);
    }
    if (learn && !strcmp(t->recipe.classifier_norm, "batch")) { /* whole_batches: nothing but boxes is on the tape */
        tape_statistics(c->encoder);
        tape_count(c->encoder);
    } else {
        tape_evaluate(c->encoder);
    }
    tape_get(c->encoder, c->encoded.embedding, c->embedding); /* the backbone's features where there is no PEB */
    memcpy(x->embedding, c->embedding, n * (size_t)c->train.embedding * sizeof(float));
    memcpy(x->position, b->position, n * POSITION_SIZE * sizeof(float));
    memcpy(x->label, b->label, n * sizeof *x->label);
}

/* the next batch, looked over; false: a signal asked to stop */
static bool next_batch(struct classifier *c, struct pair_batch_message *b)
{
    struct error e = {0};
    const struct train *t = c->loop.train;
    int64_t most = t->recipe.classifier_batch;
    int got = batch_source_take(c->loop.source, b, &e);
    if (got < 0)
        die_of(&e);
    if (!got)
        return false;
    if (b->count > most)
        die(EX_SOFTWARE, "a batch of %d boxes came where at most %lld were asked for", b->count, (long long)most);
    for (int i = 0; i < b->count; i++)
        if (b->label[i] < 0 || b->label[i] >= NETWORK_CLASSES)
            die(EX_SOFTWARE, "region %u came to the classifier with label %d", b->region[i], b->label[i]);
    batch_slices(b);
    c->loop.boxes += (uint64_t)b->count;
    return true;
}

/* the batch from memory, or made and embedded now; NULL: a signal asked to stop */
static struct embedded *batch_at(struct classifier *c, struct embedding_cache *m, int64_t draw, int64_t step, bool keep,
                                 bool learn)
{
    struct embedded *x = embedding_cache_at(m, keep ? draw : 0, step);
    if (keep && x->embedding)
        return x;
    struct pair_batch_message b;
    if (!next_batch(c, &b))
        return NULL;
    embedding_cache_reserve(m, x, b.count);
    embed(c, &b, x, learn);
    pair_batch_free(&b);
    return x;
}

/* ---- learning ---- */

/* F1 at 0.5 of the batch that was just asked about; 0 where no tumour is found, as scikit-learn has it */
static double batch_f1(const struct learner_tape *on, const int32_t *label, int count)
{
    int hit = 0, said = 0, there = 0;
    float *logit = xalloc((size_t)count * NETWORK_CLASSES, sizeof *logit);
    tape_get(on->tape, on->values.logits, logit);
    for (int i = 0; i < count; i++) {
        bool tumour = label[i] == 1, called = logit[NETWORK_CLASSES * i + 1] >= logit[NETWORK_CLASSES * i];
        hit += tumour && called;
        said += called;
        there += tumour;
    }
    free(logit);
    return hit ? 2.0 * hit / (said + there) : 0;
}

/* focal loss of a batch, of boxes or embeddings; with learn, a step */
static double batch_loss(struct classifier *c, const float *input, const float *position, const int32_t *label,
                         int count, bool learn)
{
    const struct loop *l = &c->loop;
    double terms[1 + METHOD_TERMS];
    struct learner_tape *on = learner_tape(&c->learner, count);
    if (!on)
        die(EX_SOFTWARE,
            "batches come in more than %d sizes, the last of %d boxes: the pair makers follow another recipe",
            LEARNER_TAPES, count);
    learner_put(&c->learner, on, input,
                &(struct batch_facts){.pairs = count, .views = 1, .label = label, .position = position});
    if (learn) {
        learner_rates(&c->learner, l->train->recipe.classifier_lr,
                      &(struct training_time){.step = l->at.steps,
                                              .steps = l->epochs * l->steps_an_epoch,
                                              .epoch = (double)l->at.epoch,
                                              .epochs = (double)l->epochs});
        learner_step(&c->learner, on);
    } else {
        learner_evaluate(&c->learner, on);
        c->f1 = batch_f1(on, label, count);
    }
    learner_terms(&c->learner, terms);
    loop_check_loss(l, terms[0], "a lower --classifier-lr");
    return terms[0];
}

/* One batch of training or validation; items in it, of all ranks, 0: a signal asked to stop. */
static int batch_run(struct classifier *c, bool learn, int64_t step, double *loss)
{
    if (c->unfreeze) {
        struct pair_batch_message b;
        if (!next_batch(c, &b))
            return 0;
        int count = b.count;
        *loss = batch_loss(c, b.box, b.position, b.label, count, learn);
        pair_batch_free(&b);
        return count * c->loop.train->world.size;
    }
    struct embedded *x = learn ? batch_at(c, &c->train, draw_of(c, c->loop.at.epoch), step, c->draws > 0, true)
                               : batch_at(c, &c->validation, 0, step, !c->validation_anew, false);
    if (!x)
        return 0;
    *loss = batch_loss(c, x->embedding, x->position, x->label, x->count, learn);
    return x->count;
}

static void write_row(struct classifier *c, double loss, int64_t step, const char *set)
{
    struct error e = {0};
    struct loop *l = &c->loop;
    if (history_row(&l->history, &e, "%lld,%lld,%.9g,%.9g,%.3f,%s\n", (long long)l->at.epoch, (long long)step, loss,
                    l->train->recipe.classifier_lr, l->seconds_before + now_s() - l->begun_s, set))
        die_of(&e);
}

static bool train_step(void *context)
{
    struct classifier *c = context;
    struct loop *l = &c->loop;
    struct cursor *at = &l->at;
    double loss;
    int count = batch_run(c, true, at->step, &loss);
    if (!count)
        return false;
    write_row(c, loss, at->step, "train");
    at->sum[0] += loss * count;
    at->count += count;
    at->step++;
    at->steps++;
    at->optimiser_steps = optimiser_steps(&c->learner.optimiser);
    double lr = l->train->recipe.classifier_lr;
    loop_scalars(l, (const struct scalar[]){{"train/loss", loss}, {"train/lr", lr}}, 2, true);
    progress_update(&l->progress, (uint64_t)at->steps, "loss %.4g, lr %.3g, %.0f boxes/s, %.0f %% waiting for pairs",
                    loss, lr, loop_boxes_s(l), 100 * loop_waiting(l));
    return true;
}

static bool validate(void *context, double *mean)
{
    struct classifier *c = context;
    struct loop *l = &c->loop;
    double sum = 0, count = 0, f1 = 0;
    for (int64_t v = 0; v < c->validation.steps; v++) {
        double loss;
        int items = batch_run(c, false, v, &loss);
        if (!items)
            return false;
        sum += loss * items;
        count += items;
        f1 += c->f1 / (double)c->validation.steps;
    }
    *mean = c->validation.steps ? sum / count : l->at.sum[0] / l->at.count;
    if (c->validation.steps) {
        write_row(c, *mean, l->at.step - 1, "validation");
        loop_scalars(l, (const struct scalar[]){{"validation/loss", *mean}, {"validation/f1", f1}}, 2, false);
        if (!strcmp(l->train->recipe.classifier_best, "f1"))
            *mean = 1 - f1; /* the lowest is the best */
    }
    return true;
}

/* ---- putting it together ---- */

/* Has the classifier a PEB where pretraining had one, and none where it had none? */
static bool peb_is_the_same(const struct train *t)
{
    return t->network.position == t->recipe.position;
}

/* The projection takes no part, but a model file keeps it, where it still stands on what it stood on: its parameters are registered and nothing runs them. */
static void register_projection(struct classifier *c, struct params *p)
{
    struct tape *unused = tape_open(p, 2, 1);
    (void)network_build(unused, &c->loop.train->network, NETWORK_PROJECTION);
    tape_close(&unused);
}

/* What is there before the network that learns: a frozen encoder, a projection. */
static void prepare(void *context, struct params *p)
{
    struct classifier *c = context;
    const struct train *t = c->loop.train;
    if (!c->unfreeze) {
        c->encoder = tape_open(p, (int)t->recipe.classifier_batch, 1);
        c->encoded =
            network_build(c->encoder, &t->network, c->peb ? (unsigned)NETWORK_BACKBONE : (unsigned)NETWORK_ENCODER);
    }
    if (peb_is_the_same(t) && model_has_part(&t->init_file, "projection"))
        register_projection(c, p);
    params_freeze(p, c->unfreeze ? "projection" : "");
    for (size_t i = 0; i < p->count && !strcmp(t->recipe.classifier_norm, "batch"); i++)
        if (p->param[i].kind == PARAM_BUFFER || p->param[i].kind == PARAM_COUNTER)
            p->param[i].frozen =
                strncmp(p->param[i].name, "backbone", strlen("backbone")); /* these move: checkpoints keep them */
}

static void age(void *context, struct param *q, int64_t steps)
{
    const struct classifier *c = context;
    adamw_age(&c->learner.optimiser.of.adamw, q, c->loop.train->recipe.classifier_lr, steps);
}

#define ENCODER_PARTS "backbone,backbone_ct,peb,projection"
/* classifier_encoder = random: what --init says of the encoder is not read. */
static void forget_encoder(struct safetensors *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->tensor_count; i++)
        if (!strncmp(s->tensor[i].name, "classifier.", strlen("classifier.")))
            s->tensor[kept++] = s->tensor[i];
    s->tensor_count = kept;
}

static void open_learner(struct classifier *c, struct train *t)
{
    struct error e = {0};
    const struct recipe *r = &t->recipe;
    const struct split_counts *n = &t->plan.train;
    struct learner_settings s = {.method = &method_focal,
                                 .own = method_settings_own(t, &method_focal),
                                 .embedded = !c->unfreeze,
                                 .peb = c->peb,
                                 .items = {(double)(r->classifier_others > 0 ? r->classifier_others : n->others),
                                           (double)(r->classifier_tumours > 0 ? r->classifier_tumours : n->tumours)},
                                 .optimiser_settings = {.weight_decay = r->classifier_weight_decay,
                                                        .coupled = !strcmp(r->classifier_optimiser, "adam")},
                                 .network = t->network,
                                 .prepare = prepare,
                                 .context = c,
                                 .pairs = (int)r->classifier_batch / t->world.size,
                                 .seed = t->seed};
    if (!(s.optimiser = optimiser_find("adamw", t->backend, &e)) || learner_open(&c->learner, t->backend, &s, &e))
        die_of(&e);
    free((void *)(uintptr_t)s.own);
    if (c->encoder)
        tape_seal(c->encoder, false, NULL);
}

static void open_caches(struct classifier *c, const struct train *t)
{
    int batch = (int)t->recipe.classifier_batch,
        E = c->peb ? network_features(&t->network) : network_embedding(&t->network);
    embedding_cache_open(&c->train, c->draws ? c->draws : 1, t->plan.classifier_steps, batch, E);
    embedding_cache_open(&c->validation, 1, t->plan.classifier_validation_steps, batch, E);
    c->asked = xalloc((size_t)(c->train.draws * c->train.steps) + 1, sizeof *c->asked);
    c->box = xalloc((size_t)batch * (size_t)t->channels * model_input_floats(&t->network), sizeof *c->box);
    c->row = xalloc((size_t)batch * POSITION_SIZE, sizeof *c->row);
    c->embedding = xalloc((size_t)batch * (size_t)E, sizeof *c->embedding);
}

static void build(struct classifier *c, struct train *t)
{
    struct error e = {0};
    struct learner *l = &c->learner;
    struct optimiser_state state[OPTIMISER_STATES];
    c->loop.train = t;
    c->unfreeze = t->recipe.unfreeze;
    c->peb = !c->unfreeze && t->network.position && !t->recipe.position;
    c->validation_anew = t->recipe.classifier_validation_augmented || !strcmp(t->recipe.classifier_norm, "batch");
    if (!strcmp(t->recipe.classifier_best, "f1") && t->plan.classifier_validation_steps)
        c->loop.criterion = "1 - mean F1 of validation batches";
    bool random = !strcmp(t->recipe.classifier_encoder, "random");
    if (random)
        forget_encoder(&t->init_file);
    open_learner(c, t);
    c->loop.flag = l->terms + METHOD_TERMS;
    if (ranks_writes(&t->world))
        params_keep_dead_weights(l->params);
    params_init(l->params, t->seed);
    /* fine-tuning may begin from a bare backbone; a frozen PEB that was never trained would be noise */
    if (t->init && model_load(l->params, &t->init_file, t->init,
                              random                  ? ENCODER_PARTS ",classifier"
                              : c->unfreeze || c->peb ? "peb,classifier"
                                                      : "classifier",
                              peb_is_the_same(t) ? "" : "peb,projection", &e))
        die_of(&e);
    safetensors_free(&t->init_file);
    learner_begin(l);
    open_caches(c, t);
    if (checkpointer_open(&c->loop.checkpointer, t, l->params, state, l->optimiser.kind->state(&l->optimiser, state), &e))
        die_of(&e);
    c->loop.checkpointer.age = age;
    c->loop.checkpointer.age_context = c;
}

static void close_all(struct classifier *c)
{
    tape_close(&c->encoder);
    learner_close(&c->learner);
    embedding_cache_close(&c->train);
    embedding_cache_close(&c->validation);
    free(c->asked);
    free(c->box);
    free(c->row);
    free(c->embedding);
}

/* Every batch there will be is cut into equal parts. */
static void check_shares(const struct train *t)
{
    struct error e = {0};
    if (ranks_alone(&t->world))
        return;
    for (enum pair_phase phase = PHASE_CLASSIFIER; phase <= PHASE_CLASSIFIER_VALIDATION; phase++)
        for (int64_t step = 0; step < sampling_steps(&t->plan, phase); step++)
            if (ranks_check_batch(&t->world,
                                  phase == PHASE_CLASSIFIER ? "a batch of boxes" : "a batch of validation boxes",
                                  sampling_batch_items(&t->plan, phase, step), &e))
                die_of(&e);
}

int classifier_run(struct train *t)
{
    struct classifier c = {.draws = t->recipe.classifier_views < t->recipe.classifier_epochs
                                        ? t->recipe.classifier_views
                                        : t->recipe.classifier_epochs};
    struct loop *l = &c.loop;
    if (!t->plan.classifier_steps)
        die(EX_DATAERR,
            "'%s' has no labelled regions to train on: run petrel-cache split first, and see that training patients "
            "have truth",
            t->cache_dir);
    if (!t->plan.classifier_validation_steps)
        log_warn("no labelled regions of validation patients: early stopping follows the training loss");
    check_shares(t);
    build(&c, t);
    loop_begin(l, t, "classifier-losses.csv", "epoch,step,loss,lr,seconds,set", t->plan.classifier_steps,
               t->recipe.classifier_epochs);
    optimiser_resume(&c.learner.optimiser, l->at.optimiser_steps);
    c.ask_epoch = l->at.epoch;
    c.ask_item = l->at.step;
    l->source = batch_source_channels(t, order_next, &c);

    enum loop_next next = loop_run(l, &(struct loop_phase){train_step, validate, &c}, t->recipe.classifier_patience);
    int code = loop_end(l, next);
    close_all(&c);
    return code;
}
