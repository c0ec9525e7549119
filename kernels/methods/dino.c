/* SPDX-License-Identifier: Apache-2.0 */
/* dino -- a student of all views against a centred, sharpened teacher of the first two.   kernels/methods
 *
 * Head: the projection's outputs (64) by length, then a last layer whose rows have length 1 ("prototypes.weight": brought back to it after
 * a step, where Lightly learns directions of a weight norm). t = softmax((teacher - centre) / tau_t), s = log softmax(student / tau_s);
 * the mean over boxes and over every teacher's view with every other student's of -t s. The centre follows the mean of the teacher's
 * outputs, the teacher the student. Local crops (views 3 to V) are the student's alone. */
#include "kernels/methods/contrast.h"
#include "kernels/methods/crossed.h"
#include "kernels/methods/teacher.h"
#include <math.h>
#include <stdlib.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/dino.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/dino.def"
#undef SETTING
    {0},
};

/* target(V N,K); q, sharp(2 N,K); by row: minus one, one of 2 N; by column: 1 / tau_t, crossed_share's; mean(K); zeros like the last
 * layer; two numbers: how far the centre follows, whether the last layer is frozen */
struct parts {
    float *target, *q, *sharp, *minus, *each, *by, *share, *mean, *zeros, *centre_rate, *frozen;
};

static size_t outputs(const struct learner *l)
{
    return (size_t)((const struct own *)l->settings)->dino_outputs;
}

static size_t layer_floats(const struct learner *l)
{
    return outputs(l) * (size_t)network_outputs(&l->network);
}

static struct parts parts_of(const struct learner *l)
{
    struct parts p;
    size_t N = (size_t)l->most, K = outputs(l);
    p.target = l->work;
    p.q = p.target + (size_t)l->views * N * K;
    p.sharp = p.q + 2 * N * K;
    p.minus = p.sharp + 2 * N * K;
    p.each = p.minus + 2 * N;
    p.by = p.each + 2 * N;
    p.share = p.by + K;
    p.mean = p.share + K;
    p.zeros = p.mean + K;
    p.centre_rate = p.zeros + layer_floats(l);
    p.frozen = p.centre_rate + 1;
    return p;
}

static int dino_open(struct learner *l, struct error *e)
{
    size_t N = (size_t)l->most, K = outputs(l);
    learner_state(l, "centre", 1, (int)K);
    learner_work(l, ((size_t)l->views + 4) * N * K + 4 * N + 3 * K + layer_floats(l) + 2);
    return losses_there(l, e);
}

static void dino_heads(struct learner *l, struct tape *t, struct network_values *v, bool teacher)
{
    (void)teacher;
    v->z = tape_linear(t, tape_l2norm(t, v->z), "prototypes", (int)outputs(l), false);
}

static void normalise(struct learner *l, struct params *of)
{
    struct param *q = params_find(of, "prototypes.weight");
    l->b->l2norm_forward(l->b, q->value, parts_of(l).mean, q->value, q->dim[0], q->dim[1]);
}

static void dino_begin(struct learner *l)
{
    crossed_share(l, parts_of(l).share, (int)outputs(l));
    normalise(l, l->params);
    normalise(l, l->teacher);
}

static double temperature(const struct own *s, double epoch)
{
    double n = (double)s->dino_warmup_epochs, from = s->dino_warmup_temperature, to = s->dino_teacher_temperature;
    return epoch >= n ? to : n <= 1 ? from : from + (to - from) * floor(epoch) / (n - 1);
}

static void dino_rates(struct learner *l, const struct training_time *at)
{
    const struct own *s = l->settings;
    const struct parts p = parts_of(l);
    size_t K = outputs(l);
    const float two[2] = {(float)(1 - s->dino_centre), at->epoch < (double)s->dino_frozen_epochs ? 1.0f : 0.0f};
    float *by = xalloc(K, sizeof *by);
    for (size_t k = 0; k < K; k++)
        by[k] = (float)(1 / temperature(s, at->epoch));
    l->b->put(l->b, p.by, by, K * sizeof *by);
    l->b->put(l->b, p.centre_rate, two, sizeof two);
    teacher_rate(l, s->dino_momentum, at);
    free(by);
}

static void dino_targets(struct learner *l, const struct batch_facts *f)
{
    size_t R = 2 * (size_t)f->pairs;
    float *host = xalloc(2 * R, sizeof *host), *each = host + R;
    for (size_t i = 0; i < R; i++) {
        host[i] = -1;
        each[i] = 1 / (float)R;
    }
    l->b->put(l->b, parts_of(l).minus, host, R * sizeof *host);
    l->b->put(l->b, parts_of(l).each, each, R * sizeof *each);
    free(host);
}

static void dino_loss(struct learner *l)
{
    const struct own *s = l->settings;
    const struct parts p = parts_of(l);
    struct backend *b = l->b;
    int R = 2 * l->in.pairs, K = l->in.K;
    b->linear_forward(b, p.q, p.minus, l->state[0].data, NULL, R, 1, K); /* -centre in every row */
    b->add(b, p.q, p.q, l->in.teacher, (size_t)R * (size_t)K, ROWS);
    b->scale_forward(b, p.sharp, p.q, p.by, R, K);
    b->softmax(b, p.q, p.sharp, R, K);
    crossed_targets(l, p.target, p.q, p.share, K);
    b->cross_entropy(b, l->in.dz, l->terms, l->in.z, p.target, l->views * l->in.pairs, K,
                     (float)s->dino_student_temperature);
}

static void dino_gradients(struct learner *l)
{
    const struct parts p = parts_of(l);
    l->b->lerp(l->b, params_find(l->params, "prototypes.weight")->grad, p.zeros, layer_floats(l), p.frozen);
}

static void dino_after(struct learner *l)
{
    const struct parts p = parts_of(l);
    struct backend *b = l->b;
    float *centre = l->state[0].data;
    int R = 2 * l->in.pairs, K = l->in.K;
    b->zero(b, p.mean, (size_t)K * sizeof(float));
    b->linear_backward(b, NULL, p.mean, NULL, l->in.teacher, p.each, centre, R, 1, K);
    b->lerp(b, centre, p.mean, (size_t)K, p.centre_rate);
    normalise(l, l->params);
    teacher_follow(l);
    normalise(l, l->teacher);
}

const struct method method_dino = {.name = "dino",
                                   .source = "Caron et al., ICCV 2021; the loss as Lightly 1.5.0",
                                   .help = "the student tells what a sharpened teacher makes of the other views",
                                   .needs = METHOD_TEACHER,
                                   .views = 4,
                                   .least_views = 2,
                                   .most_views = 32,
                                   .teacher_views = 2,
                                   .term = {"distillation"},
                                   .word = {"distil"},
                                   .settings = settings,
                                   .settings_size = sizeof(struct own),
                                   .open = dino_open,
                                   .heads = dino_heads,
                                   .begin = dino_begin,
                                   .rates = dino_rates,
                                   .targets = dino_targets,
                                   .loss = dino_loss,
                                   .gradients = dino_gradients,
                                   .after = dino_after};
