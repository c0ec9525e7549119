/* SPDX-License-Identifier: Apache-2.0 */
/* tape_ops_pointwise -- sigmoid, SiLU, softmax and the sum of two.   kernels/tape */
#include "kernels/tape_internal.h"
#include <assert.h>
#include <string.h>

/* activations */
static void sigmoid_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->sigmoid_forward(t->b, out_data(t, op), in_data(t, op), t->value[op->out].size);
}
static void sigmoid_back(struct tape *t, struct op *op)
{
    t->b->sigmoid_backward(t->b, in_grad(t, op), out_grad(t, op), out_data(t, op), t->value[op->out].size);
}
const struct op_kind op_sigmoid = {"sigmoid", NEEDS_OUT, sigmoid_run, sigmoid_back, NULL, NULL, NULL};

int tape_sigmoid(struct tape *t, int in)
{
    assert(t->value[in].layout == ROWS);
    return tape_same_shape(t, &op_sigmoid, in);
}

static void silu_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->silu_forward(t->b, out_data(t, op), in_data(t, op), t->value[op->out].size, t->value[op->out].layout);
}
static void silu_back(struct tape *t, struct op *op)
{
    t->b->silu_backward(t->b, in_grad(t, op), out_grad(t, op), in_data(t, op), t->value[op->out].size,
                        t->value[op->out].layout);
}
const struct op_kind op_silu = {"silu", NEEDS_IN, silu_run, silu_back, NULL, NULL, NULL};
int tape_silu(struct tape *t, int in)
{
    return tape_same_shape(t, &op_silu, in);
}

static void softmax_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->softmax(t->b, out_data(t, op), in_data(t, op), in_rows(t, op), in_C(t, op));
}
static void softmax_back(struct tape *t, struct op *op)
{
    t->b->softmax_backward(t->b, in_grad(t, op), out_grad(t, op), out_data(t, op), in_rows(t, op), in_C(t, op));
}
const struct op_kind op_softmax = {"softmax", NEEDS_OUT, softmax_run, softmax_back, NULL, NULL, NULL};

int tape_softmax(struct tape *t, int in)
{
    assert(t->value[in].layout == ROWS);
    return tape_same_shape(t, &op_softmax, in);
}

/* sum of two; both gradients are the sum's */
static void add_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->add(t->b, out_data(t, op), in_data(t, op), other_data(t, op), t->value[op->out].size,
              t->value[op->out].layout);
}
static void add_back(struct tape *t, struct op *op)
{
    float *din[2] = {in_grad(t, op), other_grad(t, op)};
    for (int i = 0; i < 2; i++)
        if (din[i])
            t->b->add(t->b, din[i], din[i], out_grad(t, op), t->value[op->out].size, t->value[op->out].layout);
}
const struct op_kind op_add = {"add", 0, add_run, add_back, NULL, NULL, NULL};

int tape_add(struct tape *t, int a, int b)
{
    assert(t->value[a].layout == t->value[b].layout && t->value[a].C == t->value[b].C);
    assert(!memcmp(t->value[a].dim, t->value[b].dim, sizeof t->value[a].dim));
    tape_same_shape(t, &op_add, a);
    struct op *op = &t->op[t->op_count - 1];
    op->other = b;
    return op->out;
}
