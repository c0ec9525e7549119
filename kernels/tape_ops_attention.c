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
    t->b->attention_forward(t->b, out_data(t, op), op->keep, in_data(t, op), other_data(t, op), t->value[op->third].data,
                            in_C(t, op), t->N, t->value[op->in].dim[0], in_C(t, op), op->heads);
}
static void attention_back(struct tape *t, struct op *op)
{
    const int from[3] = {op->in, op->other, op->third};
    float *din[3];
    for (int i = 0; i < 3; i++)
        din[i] = t->value[from[i]].grad ? t->value[from[i]].grad : op->keep + attention_probabilities(t, op);
    t->b->attention_backward(t->b, din[0], din[1], din[2], out_grad(t, op), op->keep, in_data(t, op), other_data(t, op),
                             t->value[op->third].data, in_C(t, op), t->N, t->value[op->in].dim[0], in_C(t, op),
                             op->heads);
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

/* q, k and v side by side in rows of 3C, as one linear layer gives them */
static void qkv_run(struct tape *t, struct op *op, bool training)
{
    const int C = out_C(t, op);
    const float *q = in_data(t, op);
    (void)training;
    t->b->attention_forward(t->b, out_data(t, op), op->keep, q, q + C, q + 2 * C, 3 * C, t->N, in_dim(t, op)[0], C,
                            op->heads);
}
static void qkv_back(struct tape *t, struct op *op)
{
    const int C = out_C(t, op);
    const float *q = in_data(t, op);
    float *dq = in_grad(t, op);
    t->b->attention_backward(t->b, dq, dq + C, dq + 2 * C, out_grad(t, op), op->keep, q, q + C, q + 2 * C, 3 * C, t->N,
                             in_dim(t, op)[0], C, op->heads);
}
const struct op_kind op_attention_qkv = {"attention-qkv",         NEEDS_IN, qkv_run, qkv_back,
                                         attention_probabilities, NULL,     NULL};

int tape_attention_qkv(struct tape *t, int qkv, int heads)
{
    struct value v = t->value[qkv];
    assert(v.layout == ROWS && heads > 0 && v.C % (3 * heads) == 0);
    struct op *op = tape_add_op(t, &op_attention_qkv, qkv, -1, NULL, ROWS, v.C / 3, v.dim);
    op->heads = heads;
    return op->out;
}

/* a box's tokens lie one behind the other, so two values' are joined as two longer rows are */
static void join_run(struct tape *t, struct op *op, bool training)
{
    const int C = in_C(t, op);
    (void)training;
    t->b->concat_forward(t->b, out_data(t, op), in_data(t, op), other_data(t, op), t->N, in_dim(t, op)[0] * C,
                         t->value[op->other].dim[0] * C);
}
static void join_back(struct tape *t, struct op *op)
{
    const int C = in_C(t, op), A = in_dim(t, op)[0] * C, B = t->value[op->other].dim[0] * C;
    const int one[3] = {1, 1, 1};
    if (in_grad(t, op))
        t->b->channels_put(t->b, in_grad(t, op), A, 0, out_grad(t, op), A + B, 0, A, t->N, one, ROWS, true);
    if (other_grad(t, op))
        t->b->channels_put(t->b, other_grad(t, op), B, 0, out_grad(t, op), A + B, A, B, t->N, one, ROWS, true);
}
const struct op_kind op_tokens_join = {"tokens-join", 0, join_run, join_back, NULL, NULL, NULL};

int tape_tokens_join(struct tape *t, int a, int b)
{
    struct value v = t->value[a], w = t->value[b];
    assert(v.layout == ROWS && w.layout == ROWS && v.C == w.C);
    const int tokens[3] = {v.dim[0] + w.dim[0], 1, 1};
    return tape_add_op(t, &op_tokens_join, a, b, NULL, ROWS, v.C, tokens)->out;
}

static void token_run(struct tape *t, struct op *op, bool training)
{
    const int C = in_C(t, op), one[3] = {1, 1, 1};
    (void)training;
    t->b->channels_put(t->b, out_data(t, op), C, 0, in_data(t, op), in_dim(t, op)[0] * C, op->first * C, C, t->N, one,
                       ROWS, false);
}
static void token_back(struct tape *t, struct op *op)
{
    const int C = in_C(t, op), one[3] = {1, 1, 1};
    t->b->channels_put(t->b, in_grad(t, op), in_dim(t, op)[0] * C, op->first * C, out_grad(t, op), C, 0, C, t->N, one,
                       ROWS, true);
}
const struct op_kind op_token = {"token", 0, token_run, token_back, NULL, NULL, NULL};

int tape_token(struct tape *t, int in, int which)
{
    static const int one[3] = {1, 1, 1};
    assert(t->value[in].layout == ROWS && which >= 0 && which < t->value[in].dim[0]);
    struct op *op = tape_add_op(t, &op_token, in, -1, NULL, ROWS, t->value[in].C, one);
    op->first = which;
    return op->out;
}
