/* SPDX-License-Identifier: Apache-2.0 */
/* learner -- a method at work.   kernels/methods */
#include "kernels/methods/learner.h"
#include "common/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* of a box, as ranks tell each other: label, position, window */
enum { FACT_WINDOW = 5, FACT_FLOATS = 1 + NETWORK_POSITION + FACT_WINDOW };

static int ranks_of(const struct learner *l)
{
    return l->b->ranks ? l->b->ranks->size : 1;
}

/* ---- building ---- */

static struct network_values build(struct learner *l, struct tape *t, bool teacher)
{
    unsigned parts = l->method->parts ? l->method->parts : (unsigned)NETWORK_PROJECTION;
    parts |= l->embedded ? (l->peb ? (unsigned)NETWORK_PEB : 0u) : (unsigned)NETWORK_ENCODER;
    struct network_values v = network_build(t, &l->network, parts);
    v.z = v.z < 0 ? v.logits : v.z;
    if (l->method->heads)
        l->method->heads(l, t, &v, teacher);
    return v;
}

struct learner_tape *learner_tape(struct learner *l, int pairs)
{
    size_t i = 0;
    while (i < LEARNER_TAPES && l->tape[i].tape && l->tape[i].pairs != pairs)
        i++;
    if (i == LEARNER_TAPES)
        return NULL;
    struct learner_tape *s = &l->tape[i];
    if (s->tape)
        return s;
    int statistics = l->method->statistics, views = l->teacher_views;
    s->pairs = pairs;
    s->tape = tape_open(l->params, l->views * pairs, statistics ? statistics : l->views);
    s->values = build(l, s->tape, false);
    tape_seal(s->tape, true, i ? l->tape[0].tape : NULL);
    if (l->teacher) {
        s->teacher = tape_open(l->teacher, views * pairs, statistics ? statistics : views);
        s->teacher_values = build(l, s->teacher, true);
        params_freeze(l->teacher, "");
        tape_seal(s->teacher, false, i ? l->tape[0].teacher : NULL);
        if (l->views == views) { /* otherwise it has inputs of its own (learner_put) */
            tape_share(s->teacher, s->teacher_values.box, s->tape, s->values.box);
            if (s->values.position >= 0)
                tape_share(s->teacher, s->teacher_values.position, s->tape, s->values.position);
        }
    }
    return s;
}

int learner_state(struct learner *l, const char *name, int rows, int columns)
{
    l->state[l->states] =
        (struct learner_state){name, rows, columns, l->b->alloc(l->b, (size_t)rows * (size_t)columns * sizeof(float))};
    return (int)l->states++;
}

void learner_work(struct learner *l, size_t floats)
{
    l->work_floats += floats;
}

static int width_of(const struct tape *t, int value)
{
    enum layout layout;
    int C, dim[3];
    tape_value_shape(t, value, &layout, &C, dim);
    return C;
}

/* Views of a pair, within what the method takes. */
static int views_choose(struct learner *l, int asked, struct error *e)
{
    const struct method *m = l->method;
    int usual = m->views ? m->views : 2, least = m->least_views ? m->least_views : usual,
        most = m->most_views ? m->most_views : usual;
    l->views = asked ? asked : usual;
    if (l->views < least || l->views > most)
        return fail_as(e, EX_CONFIG, "%s takes %d to %d views, and views is %d: give another --views, or 0 for %d",
                       m->name, least, most, asked, usual);
    l->teacher_views = m->teacher_views && m->teacher_views < l->views ? m->teacher_views : l->views;
    return 0;
}

