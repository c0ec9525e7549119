/* SPDX-License-Identifier: Apache-2.0 */
/* resnet -- ResNets in three dimensions.   kernels/nets
 *
 *     stem   conv 7^3 (width, stride as told, pad 3) - BN - ReLU - max-pool 3^3/2 pad 1
 *     layer  blocks; widths 1 2 4 8, strides 1 2 2 2
 *     basic       [conv 3^3 - BN - ReLU - conv 3^3 - BN] + shortcut - ReLU
 *     bottleneck  [conv 1^3 - BN - ReLU - conv 3^3 - BN - ReLU - conv 1^3 (4 times as wide) - BN] + shortcut - ReLU
 *     shortcut B: conv 1^3 - BN where the shape changes; the stride is the 3^3 convolution's, the first one's in basic blocks */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"
#include "kernels/nets/shortcut.h"

struct own {
#define SETTING(kind, key, ...) SETTING_FIELD(kind, key)
#include "kernels/nets/resnet.def"
#include "kernels/nets/width.def"
#undef SETTING
};
static const struct setting settings[] = {
#define SETTING(kind, key, groups, argument, low, high, help, value, ...) SETTING_INITIAL(struct own, kind, key, value),
#include "kernels/nets/resnet.def"
#include "kernels/nets/width.def"
#undef SETTING
    {0},
};
BACKBONE_SETTINGS_FIT(struct own);

static const int K1[3] = {1, 1, 1}, K3[3] = {3, 3, 3}, K7[3] = {7, 7, 7};
static const int PAD0[3] = {0, 0, 0}, PAD1[3] = {1, 1, 1}, PAD3[3] = {3, 3, 3};

/* "prefix.convI" and its norm "prefix.bnI" */
static int conv_norm(struct tape *t, int x, const char *prefix, int number, int O, const int kernel[3],
                     const int stride[3], const int pad[3], int residual)
{
    char name[8];
    format_into(name, sizeof name, "conv%d", number);
    x = tape_conv(t, x, part(prefix, name).name, O, kernel, stride, pad);
    format_into(name, sizeof name, "bn%d", number);
    return tape_norm(t, x, part(prefix, name).name, residual, true);
}

static int basic_block(struct tape *t, int x, const char *prefix, int planes, int stride)
{
    const int s[3] = {stride, stride, stride}, one[3] = {1, 1, 1};
    int y = conv_norm(t, x, prefix, 1, planes, K3, s, PAD1, -1);
    y = tape_conv(t, y, part(prefix, "conv2").name, planes, K3, one, PAD1);
    return tape_norm(t, y, part(prefix, "bn2").name, shortcut(t, x, prefix, planes, stride), true);
}

static int bottleneck(struct tape *t, int x, const char *prefix, int planes, int stride)
{
    const int s[3] = {stride, stride, stride}, one[3] = {1, 1, 1};
    int y = conv_norm(t, x, prefix, 1, planes, K1, one, PAD0, -1);
    y = conv_norm(t, y, prefix, 2, planes, K3, s, PAD1, -1);
    return conv_norm(t, y, prefix, 3, 4 * planes, K1, one, PAD0, shortcut(t, x, prefix, 4 * planes, stride));
}

static int check(const void *own, const int box[3], struct error *e)
{
    const struct setting_reals *stride = &((const struct own *)own)->stem_stride;
    (void)box;
    if (stride->count != 3)
        return fail_as(e, EX_CONFIG, "stem_stride has %zu numbers: give three, D,H,W", stride->count);
    for (int a = 0; a < 3; a++)
        if (!(stride->value[a] >= 1 && stride->value[a] <= 4))
            return fail_as(e, EX_CONFIG, "stem stride %g is not in 1 to 4", stride->value[a]);
    return 0;
}

static int embedding(const void *own)
{
    return 8 * (int)((const struct own *)own)->backbone_width;
}
static int embedding_of_bottlenecks(const void *own)
{
    return 4 * embedding(own);
}

static int build(struct tape *t, int box, const char *prefix, const struct own *s, const int blocks[4],
                 int (*block)(struct tape *t, int x, const char *prefix, int planes, int stride))
{
    const int width = (int)s->backbone_width,
              stride[3] = {(int)s->stem_stride.value[0], (int)s->stem_stride.value[1], (int)s->stem_stride.value[2]};
    int x = conv_norm(t, box, prefix, 1, width, K7, stride, PAD3, -1);
    x = tape_maxpool(t, x, 3, 2, 1);
    for (int layer = 0; layer < 4; layer++)
        for (int i = 0; i < blocks[layer]; i++) {
            char name[64];
            format_into(name, sizeof name, "%s.layer%d.%d", prefix, layer + 1, i);
            x = block(t, x, name, width << layer, layer > 0 && i == 0 ? 2 : 1);
        }
    return tape_avgpool(t, x);
}

#define RESNET(depth, what, block, embedding, ...)                                                                     \
    static int build##depth(struct tape *t, int box, const char *prefix, const void *own)                              \
    {                                                                                                                  \
        static const int blocks[4] = {__VA_ARGS__};                                                                    \
        return build(t, box, prefix, own, blocks, block);                                                              \
    }                                                                                                                  \
    const struct backbone backbone_resnet##depth = {                                                                   \
        "resnet" #depth, "He et al., CVPR 2016; MONAI's names", what, "fc", settings, check, embedding, build##depth}
RESNET(10, "basic blocks, one a layer", basic_block, embedding, 1, 1, 1, 1);
RESNET(18, "basic blocks, two a layer", basic_block, embedding, 2, 2, 2, 2);
RESNET(34, "basic blocks, 3, 4, 6 and 3 a layer", basic_block, embedding, 3, 4, 6, 3);
RESNET(50, "bottlenecks, 3, 4, 6 and 3 a layer", bottleneck, embedding_of_bottlenecks, 3, 4, 6, 3);
