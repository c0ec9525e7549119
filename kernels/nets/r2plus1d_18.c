/* SPDX-License-Identifier: Apache-2.0 */
/* r2plus1d_18 -- R(2+1)D: a residual network whose 3^3 convolutions are one in the plane and one along the axis.   kernels/nets
 *
 *     stem      conv 1x7x7 / (1,2,2) pad (0,3,3) (45 of 64 wide) - BN - ReLU - conv 3x1x1 pad (1,0,0) - BN - ReLU
 *     layer     two blocks; widths 1 2 4 8, strides 1 2 2 2
 *     block     [split - BN - ReLU - split - BN] + shortcut - ReLU
 *     split     conv 1x3x3 (stride in the plane, pad 1, M wide) - BN - ReLU - conv 3x1x1 (stride along the axis, pad 1),
 *               M = 27 I O / (9 I + 3 O), rounded down: about as many weights as a 3^3 convolution from I to O has; both splits of a block have
 *               its first one's
 *     shortcut  conv 1^3 - BN where the shape changes */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"
#include "kernels/nets/shortcut.h"

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

enum { WIDTH = 64, STEM = 45 /* of them, between the stem's two convolutions */ };
static const int PLANE[3] = {1, 3, 3}, PLANE_PAD[3] = {0, 1, 1}, AXIS[3] = {3, 1, 1}, AXIS_PAD[3] = {1, 0, 0},
                 K1[3] = {1, 1, 1};

static int split(struct tape *t, int x, const char *prefix, int between, int O, int stride)
{
    x = tape_conv(t, x, part(prefix, "0").name, between, PLANE, (const int[3]){1, stride, stride}, PLANE_PAD);
    x = tape_norm(t, x, part(prefix, "1").name, -1, true);
    return tape_conv(t, x, part(prefix, "3").name, O, AXIS, (const int[3]){stride, 1, 1}, AXIS_PAD);
}

static int block(struct tape *t, int x, const char *prefix, int O, int stride)
{
    enum layout layout;
    int C, dim[3];
    tape_value_shape(t, x, &layout, &C, dim);
    const int between = C * O * 27 / (C * 9 + 3 * O);
    int y = split(t, x, part(prefix, "conv1.0").name, between, O, stride);
    y = tape_norm(t, y, part(prefix, "conv1.1").name, -1, true);
    y = split(t, y, part(prefix, "conv2.0").name, between, O, 1);
    return tape_norm(t, y, part(prefix, "conv2.1").name, shortcut(t, x, prefix, O, stride), true);
}

static int stem_between(int width)
{
    return width * STEM < WIDTH ? 1 : width * STEM / WIDTH;
}

static int embedding(const void *own)
{
    return 8 * (int)((const struct own *)own)->backbone_width;
}

static int build(struct tape *t, int box, const char *prefix, const void *own)
{
    const int width = (int)((const struct own *)own)->backbone_width;
    int x = tape_conv(t, box, part(prefix, "stem.0").name, stem_between(width), (const int[3]){1, 7, 7},
                      (const int[3]){1, 2, 2}, (const int[3]){0, 3, 3});
    x = tape_norm(t, x, part(prefix, "stem.1").name, -1, true);
    x = tape_conv(t, x, part(prefix, "stem.3").name, width, AXIS, K1, AXIS_PAD);
    x = tape_norm(t, x, part(prefix, "stem.4").name, -1, true);
    for (int layer = 0; layer < 4; layer++)
        for (int i = 0; i < 2; i++) {
            char name[64];
            format_into(name, sizeof name, "%s.layer%d.%d", prefix, layer + 1, i);
            x = block(t, x, name, width << layer, layer > 0 && i == 0 ? 2 : 1);
        }
    return tape_avgpool(t, x);
}

const struct backbone backbone_r2plus1d_18 = {"r2plus1d_18",
                                              "Tran et al., CVPR 2018; torchvision's names",
                                              "3^3 convolutions split into plane and axis",
                                              "fc",
                                              settings,
                                              NULL,
                                              embedding,
                                              build};