int learner_open(struct learner *l, struct backend *b, const struct learner_settings *s, struct error *e)
{
    *l = (struct learner){.method = s->method,
                          .b = b,
                          .network = s->network,
                          .embedded = s->embedded,
                          .peb = s->peb,
                          .seed = s->seed,
                          .weight = {1, 1, 1}};
    memcpy(l->items, s->items, sizeof l->items);
    l->most = s->pairs * ranks_of(l);
    if (views_choose(l, s->views, e))
        return -1;
    int least = s->method->smallest ? s->method->smallest : METHOD_SMALLEST;
    if (l->most < least)
        return fail_as(e, EX_CONFIG, "%s needs batches of %d pairs at least, and batch is %d: give a larger --batch",
                       s->method->name, least, l->most);
    l->settings = xalloc(s->method->settings_size + 1, 1);
    memcpy(l->settings, s->own, s->method->settings_size);
    l->params = params_open(b);
    if (s->prepare)
        s->prepare(s->context, l->params);
    l->teacher = s->method->needs & METHOD_TEACHER ? params_open(b) : NULL;
    l->terms = b->alloc(b, (METHOD_TERMS + 1) * sizeof(float));
    l->rate = b->alloc(b, sizeof(float));
    if (s->method->open && s->method->open(l, e))
        return -1;
    l->work = b->alloc(b, (l->work_floats + 1) * sizeof(float));
    struct learner_tape *full = learner_tape(l, s->pairs);
    size_t rows = (size_t)l->views * (size_t)l->most, seen = (size_t)l->teacher_views * (size_t)l->most;
    if (b->ranks) {
        size_t K = (size_t)width_of(full->tape, full->values.z),
               T = full->teacher ? (size_t)width_of(full->teacher, full->teacher_values.z) : 0,
               kept = full->values.kept >= 0 ? (size_t)width_of(full->tape, full->values.kept) : 0;
        l->all.z = b->alloc(b, rows * K * sizeof(float));
        l->all.dz = b->alloc(b, rows * K * sizeof(float));
        l->all.kept = kept ? b->alloc(b, rows * kept * sizeof(float)) : NULL;
        l->all.dkept = kept ? b->alloc(b, rows * kept * sizeof(float)) : NULL;
        l->all.teacher = T ? b->alloc(b, seen * T * sizeof(float)) : NULL;
        l->all.facts = b->alloc(b, rows * FACT_FLOATS * sizeof(float));
        l->all.part = b->alloc(b, rows * FACT_FLOATS * sizeof(float));
    }
    optimiser_open(&l->optimiser, s->optimiser, l->params, &s->optimiser_settings);
    return 0;
}

void learner_close(struct learner *l)
{
    struct backend *b = l->b;
    for (int i = LEARNER_TAPES; i-- > 0;) { /* the first last: others use its blocks */
        b->step_forget(b, &l->tape[i].recorded);
        tape_close(&l->tape[i].tape);
        tape_close(&l->tape[i].teacher);
    }
    for (size_t i = 0; i < l->states; i++)
        b->release(b, l->state[i].data);
    float *const device[] = {l->terms,    l->rate,      l->work,        l->all.z,     l->all.dz,
                             l->all.kept, l->all.dkept, l->all.teacher, l->all.facts, l->all.part};
    for (size_t i = 0; i < COUNT_OF(device); i++)
        if (device[i])
            b->release(b, device[i]);
    optimiser_close(&l->optimiser);
    params_close(&l->teacher);
    params_close(&l->params);
    free(l->settings);
    *l = (struct learner){0};
}

/* ---- the teacher ---- */

/* The parameter of the student that a teacher's is called like. */
static struct param *twin(struct learner *l, const struct param *q)
{
    return params_find(l->params, q->name);
}

void learner_copy_teacher(struct learner *l)
{
    for (size_t i = 0; l->teacher && i < l->teacher->count; i++) {
        struct param *q = &l->teacher->param[i], *from = twin(l, q);
        if (q->kind == PARAM_COUNTER) {
            q->counter = from->counter;
            continue;
        }
        float *host = xalloc(q->size, sizeof *host);
        l->b->get(l->b, host, from->value, q->size * sizeof *host);
        l->b->put(l->b, q->value, host, q->size * sizeof *host);
        free(host);
    }
}

