/* SPDX-License-Identifier: Apache-2.0 */
/* densenet -- DenseNet Var of Tables IV and V: every layer sees all before it.   kernels/nets
 *
 *     stem        conv 7^3/2 pad 3 - BN - ReLU - max-pool 3^3/2 pad 1
 *     layer       x, and beside it [BN - ReLU - conv 1^3 (4 growths) - BN - ReLU - conv 3^3 (a growth)](x)
 *     transition  BN - ReLU - conv 1^3 (half as wide) - mean of 2^3 windows
 *     BN - ReLU - mean over voxels
 * The paper names the network it is a variant of (Kendrick et al., for PSMA PET/CT) and says no more. */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/nets/densenet.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, groups, argument, low, high, help, value, ...) SETTING_INITIAL(struct own, kind, key, value),
#include "kernels/nets/densenet.def"
#undef SETTING
    {0},
};
BACKBONE_SETTINGS_FIT(struct own);

enum { BOTTLENECK = 4, STEM_SIDE = 4 /* a stem quarters the box */ };
static const int K1[3] = {1, 1, 1}, K3[3] = {3, 3, 3}, K7[3] = {7, 7, 7}, S1[3] = {1, 1, 1}, S2[3] = {2, 2, 2};
static const int PAD0[3] = {0, 0, 0}, PAD1[3] = {1, 1, 1}, PAD3[3] = {3, 3, 3};

static int layer(struct tape *t, int x, const char *prefix, int growth)
{
    int y = tape_norm(t, x, part(prefix, "layers.norm1").name, -1, true);
    y = tape_conv(t, y, part(prefix, "layers.conv1").name, BOTTLENECK * growth, K1, S1, PAD0);
    y = tape_norm(t, y, part(prefix, "layers.norm2").name, -1, true);
    return tape_concat(t, x, tape_conv(t, y, part(prefix, "layers.conv2").name, growth, K3, S1, PAD1));
}

static int transition(struct tape *t, int x, const char *prefix)
{
    enum layout layout;
    int C, dim[3];
    tape_value_shape(t, x, &layout, &C, dim);
    x = tape_norm(t, x, part(prefix, "norm").name, -1, true);
    return tape_meanpool(t, tape_conv(t, x, part(prefix, "conv").name, C / 2, K1, S1, PAD0), 2, 2, 0);
}

static int check(const void *own, const int box[3], struct error *e)
{
    const struct own *s = own;
    const struct setting_reals *blocks = &s->densenet_blocks;
    if (blocks->count < 1)
        return fail_as(e, EX_CONFIG, "densenet_blocks names no block: give some, such as 6,12,24");
    for (size_t i = 0; i < blocks->count; i++)
        if (!(blocks->value[i] >= 1))
            return fail_as(e, EX_CONFIG, "a dense block of %g layers is none", blocks->value[i]);
    for (int a = 0; a < 3; a++)
        if (box[a] < STEM_SIDE << (blocks->count - 1))
            return fail_as(e, EX_CONFIG,
                           "densenet_blocks has %zu blocks, but a box of side %d cannot be halved so often",
                           blocks->count, box[a]);
    return s->densenet_width < 2 ? fail_as(e, EX_CONFIG, "densenet_width 1 cannot be halved") : 0;
}

static int embedding(const void *own)
{
    const struct own *s = own;
    int C = (int)s->densenet_width;
    for (size_t i = 0; i < s->densenet_blocks.count; i++) {
        C = i ? C / 2 : C;
        C += (int)s->densenet_blocks.value[i] * (int)s->densenet_growth;
    }
    return C;
}

static int build(struct tape *t, int box, const char *prefix, const void *own)
{
    const struct own *s = own;
    int x = tape_conv(t, box, part(prefix, "features.conv0").name, (int)s->densenet_width, K7, S2, PAD3);
    x = tape_norm(t, x, part(prefix, "features.norm0").name, -1, true);
    x = tape_maxpool(t, x, 3, 2, 1);
    for (int i = 0; i < (int)s->densenet_blocks.count; i++) {
        char name[64];
        if (i) {
            format_into(name, sizeof name, "%s.features.transition%d", prefix, i);
            x = transition(t, x, name);
        }
        for (int k = 0; k < (int)s->densenet_blocks.value[i]; k++) {
            format_into(name, sizeof name, "%s.features.denseblock%d.denselayer%d", prefix, i + 1, k + 1);
            x = layer(t, x, name, (int)s->densenet_growth);
        }
    }
    return tape_avgpool(t, tape_norm(t, x, part(prefix, "features.norm5").name, -1, true));
}

const struct backbone backbone_densenet = {"densenet",
                                           "Huang et al., CVPR 2017; MONAI's DenseNet; the paper's Table IV",
                                           "every layer sees all before it",
                                           "class_layers",
                                           settings,
                                           check,
                                           embedding,
                                           build};
