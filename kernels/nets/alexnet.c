/* SPDX-License-Identifier: Apache-2.0 */
/* alexnet -- AlexNet Var of Tables IV and V: five convolutions, pools after the first, the second and the last.   kernels/nets
 *
 *     conv 5^3 (64) - ReLU - pool - conv 3^3 (192) - ReLU - pool - conv 3^3 (384) - ReLU - conv 3^3 (256) - ReLU - conv 3^3 (256) - ReLU - pool
 * Pools are 2^3/2; voxels side by side, 256 x 2^3 of a 16^3 box, are the embedding, and AlexNet's linear layers the classifier's. Channels
 * and names are torchvision's alexnet; kernels and strides are our choice, for the paper says only that a box of 16 can be
 * downsampled fewer times. */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"

enum { SIDE = 16, LAST = 256, HALVED = 3 };
static const struct layer {
    const char *name;
    int O, kernel;
    bool pool;
} LAYERS[] = {{"features.0", 64, 5, true},
              {"features.3", 192, 3, true},
              {"features.6", 384, 3, false},
              {"features.8", 256, 3, false},
              {"features.10", LAST, 3, true}};

static int check(const void *own, const int box[3], struct error *e)
{
    (void)own;
    for (int a = 0; a < 3; a++)
        if (box[a] != SIDE)
            return fail_as(e, EX_CONFIG, "the backbone alexnet is sized for boxes of %d^3, not of side %d", SIDE,
                           box[a]);
    return 0;
}

static int embedding(const void *own)
{
    const int side = SIDE >> HALVED;
    (void)own;
    return LAST * side * side * side;
}

static int build(struct tape *t, int x, const char *prefix, const void *own)
{
    (void)own;
    for (size_t i = 0; i < COUNT_OF(LAYERS); i++) {
        const int k = LAYERS[i].kernel, pad = k / 2;
        x = tape_conv_of(t, x, part(prefix, LAYERS[i].name).name,
                         &(struct tape_conv_shape){.O = LAYERS[i].O,
                                                   .kernel = {k, k, k},
                                                   .stride = {1, 1, 1},
                                                   .pad = {pad, pad, pad},
                                                   .bias = true,
                                                   .relu = true});
        x = LAYERS[i].pool ? tape_maxpool(t, x, 2, 2, 0) : x;
    }
    return tape_flatten(t, x);
}

const struct backbone backbone_alexnet = {"alexnet",
                                          "Krizhevsky et al., 2012; the paper's Table IV, after its [10]",
                                          "five convolutions, three pools",
                                          NULL,
                                          NULL,
                                          check,
                                          embedding,
                                          build};