void learner_begin(struct learner *l)
{
    learner_copy_teacher(l);
    if (l->method->begin)
        l->method->begin(l);
}

void learner_directions(struct learner *l, const struct learner_state *s, uint64_t index)
{
    size_t rows = (size_t)s->rows, K = (size_t)s->columns;
    float *host = xalloc(rows * K, sizeof *host);
    struct rng r = rng_make(l->seed, RNG_QUEUE, index);
    for (size_t n = 0; n < rows; n++) {
        double squares = 0;
        for (size_t k = 0; k < K; k++) {
            host[n * K + k] = rng_normal(&r);
            squares += (double)host[n * K + k] * (double)host[n * K + k];
        }
        for (size_t k = 0; k < K; k++)
            host[n * K + k] = (float)((double)host[n * K + k] / sqrt(squares));
    }
    l->b->put(l->b, s->data, host, rows * K * sizeof *host);
    free(host);
}

void learner_forget(struct learner *l)
{
    for (int i = 0; i < LEARNER_TAPES; i++)
        l->b->step_forget(l->b, &l->tape[i].recorded);
}

/* ---- a step ---- */

/* Rows of all ranks: a view's of every rank follow one another, in the order of ranks. */
static void gather(struct learner *l, void *all, const void *own, int views, int pairs, int K)
{
    struct ranks *r = l->b->ranks;
    size_t bytes = (size_t)pairs * (size_t)K * sizeof(float);
    for (size_t view = 0; view < (size_t)views; view++)
        r->allgather(r, (char *)all + view * bytes * (size_t)r->size, (const char *)own + view * bytes, bytes);
}

static void scatter(struct learner *l, float *own, const float *all, int pairs, int K)
{
    struct ranks *r = l->b->ranks;
    size_t part = (size_t)pairs * (size_t)K, views = (size_t)l->views;
    l->b->zero(l->b, own, views * part * sizeof *own);
    for (size_t view = 0; view < views; view++)
        l->b->add(l->b, own + view * part, own + view * part, all + (view * (size_t)r->size + (size_t)r->rank) * part,
                  part, ROWS);
}

/* Terms and, on the tape, the gradient of what the tapes hold. */
static void loss(struct learner *l)
{
    struct learner_tape *s = l->now;
    const struct network_values *v = &s->values;
    float *z = tape_value(s->tape, v->z), *dz = tape_grad(s->tape, v->z),
          *kept = v->kept < 0 ? NULL : tape_value(s->tape, v->kept),
          *dkept = v->kept < 0 ? NULL : tape_grad(s->tape, v->kept);
    l->in.pairs = s->pairs * ranks_of(l);
    l->in.views = l->views;
    l->in.K = width_of(s->tape, v->z);
    l->in.z = z;
    l->in.dz = dz;
    l->in.kept = kept;
    l->in.dkept = dkept;
    l->in.kept_K = kept ? width_of(s->tape, v->kept) : 0;
    l->in.teacher = NULL;
    if (s->teacher) {
        l->in.teacher = tape_value(s->teacher, s->teacher_values.z);
        l->in.teacher_K = width_of(s->teacher, s->teacher_values.z);
    }
    if (!l->b->ranks) {
        l->method->loss(l);
        return;
    }
    gather(l, l->in.z = l->all.z, z, l->views, s->pairs, l->in.K);
    l->in.dz = l->all.dz;
    if (kept) {
        gather(l, l->in.kept = l->all.kept, kept, l->views, s->pairs, l->in.kept_K);
        l->in.dkept = l->all.dkept;
    }
    if (s->teacher) {
        gather(l, l->all.teacher, l->in.teacher, l->teacher_views, s->pairs, l->in.teacher_K);
        l->in.teacher = l->all.teacher;
    }
    l->method->loss(l);
    scatter(l, dz, l->all.dz, s->pairs, l->in.K);
    if (dkept)
        scatter(l, dkept, l->all.dkept, s->pairs, l->in.kept_K);
    l->b->ranks->broadcast(l->b->ranks, l->terms, METHOD_TERMS * sizeof *l->terms);
}

