/* SPDX-License-Identifier: Apache-2.0 */
/* tape_ops -- each operation of the tape in the back end's terms: a table beats a switch.   kernels/tape */
#include "kernels/tape_internal.h"

static size_t keep_rows(const struct tape *t, const struct op *op)
{
    return (size_t)in_rows(t, op);
}

/* convolution */
static void conv_plan(struct tape *t, struct op *op)
{
    op->conv = t->b->conv_open(t->b, &op->conv_shape);
}
static void conv_free(struct tape *t, struct op *op)
{
    t->b->conv_close(t->b, op->conv);
}
static void conv_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->conv_forward(t->b, out_data(t, op), in_data(t, op), weight(t, op, 0), op->conv);
}
static void conv_back(struct tape *t, struct op *op)
{
    if (in_grad(t, op))
        t->b->conv_backward_data(t->b, in_grad(t, op), out_grad(t, op), weight(t, op, 0), op->conv);
    if (dweight(t, op, 0))
        t->b->conv_backward_weight(t->b, dweight(t, op, 0), out_grad(t, op), in_data(t, op), op->conv);
}
const struct op_kind op_conv = {"conv", NEEDS_IN, conv_run, conv_back, NULL, conv_plan, conv_free};

/* batch normalisation: keeps mean and rstd [views][C] */
static size_t norm_keep(const struct tape *t, const struct op *op)
{
    return 2 * (size_t)t->views * (size_t)op->norm.C;
}
static void norm_run(struct tape *t, struct op *op, bool training)
{
    float *mean = op->keep, *rstd = mean + op->norm.views * op->norm.C;
    const float *residual = op->other < 0 ? NULL : t->value[op->other].data;
    t->b->norm_forward(t->b, out_data(t, op), mean, rstd, weight(t, op, 2), weight(t, op, 3), in_data(t, op), residual,
                       weight(t, op, 0), weight(t, op, 1), &op->norm, op->relu, training);
}
static void norm_back(struct tape *t, struct op *op)
{
    float *mean = op->keep, *rstd = mean + op->norm.views * op->norm.C;
    float *dresidual = op->other < 0 ? NULL : t->value[op->other].grad;
    t->b->norm_backward(t->b, in_grad(t, op), dresidual, dweight(t, op, 0), dweight(t, op, 1), out_grad(t, op),
                        out_data(t, op), in_data(t, op), mean, rstd, weight(t, op, 0), &op->norm, op->relu);
}
const struct op_kind op_norm = {"norm", NEEDS_IN | NEEDS_OUT, norm_run, norm_back, norm_keep, NULL, NULL};

/* pooling: where each maximum came from, as int32 in the place of floats */
static size_t maxpool_keep(const struct tape *t, const struct op *op)
{
    return t->value[op->out].size;
}
static void maxpool_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->maxpool_forward(t->b, out_data(t, op), (int32_t *)(void *)op->keep, in_data(t, op), &op->pool);
}
static void maxpool_back(struct tape *t, struct op *op)
{
    t->b->maxpool_backward(t->b, in_grad(t, op), out_grad(t, op), (const int32_t *)(const void *)op->keep, &op->pool);
}
const struct op_kind op_maxpool = {"maxpool", 0, maxpool_run, maxpool_back, maxpool_keep, NULL, NULL};

static void avgpool_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->avgpool_forward(t->b, out_data(t, op), in_data(t, op), t->N, in_C(t, op), t->value[op->in].dim);
}
static void avgpool_back(struct tape *t, struct op *op)
{
    t->b->avgpool_backward(t->b, in_grad(t, op), out_grad(t, op), t->N, in_C(t, op), t->value[op->in].dim);
}
const struct op_kind op_avgpool = {"avgpool", 0, avgpool_run, avgpool_back, NULL, NULL, NULL};

/* rows */
static void linear_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->linear_forward(t->b, out_data(t, op), in_data(t, op), weight(t, op, 0), weight(t, op, 1), in_rows(t, op),
                         in_C(t, op), out_C(t, op));
}
static void linear_back(struct tape *t, struct op *op)
{
    t->b->linear_backward(t->b, in_grad(t, op), dweight(t, op, 0), dweight(t, op, 1), out_grad(t, op), in_data(t, op),
                          weight(t, op, 0), in_rows(t, op), in_C(t, op), out_C(t, op));
}
const struct op_kind op_linear = {"linear", NEEDS_IN, linear_run, linear_back, NULL, NULL, NULL};

