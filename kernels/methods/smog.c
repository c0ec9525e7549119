/* SPDX-License-Identifier: Apache-2.0 */
/* smog -- synchronous momentum grouping: predict the group the teacher puts the other view in.   kernels/methods
 *
 * e = projection, p = predictor(e) ("predictor.0", .1, .3), t = the teacher's e of the other view. Groups move with this step's e that are
 * nearest to them, g' = beta g + (1 - beta) mean e, and the gradient goes through that; the loss is the cross entropy of cosines of p
 * and g' over tau with t's nearest of g. Both views at once, in each role; Lightly takes turns. */
#include "kernels/methods/contrast.h"
#include "kernels/methods/kmeans.h"
#include "kernels/methods/teacher.h"
#include <stdlib.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/smog.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/smog.def"
#undef SETTING
    {0},
};

enum { GROUPS, BANK, BANK_AT };

/* by length: e, t, p, g, g' ; g', its gradient by length and without; scores, assignments, shares */
struct parts {
    float *e, *t, *p, *dp, *g, *unit, *dunit, *next, *dnext, *scores, *logits, *dlogits, *onehot, *target, *share,
        *rnorm, *one;
};

static size_t groups(const struct learner *l)
{
    return (size_t)((const struct own *)l->settings)->smog_groups;
}

static struct parts parts_of(const struct learner *l)
{
    struct parts x;
    size_t R = 2 * (size_t)l->most, K = (size_t)network_outputs(&l->network), G = groups(l);
    float **rows[] = {&x.e, &x.t, &x.p, &x.dp}, **grouped[] = {&x.g, &x.unit, &x.dunit, &x.next, &x.dnext},
          **scored[] = {&x.scores, &x.logits, &x.dlogits, &x.onehot, &x.target, &x.share};
    float *at = l->work;
    for (size_t i = 0; i < COUNT_OF(rows); i++, at += R * K)
        *rows[i] = at;
    for (size_t i = 0; i < COUNT_OF(grouped); i++, at += G * K)
        *grouped[i] = at;
    for (size_t i = 0; i < COUNT_OF(scored); i++, at += R * G)
        *scored[i] = at;
    x.rnorm = at;
    x.one = at + 4 * R + 2 * G;
    return x;
}

static int smog_open(struct learner *l, struct error *e)
{
    const struct own *s = l->settings;
    size_t R = 2 * (size_t)l->most, K = (size_t)network_outputs(&l->network), G = groups(l), bank = (size_t)s->smog_bank;
    if (bank < R || bank < G || (size_t)s->smog_reset * R < G)
        return fail_as(
            e, EX_CONFIG,
            "smog_bank %zu and smog_reset %lld gather too few of a batch's %zu rows for smog_groups %zu: raise them, "
            "or lower smog_groups",
            bank, (long long)s->smog_reset, R, G);
    learner_state(l, "groups", (int)G, (int)K);
    learner_state(l, "bank", (int)bank, (int)K);
    learner_state(l, "bank_at", 1, 1);
    learner_work(l, 4 * R * K + 5 * G * K + 6 * R * G + 4 * R + 2 * G + 1);
    return losses_there(l, e);
}

static void smog_heads(struct learner *l, struct tape *t, struct network_values *v, bool teacher)
{
    const struct own *s = l->settings;
    if (teacher)
        return;
    v->kept = v->z;
    tape_output(t, v->kept);
    int x = tape_linear(t, v->z, "predictor.0", (int)s->smog_hidden, false);
    x = tape_norm(t, x, "predictor.1", -1, true);
    v->z = tape_linear(t, x, "predictor.3", network_outputs(&l->network), true);
}

static void smog_begin(struct learner *l)
{
    const float one = 1;
    learner_directions(l, &l->state[GROUPS], 0);
    l->b->put(l->b, parts_of(l).one, &one, sizeof one);
}

