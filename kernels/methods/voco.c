/* SPDX-License-Identifier: Apache-2.0 */
/* voco -- where in the box a crop is from, told by its likeness to the box's octants; and supervised, its class, too.   kernels/methods
 *
 * Views (VIEWS_GRID): random crops of half the box's side, then the eight octants, all resampled to 16^3 and of one set of batch
 * statistics. y_j: the share of the crop that lies in octant j; l_j = max(cosine(crop, octant j), 0), octants without gradient.
 *     prediction     mean over crops and octants of -log(1 - |y - l| + 1e-6)                 (equation 3)
 *     regularisation mean over pairs of octants of one box of |cosine|                       (equation 4), as it counts in the loss
 *     class          supervised: cross entropy of a linear layer on the embedding ("predictor.class"), boxes of unknown class left out.
 * The authors' supervision segments the volume; a box here is of one region, so its class is what there is to say. */
#include "kernels/methods/contrast.h"
#include <stdlib.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/voco.def"
#include "kernels/methods/voco_supervised.def"
#undef SETTING
};
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
static const struct setting settings[] = {
#include "kernels/methods/voco.def"
    {0},
};
static const struct setting supervised_settings[] = {
#include "kernels/methods/voco.def"
#include "kernels/methods/voco_supervised.def"
    {0},
};
#undef SETTING
enum { OCTANTS = 8, SIDE = 8, WINDOW = 5 };

struct parts {
    float *target, *cosine, *dcosine, *unit, *dunit, *rnorm, *class;
};

static struct parts parts_of(const struct learner *l)
{
    struct parts p;
    size_t R = (size_t)(l->views * l->most), K = (size_t)network_outputs(&l->network);
    p.target = l->work;
    p.cosine = p.target + R * R;
    p.dcosine = p.cosine + R * R;
    p.unit = p.dcosine + R * R;
    p.dunit = p.unit + R * K;
    p.rnorm = p.dunit + R * K;
    p.class = p.rnorm + R;
    return p;
}

static int voco_open(struct learner *l, struct error *e)
{
    size_t R = (size_t)(l->views * l->most), K = (size_t)network_outputs(&l->network);
    learner_work(l, 3 * R * R + 2 * R * K + R + R * NETWORK_CLASSES);
    return losses_there(l, e);
}

static void voco_supervised_heads(struct learner *l, struct tape *t, struct network_values *v, bool teacher)
{
    (void)l;
    (void)teacher;
    v->kept = tape_linear(t, v->embedding, "predictor.class", NETWORK_CLASSES, true);
    tape_output(t, v->kept);
    tape_output(t, v->z);
}

/* the share of a window of half a side that lies in octant j */
static float overlap(const int32_t *window, size_t j)
{
    double share = 1;
    for (size_t a = 0; a < 3; a++) {
        double inside = j >> (2 - a) & 1 ? window[a] : SIDE - window[a];
        share *= inside / SIDE;
    }
    return (float)share;
}

static void voco_targets(struct learner *l, const struct batch_facts *f)
{
    size_t N = (size_t)f->pairs, V = (size_t)f->views, R = V * N, crops = V - OCTANTS;
    float *host = xalloc(R * R, sizeof *host), *class = xalloc(R * NETWORK_CLASSES, sizeof *class);
    const struct own *s = l->settings;
    for (size_t i = 0; i < R * R; i++)
        host[i] = -1;
    for (size_t n = 0; n < N; n++)
        for (size_t v = 0; v < V; v++)
            for (size_t j = 0; j < OCTANTS; j++)
                if (v != crops + j)
                    host[(v * N + n) * R + (crops + j) * N + n] =
                        v < crops ? overlap(f->window + (v * N + n) * WINDOW, j) : -2;
    for (size_t i = 0; i < R && f->label; i++)
        if (f->label[i] >= 0)
            class[i * NETWORK_CLASSES + (size_t)f->label[i]] = (float)s->voco_class;
    l->b->put(l->b, parts_of(l).target, host, R * R * sizeof *host);
    l->b->put(l->b, parts_of(l).class, class, R * NETWORK_CLASSES * sizeof *class);
    free(host);
    free(class);
}

static void voco_loss(struct learner *l)
{
    const struct own *s = l->settings;
    const struct parts p = parts_of(l);
    struct backend *b = l->b;
    int N = l->in.pairs, R = l->views * N, K = l->in.K, crops = l->views - OCTANTS;
    const float scale[2] = {1 / (float)(N * crops * OCTANTS),
                            (float)s->voco_regularisation / (float)(N * OCTANTS * (OCTANTS - 1) / 2)};
    size_t bytes = (size_t)R * (size_t)K * sizeof(float);
    b->l2norm_forward(b, p.unit, p.rnorm, l->in.z, R, K);
    b->linear_forward(b, p.cosine, p.unit, p.unit, NULL, R, K, R);
    b->overlap(b, p.dcosine, l->terms, p.cosine, p.target, R, R, scale);
    b->zero(b, p.dunit, bytes);
    b->linear_backward(b, p.dunit, NULL, NULL, p.dcosine, p.unit, p.unit, R, K, R);
    b->zero(b, l->in.dz, bytes);
    b->l2norm_backward(b, l->in.dz, p.dunit, p.unit, p.rnorm, R, K);
    if (l->in.kept)
        b->cross_entropy(b, l->in.dkept, l->terms + 2, l->in.kept, p.class, R, NETWORK_CLASSES, 1);
}

#define SHARED                                                                                                         \
    .settings_size = sizeof(struct own), .open = voco_open, .targets = voco_targets, .loss = voco_loss,                \
    .views = OCTANTS + 2, .least_views = OCTANTS + 1, .most_views = 32, .statistics = 1
const struct method method_voco = {
    .name = "voco",
    .source = "Wu et al., CVPR 2024, equations 3 and 4; octants of a box in place of a volume's blocks",
    .help = "crops tell by likeness to the octants of a box where they are from",
    .needs = METHOD_GRID,
    .term = {"prediction", "regularisation"},
    .word = {"pred", "reg"},
    .settings = settings,
    SHARED};
const struct method method_voco_supervised = {.name = "voco_supervised",
                                              .source = "as voco, with the classes of boxes in place of a segmentation",
                                              .help = "volume contrast, and the class of every crop",
                                              .needs = METHOD_GRID | METHOD_LABELS,
                                              .term = {"prediction", "regularisation", "class"},
                                              .word = {"pred", "reg", "class"},
                                              .settings = supervised_settings,
                                              .heads = voco_supervised_heads,
                                              SHARED};
