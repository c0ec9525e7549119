/* SPDX-License-Identifier: Apache-2.0 */
/* tape_describe -- what each operation costs, from geometry alone.   kernels/tape
 *
 * dense: every tap of every output. live: only taps that fall inside the image for that output; a parameter is live
 * when its tap falls inside the image for at least one output. */
#include "kernels/tape_internal.h"
#include <string.h>

/* (output, tap) pairs of one axis that fall inside */
static uint64_t hits_of(const struct conv_shape *s, int axis)
{
    uint64_t hits = 0;
    for (int k = 0; k < s->kernel[axis]; k++)
        for (int o = 0; o < s->out[axis]; o++) {
            int i = o * s->stride[axis] - s->pad[axis] + k;
            hits += i >= 0 && i < s->in[axis];
        }
    return hits;
}

static void describe_conv(const struct conv_shape *s, int groups, struct tape_row *row)
{
    uint64_t pairs = (uint64_t)(s->C / groups) * (uint64_t)s->O, live_hits = 1, dense = 1;
    for (int a = 0; a < 3; a++) {
        live_hits *= hits_of(s, a);
        dense *= (uint64_t)s->kernel[a] * (uint64_t)s->out[a];
        row->kernel[a] = s->kernel[a];
        row->stride[a] = s->stride[a];
        row->pad[a] = s->pad[a];
        int reach = (s->out[a] - 1) * s->stride[a] + s->kernel[a] - s->in[a] - s->pad[a];
        row->behind[a] = reach > 0 ? reach : 0;
    }
    row->live_params = pairs * (uint64_t)conv_live_taps(s, NULL);
    row->mmacs = (double)(pairs * dense) / 1e6;
    row->live_mmacs = (double)(pairs * live_hits) / 1e6;
}

bool tape_describe(const struct tape *t, size_t i, struct tape_row *row)
{
    if (i >= t->op_count)
        return false;
    const struct op *op = &t->op[i];
    const struct value *in = &t->value[op->in < 0 ? op->out : op->in], *out = &t->value[op->out];
    *row = (struct tape_row){.op = op->kind->name,
                             .name = op->name,
                             .C = in->C,
                             .O = out->C,
                             .from_layout = in->layout,
                             .layout = out->layout,
                             .from = {op->in, op->other, op->third},
                             .to = op->out,
                             .groups = op->groups,
                             .heads = op->heads,
                             .first = op->first,
                             .relu = op->relu,
                             .ceil = op->pool.ceil,
                             .eps = op->kind == &op_norm ? norm_eps(&op->norm) : 1e-5};
    memcpy(row->in, in->dim, sizeof row->in);
    memcpy(row->out, out->dim, sizeof row->out);
    for (size_t k = 0; k < COUNT_OF(op->param); k++)
        row->param[k] = op->param[k] < 0 ? NULL : &t->params->param[op->param[k]];
    for (size_t k = 0; k < COUNT_OF(op->param); k++)
        if (op->param[k] >= 0 && t->params->param[op->param[k]].kind <= PARAM_CONV)
            row->params += t->params->param[op->param[k]].count;
    row->live_params = row->params;
    if (op->kind == &op_conv)
        describe_conv(&op->conv_shape, 1, row);
    else if (op->kind == &op_group)
        describe_conv(&op->conv_shape, op->groups, row);
    else if (op->kind == &op_linear)
        row->mmacs = row->live_mmacs = (double)in->C * out->C * in->dim[0] / 1e6;
    else if (op->kind == &op_attention || op->kind == &op_attention_qkv) /* scores, and what they weigh */
        row->mmacs = row->live_mmacs = 2.0 * out->C * in->dim[0] * in->dim[0] / 1e6;
    else if (op->kind == &op_maxpool || op->kind == &op_meanpool)
        for (int a = 0; a < 3; a++) {
            row->kernel[a] = op->pool.kernel;
            row->stride[a] = op->pool.stride;
            row->pad[a] = op->pool.pad;
        }
    return true;
}
