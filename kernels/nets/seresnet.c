/* SPDX-License-Identifier: Apache-2.0 */
/* seresnet -- SE-ResNet50 in three dimensions: bottlenecks whose channels are weighed.   kernels/nets
 *
 *     stem   conv 7^3/2 pad 3 - BN - ReLU - max-pool 3^3/2, the last window past the edge
 *     block  [conv 1^3 (the stride) - BN - ReLU - conv 3^3 - BN - ReLU - conv 1^3 (4 times as wide) - BN - SE] + shortcut - ReLU
 *     SE     x * sigmoid(Linear(ReLU(Linear(mean over voxels of x)))), a sixteenth as wide inside
 *     shortcut: conv 1^3 - BN where the shape changes */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/nets/width.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, groups, argument, low, high, help, value, ...) SETTING_INITIAL(struct own, kind, key, value),
#include "kernels/nets/width.def"
#undef SETTING
    {0},
};
BACKBONE_SETTINGS_FIT(struct own);

enum { REDUCTION = 16 };
static const int K1[3] = {1, 1, 1}, K3[3] = {3, 3, 3}, K7[3] = {7, 7, 7}, S2[3] = {2, 2, 2};
static const int PAD0[3] = {0, 0, 0}, PAD1[3] = {1, 1, 1}, PAD3[3] = {3, 3, 3};

/* "prefix.conv" and its norm "prefix.adn.N" */
static int conv_norm(struct tape *t, int x, const char *prefix, int O, const int kernel[3], int stride,
                     const int pad[3], bool relu)
{
    const int s[3] = {stride, stride, stride};
    x = tape_conv(t, x, part(prefix, "conv").name, O, kernel, s, pad);
    return tape_norm(t, x, part(prefix, "adn.N").name, -1, relu);
}

static int excite(struct tape *t, int x, const char *prefix, int C)
{
    int s = tape_linear(t, tape_avgpool(t, x), part(prefix, "fc.0").name, C / REDUCTION, true);
    s = tape_linear(t, tape_relu(t, s), part(prefix, "fc.2").name, C, true);
    return tape_gate(t, x, tape_sigmoid(t, s));
}

static int block(struct tape *t, int x, const char *prefix, int planes, int stride)
{
    enum layout layout;
    int C, dim[3], O = 4 * planes;
    tape_value_shape(t, x, &layout, &C, dim);
    int y = conv_norm(t, x, part(prefix, "conv1").name, planes, K1, stride, PAD0, true);
    y = conv_norm(t, y, part(prefix, "conv2").name, planes, K3, 1, PAD1, true);
    y = conv_norm(t, y, part(prefix, "conv3").name, O, K1, 1, PAD0, false);
    y = excite(t, y, part(prefix, "se_layer").name, O);
    if (stride != 1 || C != O)
        x = conv_norm(t, x, part(prefix, "project").name, O, K1, stride, PAD0, false);
    return tape_relu(t, tape_add(t, y, x));
}

static int check(const void *own, const int box[3], struct error *e)
{
    const int64_t width = ((const struct own *)own)->backbone_width;
    (void)box;
    return 4 * width < REDUCTION ? fail_as(e, EX_CONFIG, "backbone_width %lld leaves nothing to squeeze to: at least %d",
                                           (long long)width, REDUCTION / 4)
                                 : 0;
}

static int embedding(const void *own)
{
    return 32 * (int)((const struct own *)own)->backbone_width;
}

static int build(struct tape *t, int box, const char *prefix, const void *own)
{
    static const int blocks[4] = {3, 4, 6, 3};
    const int width = (int)((const struct own *)own)->backbone_width;
    int x = tape_conv(t, box, part(prefix, "layer0.conv1").name, width, K7, S2, PAD3);
    x = tape_norm(t, x, part(prefix, "layer0.bn1").name, -1, true);
    x = tape_maxpool_ceil(t, x, 3, 2, 0);
    for (int layer = 0; layer < 4; layer++)
        for (int i = 0; i < blocks[layer]; i++) {
            char name[64];
            format_into(name, sizeof name, "%s.layer%d.%d", prefix, layer + 1, i);
            x = block(t, x, name, width << layer, layer > 0 && i == 0 ? 2 : 1);
        }
    return tape_avgpool(t, x);
}

const struct backbone backbone_seresnet50 = {"seresnet50",
                                             "Hu et al., CVPR 2018; MONAI's SEResNet50",
                                             "bottlenecks whose channels are weighed",
                                             "last_linear",
                                             settings,
                                             check,
                                             embedding,
                                             build};
