/* SPDX-License-Identifier: Apache-2.0 */
/* swav -- each view tells the prototypes the other one was given.   kernels/methods
 *
 * Scores: z / |z| times prototypes of length 1 ("prototypes.weight"). A view's assignments are Sinkhorn's of its scores, without a
 * gradient; the other view's softmax is held to them. After a step prototypes get their length back. */
#include "kernels/methods/contrast.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/swav.def"
#undef SETTING
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

static int swav_open(struct learner *l, struct error *e)
{
    learner_work(l, 2 * (size_t)l->most * prototypes(l) + prototypes(l));
    return losses_there(l, e);
}

static void swav_heads(struct learner *l, struct tape *t, struct network_values *v, bool teacher)
{
    (void)teacher;
    v->z = tape_linear(t, tape_l2norm(t, v->z), "prototypes", (int)prototypes(l), false);
}

static void normalise(struct learner *l)
{
    struct param *q = params_find(l->params, "prototypes.weight");
    float *rnorm = l->work + 2 * (size_t)l->most * prototypes(l);
    l->b->l2norm_forward(l->b, q->value, rnorm, q->value, q->dim[0], q->dim[1]);
}

static void swav_loss(struct learner *l)
{
    const struct own *s = l->settings;
    struct backend *b = l->b;
    int N = l->in.pairs, K = l->in.K;
    float *target = l->work;
    size_t half = (size_t)N * (size_t)K;
    b->sinkhorn(b, target, l->in.z + half, N, K, (float)s->swav_epsilon, (int)s->swav_rounds);
    b->sinkhorn(b, target + half, l->in.z, N, K, (float)s->swav_epsilon, (int)s->swav_rounds);
    b->cross_entropy(b, l->in.dz, l->terms, l->in.z, target, 2 * N, K, (float)s->swav_temperature);
}

const struct method method_swav = {.name = "swav",
                                   .source = "Caron et al., NeurIPS 2020; as Lightly 1.5.0, two views, no queue",
                                   .help = "each view tells which prototypes the other was given",
                                   .term = {"swapped"},
                                   .word = {"swapped"},
                                   .settings = settings,
                                   .settings_size = sizeof(struct own),
                                   .open = swav_open,
                                   .heads = swav_heads,
                                   .begin = normalise,
                                   .loss = swav_loss,
                                   .after = normalise};