static void smog_renew(struct learner *l, const struct training_time *at)
{
    const struct own *s = l->settings;
    if (at->step == 0 || at->step % s->smog_reset)
        return;
    kmeans_groups(l, &l->state[GROUPS], &l->state[BANK], (uint64_t)(at->step / s->smog_reset));
    learner_copy_teacher(l);
}

static void smog_rates(struct learner *l, const struct training_time *at)
{
    const float rate = (float)(1 - ((const struct own *)l->settings)->smog_momentum);
    (void)at;
    l->b->put(l->b, l->rate, &rate, sizeof rate);
}

static void smog_loss(struct learner *l)
{
    const struct own *s = l->settings;
    const struct parts x = parts_of(l);
    struct backend *b = l->b;
    const float *own = l->state[GROUPS].data;
    int N = l->in.pairs, R = 2 * N, K = l->in.K, G = (int)groups(l);
    size_t half = (size_t)N * (size_t)G, rows = (size_t)R * (size_t)K * sizeof(float),
           grouped = (size_t)G * (size_t)K * sizeof(float);
    float *rnorm = x.rnorm, *p_rnorm = rnorm + R, *g_rnorm = p_rnorm + R;
    b->l2norm_forward(b, x.g, g_rnorm, own, G, K);
    b->l2norm_forward(b, x.t, rnorm, l->in.teacher, R, K);
    b->linear_forward(b, x.scores, x.t, x.g, NULL, R, K, G);
    b->regroup(b, NULL, NULL, x.target, x.scores + half, NULL, NULL, N, G, K, 0);
    b->regroup(b, NULL, NULL, x.target + half, x.scores, NULL, NULL, N, G, K, 0);
    b->l2norm_forward(b, x.e, rnorm, l->in.kept, R, K);
    b->linear_forward(b, x.scores, x.e, x.g, NULL, R, K, G);
    b->regroup(b, x.next, x.share, x.onehot, x.scores, l->in.kept, own, R, G, K, (float)(1 - s->smog_beta));
    b->l2norm_forward(b, x.unit, g_rnorm, x.next, G, K);
    b->l2norm_forward(b, x.p, p_rnorm, l->in.z, R, K);
    b->linear_forward(b, x.logits, x.p, x.unit, NULL, R, K, G);
    b->cross_entropy(b, x.dlogits, l->terms, x.logits, x.target, R, G, (float)s->smog_temperature);
    b->zero(b, x.dp, rows);
    b->zero(b, x.dunit, grouped);
    b->linear_backward(b, x.dp, x.dunit, NULL, x.dlogits, x.p, x.unit, R, K, G);
    b->zero(b, l->in.dz, rows);
    b->l2norm_backward(b, l->in.dz, x.dp, x.p, p_rnorm, R, K);
    b->zero(b, x.dnext, grouped);
    b->l2norm_backward(b, x.dnext, x.dunit, x.unit, g_rnorm, G, K);
    b->zero(b, l->in.dkept, rows);
    b->linear_backward(b, l->in.dkept, NULL, NULL, x.share, x.e, x.dnext, R, K, G);
}

static void smog_after(struct learner *l)
{
    const struct parts x = parts_of(l);
    struct learner_state *s = l->state;
    l->b->lerp(l->b, s[GROUPS].data, x.next, groups(l) * (size_t)l->in.K, x.one);
    l->b->enqueue(l->b, s[BANK].data, s[BANK_AT].data, l->in.kept, 2 * l->in.pairs, l->in.K, s[BANK].rows);
    teacher_follow(l);
}

const struct method method_smog = {.name = "smog",
                                   .source = "Pang et al., ECCV 2022; groups as Lightly 1.5.0",
                                   .help = "each view predicts the moving group that the teacher finds for the other",
                                   .needs = METHOD_TEACHER,
                                   .term = {"grouping"},
                                   .word = {"grouping"},
                                   .settings = settings,
                                   .settings_size = sizeof(struct own),
                                   .open = smog_open,
                                   .heads = smog_heads,
                                   .begin = smog_begin,
                                   .renew = smog_renew,
                                   .rates = smog_rates,
                                   .loss = smog_loss,
                                   .after = smog_after};
