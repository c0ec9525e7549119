/* SPDX-License-Identifier: Apache-2.0 */
/* moco -- the teacher's view of the same pair against a bank of older keys.   kernels/methods
 *
 * Both views are queries, each with the teacher's other view as its key: the mean of the two directions. The bank is read before
 * this step's keys, of both views, go into it. */
#include "kernels/methods/contrast.h"
#include "kernels/methods/teacher.h"
#include <stdlib.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/moco.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/moco.def"
#undef SETTING
    {0},
};

enum { QUEUE, QUEUE_AT };

struct parts {
    float *query, *rnorm, *key, *key_rnorm, *dquery, *near, *far, *logits, *dlogits, *target;
};

static size_t most_rows(const struct learner *l)
{
    return 2 * (size_t)l->most;
}

static size_t queue_rows(const struct learner *l)
{
    return (size_t)((const struct own *)l->settings)->moco_queue;
}

/* near: similarities to this step's keys, far: to the bank's; both again as their gradients */
static struct parts parts_of(const struct learner *l)
{
    struct parts p;
    size_t R = most_rows(l), K = (size_t)network_outputs(&l->network), Q = queue_rows(l);
    p.target = l->work;
    p.logits = p.target + R * (R + Q);
    p.dlogits = p.logits + R * (R + Q);
    p.near = p.dlogits + R * (R + Q);
    p.far = p.near + R * R;
    p.query = p.far + R * Q;
    p.key = p.query + R * K;
    p.dquery = p.key + R * K;
    p.rnorm = p.dquery + R * K;
    p.key_rnorm = p.rnorm + R;
    return p;
}

static int moco_open(struct learner *l, struct error *e)
{
    size_t R = most_rows(l), K = (size_t)network_outputs(&l->network), Q = queue_rows(l);
    if (Q < R)
        return fail_as(e, EX_CONFIG, "moco_queue %zu holds not even one batch's %zu keys: raise it, or lower batch", Q,
                       R);
    learner_state(l, "queue", (int)Q, (int)K);
    learner_state(l, "queue_at", 1, 1);
    learner_work(l, 3 * R * (R + Q) + R * R + R * Q + 3 * R * K + 2 * R);
    return losses_there(l, e);
}

/* keys that nothing was learned from yet */
static void moco_begin(struct learner *l)
{
    learner_directions(l, &l->state[QUEUE], 0);
}

/* Of a row: its key 1, the other keys of the step take no part, the bank 0. */
static void moco_targets(struct learner *l, const struct batch_facts *f)
{
    size_t N = (size_t)f->pairs, R = 2 * N, C = R + queue_rows(l);
    float *host = xalloc(R * C, sizeof *host);
    for (size_t i = 0; i < R; i++)
        for (size_t k = 0; k < R; k++)
            host[i * C + k] = k == (i + N) % R ? 1.0f : -1.0f;
    l->b->put(l->b, parts_of(l).target, host, R * C * sizeof *host);
    free(host);
}

static void moco_loss(struct learner *l)
{
    const struct own *s = l->settings;
    struct backend *b = l->b;
    const struct parts p = parts_of(l);
    const float *queue = l->state[QUEUE].data;
    int R = 2 * l->in.pairs, K = l->in.K, Q = (int)s->moco_queue;
    size_t rows = (size_t)R;
    b->l2norm_forward(b, p.query, p.rnorm, l->in.z, R, K);
    b->l2norm_forward(b, p.key, p.key_rnorm, l->in.teacher, R, K);
    b->linear_forward(b, p.near, p.query, p.key, NULL, R, K, R);
    b->linear_forward(b, p.far, p.query, queue, NULL, R, K, Q);
    b->concat_forward(b, p.logits, p.near, p.far, R, R, Q);
    b->cross_entropy(b, p.dlogits, l->terms, p.logits, p.target, R, R + Q, (float)s->moco_temperature);
    b->zero(b, p.near, rows * rows * sizeof(float));
    b->zero(b, p.far, rows * (size_t)Q * sizeof(float));
    b->concat_backward(b, p.near, p.far, p.dlogits, R, R, Q);
    b->zero(b, p.dquery, rows * (size_t)K * sizeof(float));
    b->linear_backward(b, p.dquery, NULL, NULL, p.near, p.query, p.key, R, K, R);
    b->linear_backward(b, p.dquery, NULL, NULL, p.far, p.query, queue, R, K, Q);
    b->zero(b, l->in.dz, rows * (size_t)K * sizeof(float));
    b->l2norm_backward(b, l->in.dz, p.dquery, p.query, p.rnorm, R, K);
}

static void moco_rates(struct learner *l, const struct training_time *at)
{
    teacher_rate(l, ((const struct own *)l->settings)->moco_momentum, at);
}

static void moco_after(struct learner *l)
{
    struct learner_state *q = l->state;
    teacher_follow(l);
    l->b->enqueue(l->b, q[QUEUE].data, q[QUEUE_AT].data, parts_of(l).key, 2 * l->in.pairs, l->in.K, q[QUEUE].rows);
}

const struct method method_moco = {.name = "moco",
                                   .source = "He et al., CVPR 2020; both directions, as Lightly's benchmark",
                                   .help = "each view finds the teacher's other one among a bank of older keys",
                                   .needs = METHOD_TEACHER,
                                   .term = {"contrast"},
                                   .word = {"contrast"},
                                   .settings = settings,
                                   .settings_size = sizeof(struct own),
                                   .open = moco_open,
                                   .begin = moco_begin,
                                   .rates = moco_rates,
                                   .targets = moco_targets,
                                   .loss = moco_loss,
                                   .after = moco_after};
