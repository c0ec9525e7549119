/* SPDX-License-Identifier: Apache-2.0 */
/* tape_ops_shape -- biases and scales, and what only moves numbers: images side by side, slices, flat images, parameters.   kernels/tape */
#include "kernels/tape_internal.h"
#include <assert.h>
#include <string.h>

static const int ONE[3] = {1, 1, 1};

/* times a weight and plus a bias, of each channel */
static int rows_or_boxes(const struct tape *t, const struct op *op)
{
    return t->value[op->in].layout == ROWS ? in_rows(t, op) : t->N;
}
static const int *image_dim(const struct tape *t, const struct op *op)
{
    return t->value[op->in].layout == ROWS ? ONE : in_dim(t, op);
}
static void affine_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->affine_forward(t->b, out_data(t, op), in_data(t, op), weight(t, op, 0), weight(t, op, 1),
                         rows_or_boxes(t, op), in_C(t, op), image_dim(t, op), t->value[op->in].layout, op->relu);
}
static void affine_back(struct tape *t, struct op *op)
{
    t->b->affine_backward(t->b, in_grad(t, op), dweight(t, op, 0), dweight(t, op, 1), out_grad(t, op), out_data(t, op),
                          in_data(t, op), weight(t, op, 0), rows_or_boxes(t, op), in_C(t, op), image_dim(t, op),
                          t->value[op->in].layout, op->relu);
}
const struct op_kind op_affine = {"affine", NEEDS_IN | NEEDS_OUT, affine_run, affine_back, NULL, NULL, NULL};

static int affine(struct tape *t, int in, const char *name, bool weight, bool relu, enum param_init init, int fan_in)
{
    const int C = t->value[in].C;
    int out = tape_same_shape(t, &op_affine, in);
    struct op *op = &t->op[t->op_count - 1];
    format_into(op->name, sizeof op->name, "%s", name);
    op->relu = relu;
    if (weight)
        op->param[0] = tape_add_param(t, name, "weight", PARAM_PLAIN, INIT_ONE, 0, 1, &C);
    op->param[1] = tape_add_param(t, name, "bias", PARAM_PLAIN, init, fan_in, 1, &C);
    return out;
}

int tape_affine(struct tape *t, int in, const char *name, bool weight, bool relu)
{
    return affine(t, in, name, weight, relu, INIT_ZERO, 0);
}

int tape_layernorm_affine(struct tape *t, int in, const char *name)
{
    return tape_affine(t, tape_layernorm(t, in), name, true, false);
}

/* a convolution, in groups or not, and its bias */
int tape_conv_of(struct tape *t, int in, const char *name, const struct tape_conv_shape *from)
{
    const struct value v = t->value[in];
    const int groups = from->groups > 1 ? from->groups : 1;
    struct conv_shape s = {.N = t->N, .C = v.C, .O = from->O};
    assert(v.layout == IMAGE && v.C % groups == 0 && s.O % groups == 0 && (from->bias || !from->relu));
    memcpy(s.in, v.dim, sizeof s.in);
    memcpy(s.kernel, from->kernel, sizeof s.kernel);
    memcpy(s.stride, from->stride, sizeof s.stride);
    memcpy(s.pad, from->pad, sizeof s.pad);
    if (from->same)
        conv_same_dims(&s);
    else
        conv_out_dims(&s);
    assert(s.out[0] > 0 && s.out[1] > 0 && s.out[2] > 0);
    struct op *op = tape_add_op(t, groups > 1 ? &op_group : &op_conv, in, -1, name, IMAGE, s.O, s.out);
    const int out = op->out;
    op->conv_shape = s;
    op->groups = groups;
    op->param[0] = tape_add_filters(t, name, &s, groups);
    return from->bias ? affine(t, out, name, false, from->relu, INIT_LINEAR, s.C / groups * conv_taps(&s)) : out;
}

