/* SPDX-License-Identifier: Apache-2.0 */
/* swav -- each view tells the prototypes the first two were given.   kernels/methods
 *
 * Scores: z / |z| times prototypes of length 1 ("prototypes.weight"). A view's assignments are Sinkhorn's of its scores, without a
 * gradient; the other views' softmax is held to them. Local crops (views 3 to V) are held to both. After a step prototypes get their
 * length back. With a queue, features of steps before are assigned along with the batch's, so that each prototype gets its share. */
#include "kernels/methods/contrast.h"
#include "kernels/methods/crossed.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/swav.def"
#undef SETTING
    bool queue_on;
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/swav.def"
#undef SETTING
    {0},
};

static size_t prototypes(const struct learner *l)
{
    return (size_t)((const struct own *)l->settings)->swav_prototypes;
}

enum { QUEUE1, QUEUE2, AT1, AT2 };

static size_t queue_rows(const struct learner *l)
{
    return (size_t)((const struct own *)l->settings)->swav_queue;
}

/* target(V N,P) and q(2 N,P); by prototype: lengths, shares; scores and assignments of a view and its queue(N + Q,P) */
struct parts {
    float *target, *q, *rnorm, *share, *scores, *stacked;
};

static struct parts parts_of(const struct learner *l)
{
    struct parts x;
    size_t N = (size_t)l->most, P = prototypes(l), Q = queue_rows(l);
    x.target = l->work;
    x.q = x.target + (size_t)l->views * N * P;
    x.rnorm = x.q + 2 * N * P;
    x.share = x.rnorm + P;
    x.scores = x.share + P;
    x.stacked = x.scores + (N + Q) * P;
    return x;
}

static int swav_open(struct learner *l, struct error *e)
{
    size_t N = (size_t)l->most, P = prototypes(l), Q = queue_rows(l);
    int K = network_outputs(&l->network);
    if (Q && Q < N)
        return fail_as(e, EX_CONFIG,
                       "swav_queue %zu holds not even one batch's %zu pairs: raise it, lower batch, or give 0", Q, N);
    if (Q) {
        learner_state(l, "queue1", (int)Q, K);
        learner_state(l, "queue2", (int)Q, K);
        learner_state(l, "queue1_at", 1, 1);
        learner_state(l, "queue2_at", 1, 1);
    }
    learner_work(l, ((size_t)l->views + 2) * N * P + 2 * P + (Q ? 2 * (N + Q) * P : 0));
    return losses_there(l, e);
}

static void swav_heads(struct learner *l, struct tape *t, struct network_values *v, bool teacher)
{
    (void)teacher;
    v->kept = tape_l2norm(t, v->z);
    v->z = tape_linear(t, v->kept, "prototypes", (int)prototypes(l), false);
}

static void normalise(struct learner *l)
{
    struct param *q = params_find(l->params, "prototypes.weight");
    l->b->l2norm_forward(l->b, q->value, parts_of(l).rnorm, q->value, q->dim[0], q->dim[1]);
}

static void swav_begin(struct learner *l)
{
    normalise(l);
    crossed_share(l, parts_of(l).share, (int)prototypes(l));
    for (int i = QUEUE1; i <= QUEUE2 && queue_rows(l); i++)
        learner_directions(l, &l->state[i], (uint64_t)i);
}

static void swav_rates(struct learner *l, const struct training_time *at)
{
    struct own *s = l->settings;
    bool on = s->swav_queue && at->epoch >= (double)s->swav_queue_epochs;
    if (on != s->queue_on)
        learner_forget(l);
    s->queue_on = on;
}

/* Assignments of view i, of its queue, too, to q. */
static void assign(struct learner *l, float *q, size_t i)
{
    const struct own *s = l->settings;
    struct backend *b = l->b;
    const struct parts x = parts_of(l);
    int N = l->in.pairs, P = l->in.K, K = l->in.kept_K, Q = (int)s->swav_queue;
    size_t half = (size_t)N * (size_t)P;
    const float *weight = params_find(l->params, "prototypes.weight")->value;
    if (!s->queue_on) {
        b->sinkhorn(b, q, l->in.z + i * half, N, P, (float)s->swav_epsilon, (int)s->swav_rounds);
        return;
    }
    b->linear_forward(b, x.scores, l->in.kept + i * (size_t)N * (size_t)K, weight, NULL, N, K, P);
    b->linear_forward(b, x.scores + half, l->state[i].data, weight, NULL, Q, K, P);
    b->sinkhorn(b, x.stacked, x.scores, N + Q, P, (float)s->swav_epsilon, (int)s->swav_rounds);
    b->zero(b, q, half * sizeof *q);
    b->add(b, q, q, x.stacked, half, ROWS);
}

static void swav_loss(struct learner *l)
{
    const struct parts x = parts_of(l);
    size_t half = (size_t)l->in.pairs * (size_t)l->in.K;
    bool two = l->views == 2; /* then each is the other's target, and nothing is to be weighed */
    assign(l, two ? x.target + half : x.q, 0);
    assign(l, two ? x.target : x.q + half, 1);
    if (!two)
        crossed_targets(l, x.target, x.q, x.share, l->in.K);
    l->b->cross_entropy(l->b, l->in.dz, l->terms, l->in.z, x.target, l->views * l->in.pairs, l->in.K,
                        (float)((const struct own *)l->settings)->swav_temperature);
}

static void swav_after(struct learner *l)
{
    struct learner_state *s = l->state;
    size_t half = (size_t)l->in.pairs * (size_t)l->in.kept_K;
    normalise(l);
    for (size_t i = QUEUE1; i <= QUEUE2 && queue_rows(l); i++)
        l->b->enqueue(l->b, s[i].data, s[AT1 + i].data, l->in.kept + i * half, l->in.pairs, l->in.kept_K, s[i].rows);
}

const struct method method_swav = {.name = "swav",
                                   .source = "Caron et al., NeurIPS 2020; as Lightly 1.5.0",
                                   .least_views = 2,
                                   .most_views = 32,
                                   .help = "each view tells which prototypes the other was given",
                                   .term = {"swapped"},
                                   .word = {"swapped"},
                                   .settings = settings,
                                   .settings_size = sizeof(struct own),
                                   .open = swav_open,
                                   .heads = swav_heads,
                                   .begin = swav_begin,
                                   .rates = swav_rates,
                                   .loss = swav_loss,
                                   .after = swav_after};
