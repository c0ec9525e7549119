/* SPDX-License-Identifier: Apache-2.0 */
/* classifier -- tumour or not, on embeddings of the encoder.   tasks ─▶ pairs ─▶ [train] ═▶ model.safetensors
 *
 * Encoder and PEB are in evaluation mode, so a box's embedding is the same whenever it is computed: with
 * classifier_views = K, epoch e uses draw e mod K of the boxes and each is embedded once. Validation boxes are never
 * augmented: embedded once too.
 * With `unfreeze` the whole network learns, batch statistics and all, and nothing can be kept: boxes come anew each time.
 * The two-layer head learns by the focal loss and AdamW; early stopping follows the mean focal loss on the validation
 * boxes (without validation patients: the epoch's training loss). */
#include "kernels/optim/adamw.h"
#include "stages/train/batches/embedding_cache.h"
#include "stages/train/loop.h"
#include <stdlib.h>
#include <string.h>

enum { HEADS = 4 };
struct head {
    struct tape *tape;
    struct network_values values;
    void *recorded; /* of its training step */
};

struct classifier {
    struct loop loop;
    struct params *params;
    struct adamw adam;
    struct tape *encoder;
    struct network_values encoded;
    struct head head[HEADS];
    struct embedding_cache train, validation;
    float *box, *row; /* host staging for one batch of the encoder */
    float *embedding;
    int32_t *label; /* device; so is the last loss */
    float *loss;
    struct head *now;
    float alpha[NETWORK_CLASSES];
    int64_t draws; /* classifier_views, or 0: nothing is kept */
    /* what was asked for already, and where asking stands */
    bool unfreeze; /* heads are whole networks; there is no `encoder` */
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

static void embed(struct classifier *c, const struct pair_batch_message *b, struct embedded *x)
{
    const struct train *t = c->loop.train;
    size_t n = (size_t)b->count, most = (size_t)tape_boxes(c->encoder), size = (size_t)t->channels * BOX_VOXELS;
    memcpy(c->box, b->box, n * size * sizeof(float));
    memset(c->box + n * size, 0, (most - n) * size * sizeof(float));
    tape_put(c->encoder, c->encoded.box, c->box);
    if (c->encoded.position >= 0) {
        memcpy(c->row, b->position, n * POSITION_SIZE * sizeof(float));
        memset(c->row + n * POSITION_SIZE, 0, (most - n) * POSITION_SIZE * sizeof(float));
        tape_put(c->encoder, c->encoded.position, c->row);
    }
    tape_evaluate(c->encoder);
    tape_get(c->encoder, c->encoded.embedding, c->embedding);
    memcpy(x->embedding, c->embedding, n * (size_t)c->train.embedding * sizeof(float));
    memcpy(x->label, b->label, n * sizeof *x->label);
}

/* the next batch, looked over; false: a signal asked to stop */
static bool next_batch(struct classifier *c, struct pair_batch_message *b)
{
    struct error e = {0};
    int64_t most = c->loop.train->recipe.classifier_batch;
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
    c->loop.boxes += (uint64_t)b->count;
    return true;
}

/* the batch from memory, or made and embedded now; NULL: a signal asked to stop */
static struct embedded *batch_at(struct classifier *c, struct embedding_cache *m, int64_t draw, int64_t step, bool keep)
{
    struct embedded *x = embedding_cache_at(m, keep ? draw : 0, step);
    if (keep && x->embedding)
        return x;
    struct pair_batch_message b;
    if (!next_batch(c, &b))
        return NULL;
    embedding_cache_reserve(m, x, b.count);
    embed(c, &b, x);
    pair_batch_free(&b);
    return x;
}

/* ---- the head ---- */

static struct head *head_for(struct classifier *c, int count)
{
    size_t i = 0;
    while (i < HEADS && c->head[i].tape && tape_boxes(c->head[i].tape) != count)
        i++;
    if (i == HEADS)
        die(EX_SOFTWARE,
            "batches come in more than %d sizes, the last of %d boxes: the pair makers follow another recipe", HEADS,
            count);
    struct head *h = &c->head[i];
    if (!h->tape) {
        h->tape = tape_open(c->params, count, 1);
        h->values = network_build(h->tape, &c->loop.train->network,
                                  NETWORK_CLASSIFIER | (c->unfreeze ? (unsigned)NETWORK_ENCODER : 0u));
        if (c->params->sealed)
            tape_seal(h->tape, true, c->unfreeze ? c->head[0].tape : NULL);
    }
    return h;
}

static void focal(struct classifier *c)
{
    const struct recipe *r = &c->loop.train->recipe;
    struct backend *b = c->params->backend;
    struct head *h = c->now;
    b->focal(b, tape_grad(h->tape, h->values.logits), c->loss, tape_value(h->tape, h->values.logits), c->label,
             tape_boxes(h->tape), NETWORK_CLASSES, c->alpha, (float)r->focal_gamma, !strcmp(r->focal_on, "softmax"));
}

/* what a step does on the device; c->now is the head that holds the batch */
static void learn_batch(void *context)
{
    struct classifier *c = context;
    tape_forward(c->now->tape);
    focal(c);
    params_zero_grad(c->params);
    tape_backward(c->now->tape);
    adamw_step(&c->adam);
}

/* focal loss of what the head was given; with learn, its gradients and a step */
static double head_run(struct classifier *c, struct head *h, const int32_t *label, bool learn)
{
    const struct recipe *r = &c->loop.train->recipe;
    struct backend *b = c->params->backend;
    float loss;
    b->put(b, c->label, label, (size_t)tape_boxes(h->tape) * sizeof *label);
    c->now = h;
    if (learn) {
        adamw_rate(&c->adam, r->classifier_lr);
        b->step(b, &h->recorded, learn_batch, c);
        tape_count(h->tape);
    } else {
        tape_evaluate(h->tape);
        focal(c);
    }
    b->get(b, &loss, c->loss, sizeof loss);
    loop_check_loss(&c->loop, (double)loss, "a lower --classifier-lr");
    return (double)loss;
}

/* One batch of training or validation; items in it, 0: a signal asked to stop. */
static int batch_run(struct classifier *c, bool learn, int64_t step, double *loss)
{
    if (c->unfreeze) {
        struct pair_batch_message b;
        if (!next_batch(c, &b))
            return 0;
        int count = b.count;
        struct head *h = head_for(c, count);
        tape_put(h->tape, h->values.box, b.box);
        if (h->values.position >= 0)
            tape_put(h->tape, h->values.position, b.position);
        *loss = head_run(c, h, b.label, learn);
        pair_batch_free(&b);
        return count;
    }
    struct embedded *x = learn ? batch_at(c, &c->train, draw_of(c, c->loop.at.epoch), step, c->draws > 0)
                               : batch_at(c, &c->validation, 0, step, true);
    if (!x)
        return 0;
    struct head *h = head_for(c, x->count);
    tape_put(h->tape, h->values.embedding, x->embedding);
    *loss = head_run(c, h, x->label, learn);
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
    at->optimiser_steps = c->adam.step;
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
    double sum = 0, count = 0;
    for (int64_t v = 0; v < c->validation.steps; v++) {
        double loss;
        int items = batch_run(c, false, v, &loss);
        if (!items)
            return false;
        sum += loss * items;
        count += items;
    }
    *mean = c->validation.steps ? sum / count : l->at.sum[0] / l->at.count;
    if (c->validation.steps) {
        write_row(c, *mean, l->at.step - 1, "validation");
        loop_scalars(l, (const struct scalar[]){{"validation/loss", *mean}}, 1, false);
    }
    return true;
}

/* ---- putting it together ---- */

/* what a loss is multiplied by: focal_alpha as focal_balance says, times class_weights */
static void class_alphas(struct classifier *c, const struct train *t)
{
    const struct recipe *r = &t->recipe;
    bool by_class = !strcmp(r->focal_balance, "class");
    double n[NETWORK_CLASSES] = {(double)(r->classifier_others > 0 ? r->classifier_others : t->plan.train.others),
                                 (double)(r->classifier_tumours > 0 ? r->classifier_tumours : t->plan.train.tumours)};
    for (int k = 0; k < NETWORK_CLASSES; k++) {
        double weight = r->class_weights.value[k] > 0 ? r->class_weights.value[k]
                        : n[k] > 0                    ? (n[0] + n[1]) / (2 * n[k])
                                                      : 1;
        c->alpha[k] = (float)(weight * (by_class && k == 0 ? 1 - r->focal_alpha : r->focal_alpha));
    }
}

/* The projection takes no part, but a model file keeps it: its parameters are registered and nothing runs them. */
static void register_projection(struct classifier *c)
{
    struct tape *unused = tape_open(c->params, 2, 1);
    (void)network_build(unused, &c->loop.train->network, NETWORK_PROJECTION);
    tape_close(&unused);
}

static void age(void *context, struct param *q, int64_t steps)
{
    const struct classifier *c = context;
    adamw_age(&c->adam, q, c->loop.train->recipe.classifier_lr, steps);
}

static void build(struct classifier *c, struct train *t)
{
    struct error e = {0};
    struct recipe *r = &t->recipe;
    int batch = (int)r->classifier_batch, E = network_embedding(&t->network);
    c->loop.train = t;
    c->params = params_open(t->backend);
    c->unfreeze = r->unfreeze;
    if (!c->unfreeze) {
        c->encoder = tape_open(c->params, batch, 1);
        c->encoded = network_build(c->encoder, &t->network, NETWORK_ENCODER);
    }
    if (model_has_part(&t->init_file, "projection"))
        register_projection(c);
    head_for(c, batch);
    params_freeze(c->params, "projection");
    if (!c->unfreeze) {
        params_freeze(c->params, "backbone");
        params_freeze(c->params, "peb");
        tape_seal(c->encoder, false, NULL);
    }
    tape_seal(c->head[0].tape, true, NULL);
    params_keep_dead_weights(c->params);
    params_init(c->params, t->seed);
    /* fine-tuning may begin from a bare backbone; a frozen PEB that was never trained would be noise */
    if (model_load(c->params, &t->init_file, t->init, c->unfreeze ? "peb,classifier" : "classifier", "", &e))
        die_of(&e);
    safetensors_free(&t->init_file);

    embedding_cache_open(&c->train, c->draws ? c->draws : 1, t->plan.classifier_steps, batch, E);
    embedding_cache_open(&c->validation, 1, t->plan.classifier_validation_steps, batch, E);
    c->asked = xalloc((size_t)(c->train.draws * c->train.steps) + 1, sizeof *c->asked);
    c->box = xalloc((size_t)batch * (size_t)t->channels * BOX_VOXELS, sizeof *c->box);
    c->row = xalloc((size_t)batch * POSITION_SIZE, sizeof *c->row);
    c->embedding = xalloc((size_t)batch * (size_t)E, sizeof *c->embedding);
    c->label = t->backend->alloc(t->backend, (size_t)batch * sizeof *c->label);
    c->loss = t->backend->alloc(t->backend, sizeof *c->loss);
    class_alphas(c, t);
    adamw_open(&c->adam, c->params, r->classifier_weight_decay, !strcmp(r->classifier_optimiser, "adam"));
    const struct optimiser_state state[2] = {{"adam_m", c->adam.m}, {"adam_v", c->adam.v}};
    if (checkpointer_open(&c->loop.checkpointer, t, c->params, state, 2, &e))
        die_of(&e);
    c->loop.checkpointer.age = age;
    c->loop.checkpointer.age_context = c;
}

static void close_all(struct classifier *c)
{
    struct backend *b = c->params->backend;
    b->release(b, c->label);
    b->release(b, c->loss);
    for (size_t i = HEADS; i-- > 0;) { /* the first last: others use its blocks */
        b->step_forget(b, &c->head[i].recorded);
        tape_close(&c->head[i].tape);
    }
    tape_close(&c->encoder);
    adamw_close(&c->adam);
    embedding_cache_close(&c->train);
    embedding_cache_close(&c->validation);
    free(c->asked);
    free(c->box);
    free(c->row);
    free(c->embedding);
    params_close(&c->params);
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
    build(&c, t);
    loop_begin(l, t, "classifier-losses.csv", "epoch,step,loss,lr,seconds,set", t->plan.classifier_steps,
               t->recipe.classifier_epochs);
    c.adam.step = l->at.optimiser_steps;
    c.ask_epoch = l->at.epoch;
    c.ask_item = l->at.step;
    l->source = batch_source_channels(t, order_next, &c);

    enum loop_next next = loop_run(l, &(struct loop_phase){train_step, validate, &c}, t->recipe.classifier_patience);
    int code = loop_end(l, next);
    close_all(&c);
    return code;
}
