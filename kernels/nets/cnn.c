/* SPDX-License-Identifier: Apache-2.0 */
/* cnn -- CNN Var and CNN Var2 of Tables IV and V: blocks of convolution, norm, ReLU and pool.   kernels/nets
 *
 *     block     conv 3^3 pad 1 - BN - ReLU - max-pool 2^3/2, twice as wide as the one before, the first 32
 *     cnn_var   two blocks; its voxels side by side, 64 x 4^3 of a 16^3 box, are the embedding: the two linear layers of the paper's
 *               sentence are the classifier's
 *     cnn_var2  four blocks, 32 64 128 256 ("265" is the paper's slip); fully convolutional: the mean over voxels is the embedding
 * The paper says "two convolutional blocks followed by two linear layers" and "the number of filters (32,64,128,265)". Kernels of 3,
 * norms and pools are our choice. */
#include "kernels/nets/backbone.h"
#include "kernels/nets/part.h"

enum { FIRST = 32, VAR_BLOCKS = 2, VAR2_BLOCKS = 4, SIDE = 16 };
static const int K3[3] = {3, 3, 3}, S1[3] = {1, 1, 1}, PAD1[3] = {1, 1, 1};

static int blocks_build(struct tape *t, int x, const char *prefix, int blocks)
{
    for (int i = 0; i < blocks; i++) {
        char name[64];
        format_into(name, sizeof name, "%s.block%d", prefix, i + 1);
        x = tape_conv(t, x, part(name, "conv").name, FIRST << i, K3, S1, PAD1);
        x = tape_maxpool(t, tape_norm(t, x, part(name, "bn").name, -1, true), 2, 2, 0);
    }
    return x;
}

static int side_is(const void *own, const int box[3], struct error *e)
{
    (void)own;
    for (int a = 0; a < 3; a++)
        if (box[a] != SIDE)
            return fail_as(e, EX_CONFIG, "the backbone cnn_var is sized for boxes of %d^3, not of side %d", SIDE,
                           box[a]);
    return 0;
}

static int var_embedding(const void *own)
{
    const int side = SIDE >> VAR_BLOCKS;
    (void)own;
    return (FIRST << (VAR_BLOCKS - 1)) * side * side * side;
}
static int var_build(struct tape *t, int box, const char *prefix, const void *own)
{
    (void)own;
    return tape_flatten(t, blocks_build(t, box, prefix, VAR_BLOCKS));
}

static int var2_check(const void *own, const int box[3], struct error *e)
{
    (void)own;
    for (int a = 0; a < 3; a++)
        if (box[a] < 1 << VAR2_BLOCKS)
            return fail_as(e, EX_CONFIG, "the backbone cnn_var2 halves a box four times: side %d is too short", box[a]);
    return 0;
}
static int var2_embedding(const void *own)
{
    (void)own;
    return FIRST << (VAR2_BLOCKS - 1);
}
static int var2_build(struct tape *t, int box, const char *prefix, const void *own)
{
    (void)own;
    return tape_avgpool(t, blocks_build(t, box, prefix, VAR2_BLOCKS));
}

const struct backbone backbone_cnn_var = {
    "cnn_var", "the paper's Table IV, after its [27]", "two blocks of convolution", NULL, NULL, side_is, var_embedding,
    var_build};
const struct backbone backbone_cnn_var2 = {"cnn_var2",
                                           "the paper's Table IV, after its [22]",
                                           "four blocks of convolution, fully convolutional",
                                           NULL,
                                           NULL,
                                           var2_check,
                                           var2_embedding,
                                           var2_build};