/* channels side by side */
static void concat_image_run(struct tape *t, struct op *op, bool training)
{
    const int A = in_C(t, op), B = t->value[op->other].C;
    (void)training;
    t->b->channels_put(t->b, out_data(t, op), A + B, 0, in_data(t, op), A, 0, A, t->N, in_dim(t, op), IMAGE, false);
    t->b->channels_put(t->b, out_data(t, op), A + B, A, other_data(t, op), B, 0, B, t->N, in_dim(t, op), IMAGE, false);
}
static void concat_image_back(struct tape *t, struct op *op)
{
    const int A = in_C(t, op), B = t->value[op->other].C;
    if (in_grad(t, op))
        t->b->channels_put(t->b, in_grad(t, op), A, 0, out_grad(t, op), A + B, 0, A, t->N, in_dim(t, op), IMAGE, true);
    if (other_grad(t, op))
        t->b->channels_put(t->b, other_grad(t, op), B, 0, out_grad(t, op), A + B, A, B, t->N, in_dim(t, op), IMAGE,
                           true);
}
const struct op_kind op_concat_image = {"concat", 0, concat_image_run, concat_image_back, NULL, NULL, NULL};

static void slice_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->channels_put(t->b, out_data(t, op), out_C(t, op), 0, in_data(t, op), in_C(t, op), op->first, out_C(t, op),
                       rows_or_boxes(t, op), image_dim(t, op), t->value[op->in].layout, false);
}
static void slice_back(struct tape *t, struct op *op)
{
    t->b->channels_put(t->b, in_grad(t, op), in_C(t, op), op->first, out_grad(t, op), out_C(t, op), 0, out_C(t, op),
                       rows_or_boxes(t, op), image_dim(t, op), t->value[op->in].layout, true);
}
const struct op_kind op_slice = {"slice", 0, slice_run, slice_back, NULL, NULL, NULL};

int tape_slice(struct tape *t, int in, int first, int count)
{
    const struct value v = t->value[in];
    assert(first >= 0 && count > 0 && first + count <= v.C);
    struct op *op = tape_add_op(t, &op_slice, in, -1, NULL, v.layout, count, v.dim);
    op->first = first;
    return op->out;
}

/* an image as one row */
static void flatten_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->flatten_forward(t->b, out_data(t, op), in_data(t, op), t->N, in_C(t, op), in_dim(t, op));
}
static void flatten_back(struct tape *t, struct op *op)
{
    t->b->flatten_backward(t->b, in_grad(t, op), out_grad(t, op), t->N, in_C(t, op), in_dim(t, op));
}
const struct op_kind op_flatten = {"flatten", 0, flatten_run, flatten_back, NULL, NULL, NULL};

int tape_flatten(struct tape *t, int image)
{
    const struct value v = t->value[image];
    assert(v.layout == IMAGE);
    return tape_add_op(t, &op_flatten, image, -1, NULL, ROWS, v.C * v.dim[0] * v.dim[1] * v.dim[2], ONE)->out;
}

/* a parameter as a value, of every box */
static void repeat_run(struct tape *t, struct op *op, bool training)
{
    (void)training;
    t->b->repeat_forward(t->b, out_data(t, op), weight(t, op, 0), t->N, param(t, op, 0)->count);
}
static void repeat_back(struct tape *t, struct op *op)
{
    t->b->repeat_backward(t->b, dweight(t, op, 0), out_grad(t, op), t->N, param(t, op, 0)->count);
}
const struct op_kind op_repeat = {"parameter", 0, repeat_run, repeat_back, NULL, NULL, NULL};

int tape_param(struct tape *t, const char *name, int T, int C, enum param_init init)
{
    const int tokens[3] = {T, 1, 1};
    struct param q = {.kind = PARAM_PLAIN, .init = init, .ndim = 3, .dim = {1, T, C}};
    struct op *op = tape_add_op(t, &op_repeat, -1, -1, name, ROWS, C, tokens);
    format_into(q.name, sizeof q.name, "%s", name);
    op->param[0] = params_add(t->params, &q);
    return op->out;
}
