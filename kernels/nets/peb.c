/* SPDX-License-Identifier: Apache-2.0 */
/* peb -- position encoding block.   kernels/nets
 *
 *     q = Linear(9,E)(p * w), w nine trainable weights;  out = Linear(2E,E)(concat(norm(y), norm(q)))
 * norm has no affine part: the paper's parameter count leaves no room for one. */
#include "kernels/nets/peb.h"

int peb_build(struct tape *t, int feature, int position, enum peb_norm norm)
{
    int (*normalise)(struct tape *, int) = norm == PEB_L2 ? tape_l2norm : tape_layernorm;
    enum layout layout;
    int E, dim[3];
    tape_value_shape(t, feature, &layout, &E, dim);
    int q = tape_scale(t, position, "peb", 1);
    q = tape_linear(t, q, "peb.position", E, true);
    return tape_linear(t, tape_concat(t, normalise(t, feature), normalise(t, q)), "peb.mix", E, true);
}
