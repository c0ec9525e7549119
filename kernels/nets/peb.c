/* SPDX-License-Identifier: Apache-2.0 */
/* peb -- position encoding block.   kernels/nets
 *
 *     q = Linear(P,E)(p * w), w P trainable weights;  out = Linear(F+E,E)(concat(norm(y), norm(q)))
 * norm has no affine part: the paper's parameter count leaves no room for one. */
#include "kernels/nets/peb.h"

/* the numbers of these parts alone, in their order */
static int select_parts(struct tape *t, int position, unsigned parts)
{
    int p = -1;
    if (parts == NETWORK_PARTS)
        return position;
    for (int i = 0; i < NETWORK_POSITION / NETWORK_PART; i++)
        if (parts & 1u << i) {
            int part = tape_slice(t, position, NETWORK_PART * i, NETWORK_PART);
            p = p < 0 ? part : tape_concat(t, p, part);
        }
    return p;
}

int peb_build(struct tape *t, int feature, int position, int E, unsigned parts, enum peb_norm norm)
{
    int (*normalise)(struct tape *, int) = norm == PEB_L2 ? tape_l2norm : tape_layernorm;
    int q = tape_scale(t, select_parts(t, position, parts), "peb", 1);
    q = tape_linear(t, q, "peb.position", E, true);
    return tape_linear(t, tape_concat(t, normalise(t, feature), normalise(t, q)), "peb.mix", E, true);
}
