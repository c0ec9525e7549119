/* SPDX-License-Identifier: Apache-2.0 */
/* shortcut -- a residual block's way round: its input, or where the shape changes conv 1^3 - BN of it.   resnet, r2plus1d_18 -> [shortcut]
 * Kind B of He et al. 2016; names "prefix.downsample.0" and ".1". O: channels of the block's output; stride: along every axis. */
#ifndef PETREL_KERNELS_NETS_SHORTCUT_H
#define PETREL_KERNELS_NETS_SHORTCUT_H
#include "kernels/nets/part.h"
#include "kernels/tape.h"

static inline int shortcut(struct tape *t, int x, const char *prefix, int O, int stride)
{
    const int one[3] = {1, 1, 1}, s[3] = {stride, stride, stride}, none[3] = {0, 0, 0};
    enum layout layout;
    int C, dim[3];
    tape_value_shape(t, x, &layout, &C, dim);
    if (stride == 1 && C == O)
        return x;
    x = tape_conv(t, x, part(prefix, "downsample.0").name, O, one, s, none);
    return tape_norm(t, x, part(prefix, "downsample.1").name, -1, false);
}
#endif
