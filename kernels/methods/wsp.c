/* SPDX-License-Identifier: Apache-2.0 */
/* wsp -- weakly supervised positional contrastive: slices of one class, the more alike the nearer their heights.   kernels/methods
 *
 * Mean over the 2N views i of -sum_k w_ik log softmax_k(z_i z_k / tau), w_ik in proportion to [class i = class k] exp(-(h_i - h_k)^2 /
 * (2 sigma^2)), k other than i, 1 in all. h: the region's centroid in the body plus where the slice lies in its box; without box_slices
 * (a box is a volume) the centroid's. A box of unknown class has its pair's other view alone. The authors' loss is twice this. */
#include "kernels/methods/contrast.h"
#include <math.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/methods/wsp.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, ...) SETTING_ROW(struct own, kind, key),
#include "kernels/methods/wsp.def"
#undef SETTING
    {0},
};

static double height(const struct own *s, const struct batch_facts *f, size_t i)
{
    const int32_t slice = f->window ? f->window[i * 5 + 4] : -1;
    return (double)f->position[i * NETWORK_POSITION] + (slice < 0 ? 0 : ((double)slice - 7.5) * s->wsp_spacing);
}

static double like(const struct batch_facts *f, size_t i, size_t k, const void *context)
{
    const struct own *s = context;
    if (!f->label || f->label[i] < 0 || f->label[i] != f->label[k])
        return k == (i + (size_t)f->pairs) % (2 * (size_t)f->pairs);
    double d = (height(s, f, i) - height(s, f, k)) / s->wsp_sigma;
    return exp(-d * d / 2);
}

static void wsp_targets(struct learner *l, const struct batch_facts *f)
{
    contrast_targets_by(l, f, like, l->settings);
}

static void wsp_loss(struct learner *l)
{
    contrast_loss(l, ((const struct own *)l->settings)->wsp_temperature);
}

const struct method method_wsp = {.name = "wsp",
                                  .source = "Sarfati et al., MICCAI 2023, their loss; slices by box_slices",
                                  .help = "slices of one class find each other, the nearer in the body the more",
                                  .needs = METHOD_LABELS | METHOD_POSITIONS,
                                  .term = {"contrast"},
                                  .word = {"contrast"},
                                  .settings = settings,
                                  .settings_size = sizeof(struct own),
                                  .open = contrast_open,
                                  .targets = wsp_targets,
                                  .loss = wsp_loss};
