/* SPDX-License-Identifier: Apache-2.0 */
/* tape_ops_image -- more operations on images: grouped convolution, mean of windows, gate.   kernels/tape */
#include "kernels/tape_internal.h"
#include <assert.h>
#include <string.h>

/* grouped convolution */
static void group_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->group_forward(t->b, out_data(t, op), in_data(t, op), weight(t, op, 0), &op->conv_shape, op->groups);
}
static void group_back(struct tape *t, struct op *op)
{
    if (in_grad(t, op))
        t->b->group_backward_data(t->b, in_grad(t, op), out_grad(t, op), weight(t, op, 0), &op->conv_shape, op->groups);
    if (dweight(t, op, 0))
        t->b->group_backward_weight(t->b, dweight(t, op, 0), out_grad(t, op), in_data(t, op), &op->conv_shape,
                                    op->groups);
}
const struct op_kind op_group = {"group", NEEDS_IN, group_run, group_back, NULL, NULL, NULL};

int tape_group_conv(struct tape *t, int in, const char *name, int O, const int kernel[3], const int stride[3],
                    const int pad[3], int groups)
{
    struct tape_conv_shape s = {.O = O, .groups = groups};
    memcpy(s.kernel, kernel, sizeof s.kernel);
    memcpy(s.stride, stride, sizeof s.stride);
    memcpy(s.pad, pad, sizeof s.pad);
    return tape_conv_of(t, in, name, &s);
}

/* mean of windows */
static void meanpool_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->meanpool_forward(t->b, out_data(t, op), in_data(t, op), &op->pool);
}
static void meanpool_back(struct tape *t, struct op *op)
{
    t->b->meanpool_backward(t->b, in_grad(t, op), out_grad(t, op), &op->pool);
}
const struct op_kind op_meanpool = {"meanpool", 0, meanpool_run, meanpool_back, NULL, NULL, NULL};

int tape_meanpool(struct tape *t, int in, int kernel, int stride, int pad)
{
    struct value v = t->value[in];
    assert(v.layout == IMAGE && pad < kernel);
    struct pool_shape s = {.N = t->N, .C = v.C, .kernel = kernel, .stride = stride, .pad = pad};
    memcpy(s.in, v.dim, sizeof v.dim);
    pool_out_dims(&s);
    struct op *op = tape_add_op(t, &op_meanpool, in, -1, NULL, IMAGE, v.C, s.out);
    op->pool = s;
    return op->out;
}

/* channels of an image times rows */
static void gate_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->gate_forward(t->b, out_data(t, op), in_data(t, op), other_data(t, op), t->N, in_C(t, op),
                       t->value[op->in].dim);
}
static void gate_back(struct tape *t, struct op *op)
{
    t->b->gate_backward(t->b, in_grad(t, op), other_grad(t, op), out_grad(t, op), in_data(t, op), other_data(t, op),
                        t->N, in_C(t, op), t->value[op->in].dim);
}
const struct op_kind op_gate = {"gate", NEEDS_IN | NEEDS_OTHERS, gate_run, gate_back, NULL, NULL, NULL};

int tape_gate(struct tape *t, int image, int rows)
{
    struct value v = t->value[image], r = t->value[rows];
    assert(v.layout == IMAGE && r.layout == ROWS && v.C == r.C && r.dim[0] == 1);
    return tape_add_op(t, &op_gate, image, rows, NULL, IMAGE, v.C, v.dim)->out;
}