/* Gradients become the sums over ranks; what is not trained (running statistics) becomes rank 0's. */
static void join_ranks(struct learner *l)
{
    struct ranks *r = l->b->ranks;
    struct params *p = l->params, *t = l->teacher;
    r->allreduce(r, p->grads, p->trained);
    r->broadcast(r, p->values + p->trained, (p->floats - p->trained) * sizeof *p->values);
    if (t)
        r->broadcast(r, t->values, t->floats * sizeof *t->values);
}

static void step(void *context)
{
    struct learner *l = context;
    struct learner_tape *s = l->now;
    if (s->teacher)
        tape_statistics(s->teacher);
    tape_forward(s->tape);
    loss(l);
    params_zero_grad(l->params);
    tape_backward(s->tape);
    if (l->b->ranks)
        join_ranks(l);
    if (l->method->gradients)
        l->method->gradients(l);
    l->optimiser.kind->step(&l->optimiser);
    if (l->method->after)
        l->method->after(l);
}

void learner_rates(struct learner *l, double lr, const struct training_time *at)
{
    l->optimiser.kind->rate(&l->optimiser, lr);
    l->step = at->step;
    if (l->method->renew)
        l->method->renew(l, at);
    if (l->method->rates)
        l->method->rates(l, at);
}

void learner_resume(struct learner *l, const struct training_time *last)
{
    if (l->method->rates)
        l->method->rates(l, last);
}

/* Label, position and window of a box as floats; small whole numbers are exact in them. */
static void facts_pack(const struct batch_facts *f, size_t row, float *to)
{
    memset(to, 0, FACT_FLOATS * sizeof *to);
    to[0] = f->label ? (float)f->label[row] : 0;
    for (size_t k = 0; k < NETWORK_POSITION && f->position; k++)
        to[1 + k] = f->position[row * NETWORK_POSITION + k];
    for (size_t k = 0; k < FACT_WINDOW && f->window; k++)
        to[1 + NETWORK_POSITION + k] = (float)f->window[row * FACT_WINDOW + k];
}

/* What every rank knows of its boxes becomes known to all: the method makes its targets of the whole batch. */
static void targets_of_all(struct learner *l, const struct batch_facts *f)
{
    int pairs = f->pairs * ranks_of(l);
    size_t rows = (size_t)f->views * (size_t)f->pairs, all = rows * (size_t)ranks_of(l);
    float *host = xalloc(all * FACT_FLOATS, sizeof *host), *position = xalloc(all * NETWORK_POSITION, sizeof *position);
    int32_t *label = xalloc(all, sizeof *label), *window = xalloc(all * FACT_WINDOW, sizeof *window);
    for (size_t i = 0; i < rows; i++)
        facts_pack(f, i, host + i * FACT_FLOATS);
    l->b->put(l->b, l->all.part, host, rows * FACT_FLOATS * sizeof *host);
    gather(l, l->all.facts, l->all.part, f->views, f->pairs, FACT_FLOATS);
    l->b->get(l->b, host, l->all.facts, all * FACT_FLOATS * sizeof *host);
    for (size_t i = 0; i < all; i++) {
        const float *from = host + i * FACT_FLOATS;
        label[i] = (int32_t)from[0];
        memcpy(position + i * NETWORK_POSITION, from + 1, NETWORK_POSITION * sizeof *position);
        for (size_t k = 0; k < FACT_WINDOW; k++)
            window[i * FACT_WINDOW + k] = (int32_t)from[1 + NETWORK_POSITION + k];
    }
    l->method->targets(l, &(struct batch_facts){.pairs = pairs,
                                                .views = f->views,
                                                .label = f->label ? label : NULL,
                                                .position = f->position ? position : NULL,
                                                .window = f->window ? window : NULL});
    free(host);
    free(position);
    free(label);
    free(window);
}

