/* SPDX-License-Identifier: Apache-2.0 */
/* open -- the reference back end's table.   kernels/ref */
#include "kernels/ref/ref.h"

#include <stdlib.h>

static void ref_close(struct backend *b)
{
    free(b);
}

struct backend *ref_open(int threads, enum precision precision, struct error *e)
{
    if (precision != FLOAT32) {
        fail_as(e, EX_UNAVAILABLE, "the ref back end has no bfloat16; use --precision float32");
        return NULL;
    }
    (void)threads; /* always one */
    struct backend *b = xalloc(1, sizeof *b);
    b->name = "ref";
    format_into(b->device, sizeof b->device, "1 thread, plain C in double precision");
    b->close = ref_close;
    b->step = backend_step_plain;
    b->step_forget = backend_forget_plain;
    static void (*const add[])(struct backend *) = {
        ref_add_memory,    ref_add_layout,    ref_add_conv,          ref_add_norm,     ref_add_pool,
        ref_add_linear,    ref_add_layernorm, ref_add_scale,         ref_add_concat,   ref_add_activation,
        ref_add_sigmoid,   ref_add_dropout,   ref_add_gate,          ref_add_meanpool, ref_add_group,
        ref_add_attention, ref_add_vicreg,    ref_add_focal,         ref_add_sums,     ref_add_lars,
        ref_add_adamw,     ref_add_sgd,       ref_add_cross_entropy, ref_add_squares,  ref_add_sinkhorn,
        ref_add_lerp,      ref_add_enqueue,   ref_add_regroup,       ref_add_overlap,  ref_add_affine,
        ref_add_channels,
    };
    for (size_t i = 0; i < COUNT_OF(add); i++)
        add[i](b);
    return b;
}
