/* SPDX-License-Identifier: Apache-2.0 */
/* efficientnet -- EfficientNet-B0 in three dimensions: inverted bottlenecks, depthwise, squeezed and excited.   kernels/nets
 *
 *     stem   conv 3^3/2 (32) - BN - SiLU
 *     block  [conv 1^3 (6 times as wide; not in the first) - BN - SiLU - depthwise - BN - SiLU - SE - conv 1^3 - BN - stochastic depth]
 *            + x, where both have one shape
 *     SE     x * sigmoid(conv(SiLU(conv(mean over voxels of x)))), a quarter of the block's input wide inside
 *     head   conv 1^3 (1280) - BN - SiLU - mean over voxels
 * Padding is "same" of the shape at hand: MONAI's EfficientNet with image_size 16 (its EfficientNetBN pads for 224, which leaves a 16^3
 * box too small for its last kernels). Norms have eps 1e-3 and momentum 0.01. */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"
#include <math.h>

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/nets/efficientnet.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, groups, argument, low, high, help, value, ...) SETTING_INITIAL(struct own, kind, key, value),
#include "kernels/nets/efficientnet.def"
#undef SETTING
    {0},
};
BACKBONE_SETTINGS_FIT(struct own);

/* a stage: its blocks, of which the first has the stride */
static const struct stage {
    int repeat, kernel, stride, expand, in, out;
} STAGES[] = {
    {1, 3, 1, 1, 32, 16},  {2, 3, 2, 6, 16, 24},   {2, 5, 2, 6, 24, 40},   {3, 3, 2, 6, 40, 80},
    {3, 5, 1, 6, 80, 112}, {4, 5, 2, 6, 112, 192}, {1, 3, 1, 6, 192, 320},
};
enum { BLOCKS = 16, STEM = 32, HEAD = 1280, EIGHT = 8 };

static int width_of(int channels, const struct own *s)
{
    double wanted = channels * s->efficientnet_width;
    int rounded = (int)(wanted + EIGHT / 2.0) / EIGHT * EIGHT;
    rounded = rounded < EIGHT ? EIGHT : rounded;
    return rounded < 0.9 * wanted ? rounded + EIGHT : rounded; /* never more than a tenth less */
}

static int conv(struct tape *t, int x, const char *name, int O, int kernel, int stride, int groups)
{
    return tape_conv_of(t, x, name,
                        &(struct tape_conv_shape){.O = O,
                                                  .kernel = {kernel, kernel, kernel},
                                                  .stride = {stride, stride, stride},
                                                  .groups = groups,
                                                  .same = true});
}

static int norm(struct tape *t, int x, const char *name, bool silu)
{
    x = tape_norm_of(t, x, name, &(struct tape_norm_shape){.residual = -1, .eps = 1e-3, .momentum = 0.01});
    return silu ? tape_silu(t, x) : x;
}

static int excite(struct tape *t, int x, const char *prefix, int C, int inside)
{
    int s = tape_linear_conv(t, tape_avgpool(t, x), part(prefix, "_se_reduce").name, inside, true);
    s = tape_linear_conv(t, tape_silu(t, s), part(prefix, "_se_expand").name, C, true);
    return tape_gate(t, x, tape_sigmoid(t, s));
}

static int block(struct tape *t, int x, const char *prefix, const struct stage *g, int in, int out, int stride,
                 float drop)
{
    const int wide = in * g->expand, inside = in / 4 < 1 ? 1 : in / 4;
    int y = x;
    if (g->expand > 1)
        y = norm(t, conv(t, y, part(prefix, "_expand_conv").name, wide, 1, 1, 1), part(prefix, "_bn0").name, true);
    y = conv(t, y, part(prefix, "_depthwise_conv").name, wide, g->kernel, stride, wide);
    y = norm(t, y, part(prefix, "_bn1").name, true);
    y = excite(t, y, prefix, wide, inside);
    y = norm(t, conv(t, y, part(prefix, "_project_conv").name, out, 1, 1, 1), part(prefix, "_bn2").name, false);
    if (stride > 1 || in != out)
        return y;
    return tape_add(t, drop > 0 ? tape_droppath(t, y, drop) : y, x);
}

static int embedding(const void *own)
{
    return width_of(HEAD, own);
}

static int build(struct tape *t, int box, const char *prefix, const void *own)
{
    const struct own *s = own;
    int number = 0, x = conv(t, box, part(prefix, "_conv_stem").name, width_of(STEM, s), 3, 2, 1);
    x = norm(t, x, part(prefix, "_bn0").name, true);
    for (int stage = 0; stage < (int)COUNT_OF(STAGES); stage++)
        for (int i = 0; i < STAGES[stage].repeat; i++, number++) {
            const struct stage *g = &STAGES[stage];
            const int out = width_of(g->out, s);
            char name[64];
            format_into(name, sizeof name, "%s._blocks.%d.%d", prefix, stage, number);
            x = block(t, x, name, g, i ? out : width_of(g->in, s), out, i ? 1 : g->stride,
                      (float)(s->efficientnet_drop * number / BLOCKS));
        }
    x = conv(t, x, part(prefix, "_conv_head").name, width_of(HEAD, s), 1, 1, 1);
    return tape_avgpool(t, norm(t, x, part(prefix, "_bn1").name, true));
}

const struct backbone backbone_efficientnet_b0 = {"efficientnet_b0",
                                                  "Tan and Le, ICML 2019; MONAI's EfficientNet",
                                                  "inverted bottlenecks, depthwise",
                                                  "_fc",
                                                  settings,
                                                  NULL,
                                                  embedding,
                                                  build};