void learner_put(struct learner *l, struct learner_tape *on, const float *box, const struct batch_facts *f)
{
    const unsigned needs = l->method->needs;
    bool own = on->teacher && l->teacher_views != l->views;
    if (box)
        tape_put(on->tape, l->embedded ? (l->peb ? on->values.features : on->values.embedding) : on->values.box, box);
    if (on->values.position >= 0)
        tape_put(on->tape, on->values.position, f->position);
    if (own && box)
        tape_put(on->teacher, on->teacher_values.box, box);
    if (own && on->values.position >= 0)
        tape_put(on->teacher, on->teacher_values.position, f->position);
    if (!l->method->targets)
        return;
    const struct batch_facts wanted = {.pairs = f->pairs,
                                       .views = f->views,
                                       .label = needs & METHOD_LABELS ? f->label : NULL,
                                       .position = needs & METHOD_POSITIONS ? f->position : NULL,
                                       .window = needs & (METHOD_GRID | METHOD_POSITIONS) ? f->window : NULL};
    if (l->b->ranks && (wanted.label || wanted.position || wanted.window)) {
        targets_of_all(l, &wanted);
        return;
    }
    struct batch_facts all = wanted;
    all.pairs = f->pairs * ranks_of(l);
    l->method->targets(l, &all);
}

/* What is dropped is a function of seed, step and rank, so that a resumed run drops the same; a teacher drops otherwise. */
static void draw(struct learner *l, struct learner_tape *on)
{
    const uint64_t step = (uint64_t)l->step * (uint64_t)ranks_of(l) + (l->b->ranks ? (uint64_t)l->b->ranks->rank : 0);
    tape_draw(on->tape, l->seed, (uint32_t)step);
    if (on->teacher)
        tape_draw(on->teacher, ~l->seed, (uint32_t)step);
}

void learner_step(struct learner *l, struct learner_tape *on)
{
    l->now = on;
    draw(l, on);
    l->b->step(l->b, &on->recorded, step, l);
    tape_count(on->tape);
    if (on->teacher)
        tape_count(on->teacher);
}

void learner_evaluate(struct learner *l, struct learner_tape *on)
{
    l->now = on;
    if (on->teacher)
        tape_evaluate(on->teacher);
    tape_evaluate(on->tape);
    loss(l);
}

void learner_terms(struct learner *l, double terms[1 + METHOD_TERMS])
{
    float part[METHOD_TERMS];
    l->b->get(l->b, part, l->terms, sizeof part);
    memset(terms, 0, (1 + METHOD_TERMS) * sizeof *terms);
    for (int i = 0; i < METHOD_TERMS && l->method->term[i]; i++) {
        terms[i + 1] = (double)part[i];
        terms[0] += (double)l->weight[i] * (double)part[i];
    }
}

double learner_spread(struct learner *l, const struct learner_tape *on)
{
    size_t rows = (size_t)l->views * (size_t)on->pairs, E = (size_t)width_of(on->tape, on->values.embedding);
    float *host = xalloc(rows * E, sizeof *host);
    double *sum = xalloc(2 * E, sizeof *sum), *squares = sum + E, all = 0;
    tape_get(on->tape, on->values.embedding, host);
    for (size_t n = 0; n < rows; n++) {
        double length = 0;
        for (size_t k = 0; k < E; k++)
            length += (double)host[n * E + k] * (double)host[n * E + k];
        for (size_t k = 0; length > 0 && k < E; k++) {
            double x = (double)host[n * E + k] / sqrt(length);
            sum[k] += x;
            squares[k] += x * x;
        }
    }
    for (size_t k = 0; k < E; k++)
        all += sqrt(fmax(0, squares[k] / (double)rows - sum[k] / (double)rows * (sum[k] / (double)rows)));
    free(host);
    free(sum);
    return all / sqrt((double)E);
}
