/* SPDX-License-Identifier: Apache-2.0 */
/* resnet -- ResNets of basic blocks in three dimensions.   kernels/nets
 *
 *     stem   conv 7^3 (width, stride as told, pad 3) - BN - ReLU - max-pool 3^3/2 pad 1
 *     layer  blocks of [conv 3^3 - BN - ReLU - conv 3^3 - BN] + shortcut - ReLU; widths 1 2 4 8, strides 1 2 2 2
 *     shortcut B: conv 1^3 - BN where the shape changes */
#include "kernels/nets/resnet.h"
#include <string.h>

static const struct resnet RESNETS[] = {
    {"resnet10", {1, 1, 1, 1}},
    {"resnet18", {2, 2, 2, 2}},
    {"resnet34", {3, 4, 6, 3}},
};

const struct resnet *resnet_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(RESNETS); i++)
        if (!strcmp(RESNETS[i].name, name))
            return &RESNETS[i];
    return NULL;
}

const char *resnet_names(void)
{
    return "resnet10, resnet18, resnet34";
}

static const int K1[3] = {1, 1, 1}, K3[3] = {3, 3, 3}, K7[3] = {7, 7, 7};
static const int PAD0[3] = {0, 0, 0}, PAD1[3] = {1, 1, 1}, PAD3[3] = {3, 3, 3};

/* "prefix.part" for one call */
struct part {
    char name[64];
};
static struct part part(const char *prefix, const char *name)
{
    struct part p;
    format_into(p.name, sizeof p.name, "%s.%s", prefix, name);
    return p;
}

static int basic_block(struct tape *t, int x, const char *prefix, int planes, int stride)
{
    const int s[3] = {stride, stride, stride}, one[3] = {1, 1, 1};
    enum layout layout;
    int C, dim[3], shortcut = x;
    tape_value_shape(t, x, &layout, &C, dim);

    int y = tape_conv(t, x, part(prefix, "conv1").name, planes, K3, s, PAD1);
    y = tape_norm(t, y, part(prefix, "bn1").name, -1, true);
    y = tape_conv(t, y, part(prefix, "conv2").name, planes, K3, one, PAD1);
    if (stride != 1 || C != planes) {
        shortcut = tape_conv(t, x, part(prefix, "downsample.0").name, planes, K1, s, PAD0);
        shortcut = tape_norm(t, shortcut, part(prefix, "downsample.1").name, -1, false);
    }
    return tape_norm(t, y, part(prefix, "bn2").name, shortcut, true);
}

int resnet_build(struct tape *t, int box, const char *prefix, const struct resnet *r, int width,
                 const int stem_stride[3])
{
    int x = tape_conv(t, box, part(prefix, "conv1").name, width, K7, stem_stride, PAD3);
    x = tape_norm(t, x, part(prefix, "bn1").name, -1, true);
    x = tape_maxpool(t, x, 3, 2, 1);
    for (int layer = 0; layer < 4; layer++)
        for (int block = 0; block < r->blocks[layer]; block++) {
            char name[64];
            format_into(name, sizeof name, "%s.layer%d.%d", prefix, layer + 1, block);
            x = basic_block(t, x, name, width << layer, layer > 0 && block == 0 ? 2 : 1);
        }
    return tape_avgpool(t, x);
}
