/* SPDX-License-Identifier: Apache-2.0 */
/* byol -- predict what the teacher makes of the other view.   kernels/methods
 *
 * z -> Linear(H, no bias), BN, ReLU, Linear(K) -> p: "predictor.0", .1, .3. Loss: |p/|p| - t/|t||^2 = 2 - 2 cos, mean over pairs, of
 * both directions in sum (Lightly's negative cosine similarity, halved, is c: this is 4 + 4 c). */
#include "kernels/methods/contrast.h"
#include "kernels/methods/teacher.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/byol.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/byol.def"
#undef SETTING
    {0},
};

static int byol_open(struct learner *l, struct error *e)
{
    size_t rows = 2 * (size_t)l->most, K = (size_t)network_outputs(&l->network);
    learner_work(l, 3 * rows * K + 2 * rows);
    return losses_there(l, e);
}

static void byol_heads(struct learner *l, struct tape *t, struct network_values *v, bool teacher)
{
    const struct own *s = l->settings;
    if (teacher)
        return;
    int x = tape_linear(t, v->z, "predictor.0", (int)s->byol_hidden, false);
    x = tape_norm(t, x, "predictor.1", -1, true);
    v->z = tape_linear(t, x, "predictor.3", network_outputs(&l->network), true);
}

static void byol_loss(struct learner *l)
{
    struct backend *b = l->b;
    int N = l->in.pairs, R = 2 * N, K = l->in.K;
    size_t half = (size_t)N * (size_t)K;
    float *p = l->work, *t = p + 2 * half, *dp = t + 2 * half, *rnorm = dp + 2 * half, *t_rnorm = rnorm + R;
    b->l2norm_forward(b, p, rnorm, l->in.z, R, K);
    b->l2norm_forward(b, t, t_rnorm, l->in.teacher, R, K);
    b->squares(b, dp, l->terms, p, t + half, half, 1 / (float)N);
    b->squares(b, dp + half, l->terms + 1, p + half, t, half, 1 / (float)N);
    b->zero(b, l->in.dz, 2 * half * sizeof(float));
    b->l2norm_backward(b, l->in.dz, dp, p, rnorm, R, K);
}

static void byol_rates(struct learner *l, const struct training_time *at)
{
    teacher_rate(l, ((const struct own *)l->settings)->byol_momentum, at);
}

const struct method method_byol = {.name = "byol",
                                   .source = "Grill et al., NeurIPS 2020, equation 2",
                                   .help = "each view predicts what a slowly following teacher makes of the other",
                                   .needs = METHOD_TEACHER,
                                   .term = {"view1", "view2"},
                                   .word = {"view1", "view2"},
                                   .settings = settings,
                                   .settings_size = sizeof(struct own),
                                   .open = byol_open,
                                   .heads = byol_heads,
                                   .rates = byol_rates,
                                   .loss = byol_loss,
                                   .after = teacher_follow};