static void layernorm_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->layernorm_forward(t->b, out_data(t, op), op->keep, in_data(t, op), in_rows(t, op), in_C(t, op));
}
static void layernorm_back(struct tape *t, struct op *op)
{
    t->b->layernorm_backward(t->b, in_grad(t, op), out_grad(t, op), out_data(t, op), op->keep, in_rows(t, op),
                             in_C(t, op));
}
const struct op_kind op_layernorm = {"layernorm", NEEDS_OUT, layernorm_run, layernorm_back, keep_rows, NULL, NULL};

static void l2norm_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->l2norm_forward(t->b, out_data(t, op), op->keep, in_data(t, op), in_rows(t, op), in_C(t, op));
}
static void l2norm_back(struct tape *t, struct op *op)
{
    t->b->l2norm_backward(t->b, in_grad(t, op), out_grad(t, op), out_data(t, op), op->keep, in_rows(t, op), in_C(t, op));
}
const struct op_kind op_l2norm = {"l2norm", NEEDS_OUT, l2norm_run, l2norm_back, keep_rows, NULL, NULL};

/* an input has no gradient of its own, but scale_backward must write somewhere: it keeps room for one */
static size_t scale_keep(const struct tape *t, const struct op *op)
{
    return t->value[op->in].size;
}
static void scale_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->scale_forward(t->b, out_data(t, op), in_data(t, op), weight(t, op, 0), in_rows(t, op), in_C(t, op));
}
static void scale_back(struct tape *t, struct op *op)
{
    float *din = in_grad(t, op) ? in_grad(t, op) : op->keep;
    t->b->scale_backward(t->b, din, dweight(t, op, 0), out_grad(t, op), in_data(t, op), weight(t, op, 0),
                         in_rows(t, op), in_C(t, op));
}
const struct op_kind op_scale = {"scale", NEEDS_IN, scale_run, scale_back, scale_keep, NULL, NULL};

static size_t concat_keep(const struct tape *t, const struct op *op)
{
    size_t a = t->value[op->in].size, b = t->value[op->other].size; /* where one side wants no gradient */
    return a > b ? a : b;
}
static void concat_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->concat_forward(t->b, out_data(t, op), in_data(t, op), t->value[op->other].data, in_rows(t, op), in_C(t, op),
                         t->value[op->other].C);
}
static void concat_back(struct tape *t, struct op *op)
{
    float *din_a = in_grad(t, op), *din_b = t->value[op->other].grad;
    t->b->concat_backward(t->b, din_a ? din_a : op->keep, din_b ? din_b : op->keep, out_grad(t, op), in_rows(t, op),
                          in_C(t, op), t->value[op->other].C);
}
const struct op_kind op_concat = {"concat", 0, concat_run, concat_back, concat_keep, NULL, NULL};

static void relu_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->relu_forward(t->b, out_data(t, op), in_data(t, op), t->value[op->out].size, t->value[op->out].layout);
}
static void relu_back(struct tape *t, struct op *op)
{
    t->b->relu_backward(t->b, in_grad(t, op), out_grad(t, op), out_data(t, op), t->value[op->out].size,
                        t->value[op->out].layout);
}
const struct op_kind op_relu = {"relu", NEEDS_OUT, relu_run, relu_back, NULL, NULL, NULL};

static void gelu_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->gelu_forward(t->b, out_data(t, op), in_data(t, op), t->value[op->out].size, t->value[op->out].layout);
}
static void gelu_back(struct tape *t, struct op *op)
{
    t->b->gelu_backward(t->b, in_grad(t, op), out_grad(t, op), in_data(t, op), t->value[op->out].size,
                        t->value[op->out].layout);
}
const struct op_kind op_gelu = {"gelu", NEEDS_IN, gelu_run, gelu_back, NULL, NULL, NULL};
