/* SPDX-License-Identifier: Apache-2.0 */
/* tape_ops_attention -- tokens and attention.   kernels/tape */
#include "kernels/tape_internal.h"
#include <assert.h>
#include <string.h>

/* positions become tokens; tokens become one row */
static void tokens_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->tokens_forward(t->b, out_data(t, op), in_data(t, op), t->N, in_C(t, op), t->value[op->in].dim);
}
static void tokens_back(struct tape *t, struct op *op)
{
    t->b->tokens_backward(t->b, in_grad(t, op), out_grad(t, op), t->N, in_C(t, op), t->value[op->in].dim);
}
const struct op_kind op_tokens = {"tokens", 0, tokens_run, tokens_back, NULL, NULL, NULL};

int tape_tokens(struct tape *t, int image)
{
    struct value v = t->value[image];
    assert(v.layout == IMAGE);
    const int tokens[3] = {v.dim[0] * v.dim[1] * v.dim[2], 1, 1};
    return tape_add_op(t, &op_tokens, image, -1, NULL, ROWS, v.C, tokens)->out;
}

static void tokenmean_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->tokenmean_forward(t->b, out_data(t, op), in_data(t, op), t->N, t->value[op->in].dim[0], in_C(t, op));
}
static void tokenmean_back(struct tape *t, struct op *op)
{
    t->b->tokenmean_backward(t->b, in_grad(t, op), out_grad(t, op), t->N, t->value[op->in].dim[0], in_C(t, op));
}
const struct op_kind op_tokenmean = {"tokenmean", 0, tokenmean_run, tokenmean_back, NULL, NULL, NULL};

int tape_tokenmean(struct tape *t, int in)
{
    static const int one[3] = {1, 1, 1};
    assert(t->value[in].layout == ROWS);
    return tape_add_op(t, &op_tokenmean, in, -1, NULL, ROWS, t->value[in].C, one)->out;
}

/* attention keeps its probabilities, and room for a gradient that nobody wants */
static size_t attention_probabilities(const struct tape *t, const struct op *op)
{
    size_t T = (size_t)t->value[op->in].dim[0];
    return (size_t)t->N * (size_t)op->heads * T * T;
}
static size_t attention_keep(const struct tape *t, const struct op *op)
{
    return attention_probabilities(t, op) + t->value[op->out].size;
}
static void attention_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->attention_forward(t->b, out_data(t, op), op->keep, in_data(t, op), other_data(t, op),
                            t->value[op->third].data, t->N, t->value[op->in].dim[0], in_C(t, op), op->heads);
}
static void attention_back(struct tape *t, struct op *op)
{
    const int from[3] = {op->in, op->other, op->third};
    float *din[3];
    for (int i = 0; i < 3; i++)
        din[i] = t->value[from[i]].grad ? t->value[from[i]].grad : op->keep + attention_probabilities(t, op);
    t->b->attention_backward(t->b, din[0], din[1], din[2], out_grad(t, op), op->keep, in_data(t, op), other_data(t, op),
                             t->value[op->third].data, t->N, t->value[op->in].dim[0], in_C(t, op), op->heads);
}
const struct op_kind op_attention = {
    "attention", NEEDS_IN | NEEDS_OTHERS, attention_run, attention_back, attention_keep, NULL, NULL};

int tape_attention(struct tape *t, int q, int k, int v, int heads)
{
    const int from[3] = {q, k, v};
    for (int i = 0; i < 3; i++) {
        assert(t->value[from[i]].layout == ROWS && t->value[from[i]].C == t->value[q].C);
        assert(t->value[from[i]].dim[0] == t->value[q].dim[0]);
    }
    assert(heads > 0 && t->value[q].C % heads == 0);
    tape_same_shape(t, &op_attention, q);
    struct op *op = &t->op[t->op_count - 1];
    op->other = k;
    op->third = v;
    op->heads = heads;
    return op->out;
}
