/* SPDX-License-Identifier: Apache-2.0 */
/* tape_more -- operations that other networks need: grouped convolutions, gates, tokens, attention, dropout.
 * kernels/tape */
#include "kernels/tape_own.h"
#include <assert.h>
#include <string.h>

static float *other_data(const struct tape *t, const struct op *op)
{
    return t->value[op->other].data;
}
static float *other_grad(const struct tape *t, const struct op *op)
{
    return t->value[op->other].grad;
}

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
    struct conv_shape s = {.N = t->N, .C = t->value[in].C, .O = O};
    assert(t->value[in].layout == IMAGE && groups > 0 && s.C % groups == 0 && O % groups == 0);
    memcpy(s.in, t->value[in].dim, sizeof s.in);
    memcpy(s.kernel, kernel, sizeof s.kernel);
    memcpy(s.stride, stride, sizeof s.stride);
    memcpy(s.pad, pad, sizeof s.pad);
    conv_out_dims(&s);
    assert(s.out[0] > 0 && s.out[1] > 0 && s.out[2] > 0);
    struct op *op = tape_add_op(t, &op_group, in, -1, name, IMAGE, O, s.out);
    op->conv_shape = s;
    op->groups = groups;
    op->param[0] = tape_add_filters(t, name, &s, groups);
    return op->out;
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

/* dropout: which numbers go is a function of seed, step, operation and row */
static uint64_t dropout_index(const struct tape *t, const struct op *op)
{
    return t->step << 32 | (uint64_t)op->number << 24;
}
static void dropout_run(struct tape *t, struct op *op, bool training)
{
    t->b->dropout_forward(t->b, out_data(t, op), in_data(t, op), in_rows(t, op), in_C(t, op), training ? op->rate : 0,
                          t->seed, dropout_index(t, op));
}
static void dropout_back(struct tape *t, struct op *op)
{
    t->b->dropout_backward(t->b, in_grad(t, op), out_grad(t, op), in_rows(t, op), in_C(t, op), op->rate, t->seed,
                           dropout_index(t, op));
}
const struct op_kind op_dropout = {"dropout", 0, dropout_run, dropout_back, NULL, NULL, NULL};

int tape_dropout(struct tape *t, int in, float rate)
{
    assert(t->value[in].layout == ROWS && rate >= 0 && rate < 1);
    assert(t->dropouts < 1 << 8 && (int64_t)t->N * t->value[in].dim[0] < 1 << 24); /* of one index */
    int out = tape_same_shape(t, &op_dropout, in);
    struct op *op = &t->op[t->op_count - 1];
    op->rate = rate;
    op->number = t->dropouts++;
    return out;
}

void tape_draw(struct tape *t, uint64_t seed, uint32_t step)
{
    t->seed = seed;
    t->step = step;
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
