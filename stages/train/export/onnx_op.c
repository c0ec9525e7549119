/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_op -- an operation of the tape as nodes of an ONNX graph: a table beats a switch.   [train] */
#include "stages/train/export/onnx_op.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void onnx_name(struct onnx_net *n, int value, const char *name)
{
    size_t needed = (size_t)value + 1;
    if (needed > n->values) {
        n->value = xresize(n->value, needed, sizeof *n->value);
        while (n->values < needed)
            n->value[n->values++] = NULL;
    }
    n->value[value] = name;
}

void onnx_free(struct onnx_net *n)
{
    free(n->value);
}

/* ---- what operations are told with ---- */

struct name {
    char text[128];
};
/* "backbone.conv1", or "add.3"; with what it is a step of: "gelu.12.erf" */
static struct name name(struct onnx_net *n, const struct tape_row *r, const char *step)
{
    struct name to;
    if (*r->name && r->from[0] >= 0)
        format_into(to.text, sizeof to.text, "%s%s%s", r->name, *step ? "." : "", step);
    else
        format_into(to.text, sizeof to.text, "%s.%d%s%s", r->op, n->nodes, *step ? "." : "", step);
    return to;
}

static const char *in(const struct onnx_net *n, const struct tape_row *r, int which)
{
    return n->value[r->from[which]];
}
static const char *param(struct onnx_net *n, const struct tape_row *r, int which)
{
    return r->param[which] ? graph_param(n->g, n->p, r->param[which]->name) : NULL;
}
static bool tokens(const struct tape_row *r)
{
    return r->in[0] > 1;
}
/* whole numbers as an input of a node */
#define INDICES(n, r, step, ...)                                                                                       \
    graph_indices((n)->g, name(n, r, step).text, (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),        \
                  (const int64_t[]){__VA_ARGS__})
static const char *node(struct onnx_net *n, const struct tape_row *r, const char *op, const char *step,
                        const char *const inputs[GRAPH_INPUTS], const struct graph_attribute *with)
{
    return graph_node(n->g, op, name(n, r, step).text, inputs, with);
}
static const char *number(struct onnx_net *n, const struct tape_row *r, const char *step, float value)
{
    return graph_numbers(n->g, name(n, r, step).text, 0, NULL, &value);
}
/* a parameter of (C) to go with images */
static const char *by_channel(struct onnx_net *n, const struct tape_row *r, const char *what, const char *step)
{
    struct name axes;
    if (r->layout == ROWS)
        return what;
    format_into(axes.text, sizeof axes.text, "%s.axes", step);
    return node(n, r, "Unsqueeze", step, INPUTS(what, INDICES(n, r, axes.text, 1, 2, 3)), NULL);
}

/* ---- operations ---- */

static const char *conv(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Conv", "", INPUTS(in(n, r, 0), param(n, r, 0)),
                WITH(WHOLES("kernel_shape", r->kernel[0], r->kernel[1], r->kernel[2]),
                     WHOLES("strides", r->stride[0], r->stride[1], r->stride[2]),
                     WHOLES("pads", r->pad[0], r->pad[1], r->pad[2], r->behind[0], r->behind[1], r->behind[2]),
                     WHOLE("group", r->groups > 1 ? r->groups : 1)));
}

static const char *relu(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Relu", "", INPUTS(in(n, r, 0)), NULL);
}

static const char *norm(struct onnx_net *n, const struct tape_row *r)
{
    const bool more = r->from[1] >= 0 || r->relu;
    const char *x = node(n, r, "BatchNormalization", more ? "norm" : "",
                         INPUTS(in(n, r, 0), param(n, r, 0), param(n, r, 1), param(n, r, 2), param(n, r, 3)),
                         WITH(REAL("epsilon", (float)r->eps)));
    if (r->from[1] >= 0)
        x = node(n, r, "Add", r->relu ? "add" : "", INPUTS(x, in(n, r, 1)), NULL);
    return r->relu ? node(n, r, "Relu", "", INPUTS(x), NULL) : x;
}

static const char *affine(struct onnx_net *n, const struct tape_row *r)
{
    const char *x = in(n, r, 0);
    if (r->param[0])
        x = node(n, r, "Mul", "scaled", INPUTS(x, by_channel(n, r, param(n, r, 0), "scale")), NULL);
    x = node(n, r, "Add", r->relu ? "shifted" : "shift", INPUTS(x, by_channel(n, r, param(n, r, 1), "by")), NULL);
    return r->relu ? node(n, r, "Relu", "relu", INPUTS(x), NULL) : x;
}

static const char *pool(struct onnx_net *n, const struct tape_row *r, const char *op, struct graph_attribute more)
{
    return node(n, r, op, "", INPUTS(in(n, r, 0)),
                WITH(WHOLES("kernel_shape", r->kernel[0], r->kernel[1], r->kernel[2]),
                     WHOLES("strides", r->stride[0], r->stride[1], r->stride[2]),
                     WHOLES("pads", r->pad[0], r->pad[1], r->pad[2], r->pad[0], r->pad[1], r->pad[2]), more));
}
static const char *maxpool(struct onnx_net *n, const struct tape_row *r)
{
    return pool(n, r, "MaxPool", WHOLE("ceil_mode", r->ceil));
}
static const char *meanpool(struct onnx_net *n, const struct tape_row *r)
{
    return pool(n, r, "AveragePool", WHOLE("count_include_pad", 0));
}
static const char *avgpool(struct onnx_net *n, const struct tape_row *r)
{
    const char *x = node(n, r, "GlobalAveragePool", "mean", INPUTS(in(n, r, 0)), NULL);
    return node(n, r, "Flatten", "", INPUTS(x), WITH(WHOLE("axis", 1)));
}
static const char *flatten(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Flatten", "", INPUTS(in(n, r, 0)), WITH(WHOLE("axis", 1)));
}

static const char *linear(struct onnx_net *n, const struct tape_row *r)
{
    const char *weight = param(n, r, 0), *bias = param(n, r, 1);
    if (r->param[0]->ndim > 2)
        weight = node(n, r, "Flatten", "rows", INPUTS(weight), WITH(WHOLE("axis", 1)));
    if (!tokens(r))
        return node(n, r, "Gemm", "", INPUTS(in(n, r, 0), weight, bias), WITH(WHOLE("transB", 1)));
    weight = node(n, r, "Transpose", "turned", INPUTS(weight), WITH(WHOLES("perm", 1, 0)));
    const char *x = node(n, r, "MatMul", bias ? "product" : "", INPUTS(in(n, r, 0), weight), NULL);
    return bias ? node(n, r, "Add", "", INPUTS(x, bias), NULL) : x;
}

/* ONNX wants a scale: ones */
static const char *layernorm(struct onnx_net *n, const struct tape_row *r)
{
    const int64_t C = r->C;
    float *ones = xalloc((size_t)C, sizeof *ones);
    for (int64_t i = 0; i < C; i++)
        ones[i] = 1;
    const char *scale = graph_numbers(n->g, name(n, r, "ones").text, 1, &C, ones);
    free(ones);
    return node(n, r, "LayerNormalization", "", INPUTS(in(n, r, 0), scale),
                WITH(WHOLE("axis", -1), REAL("epsilon", (float)r->eps)));
}
static const char *l2norm(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "LpNormalization", "", INPUTS(in(n, r, 0)), WITH(WHOLE("axis", -1), WHOLE("p", 2)));
}
static const char *scale(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Mul", "weighted", INPUTS(in(n, r, 0), param(n, r, 0)), NULL);
}
static const char *add(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Add", "", INPUTS(in(n, r, 0), in(n, r, 1)), NULL);
}
static const char *concat(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Concat", "", INPUTS(in(n, r, 0), in(n, r, 1)), WITH(WHOLE("axis", r->layout == IMAGE ? 1 : -1)));
}
static const char *slice(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Slice", "",
                INPUTS(in(n, r, 0), INDICES(n, r, "from", r->first), INDICES(n, r, "past", r->first + r->O),
                       INDICES(n, r, "axis", r->layout == IMAGE ? 1 : -1)),
                NULL);
}

/* x / 2 * (1 + erf(x / sqrt 2)) */
static const char *gelu(struct onnx_net *n, const struct tape_row *r)
{
    const char *x = in(n, r, 0);
    const char *y = node(n, r, "Mul", "scaled", INPUTS(x, number(n, r, "root_half", 0.70710678118654752F)), NULL);
    y = node(n, r, "Erf", "erf", INPUTS(y), NULL);
    y = node(n, r, "Add", "shifted", INPUTS(y, number(n, r, "one", 1)), NULL);
    y = node(n, r, "Mul", "gated", INPUTS(x, y), NULL);
    return node(n, r, "Mul", "", INPUTS(y, number(n, r, "half", 0.5F)), NULL);
}
static const char *sigmoid(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Sigmoid", "", INPUTS(in(n, r, 0)), NULL);
}
static const char *silu(struct onnx_net *n, const struct tape_row *r)
{
    const char *y = node(n, r, "Sigmoid", "sigmoid", INPUTS(in(n, r, 0)), NULL);
    return node(n, r, "Mul", "", INPUTS(in(n, r, 0), y), NULL);
}
static const char *softmax(struct onnx_net *n, const struct tape_row *r)
{
    return node(n, r, "Softmax", "", INPUTS(in(n, r, 0)), WITH(WHOLE("axis", -1)));
}
static const char *gate(struct onnx_net *n, const struct tape_row *r)
{
    const char *s = node(n, r, "Unsqueeze", "by", INPUTS(in(n, r, 1), INDICES(n, r, "axes", 2, 3, 4)), NULL);
    return node(n, r, "Mul", "", INPUTS(in(n, r, 0), s), NULL);
}
/* while training alone */
static const char *nothing(struct onnx_net *n, const struct tape_row *r)
{
    return in(n, r, 0);
}

/* ---- tokens ---- */

/* (N,C,D,H,W) -> (N,T,C); of one token, (N,C) */
static const char *image_tokens(struct onnx_net *n, const struct tape_row *r)
{
    if (r->out[0] == 1)
        return flatten(n, r);
    const char *x = node(n, r, "Reshape", "rows", INPUTS(in(n, r, 0), INDICES(n, r, "shape", 0, r->C, r->out[0])), NULL);
    return node(n, r, "Transpose", "", INPUTS(x), WITH(WHOLES("perm", 0, 2, 1)));
}
static const char *tokenmean(struct onnx_net *n, const struct tape_row *r)
{
    return tokens(r) ? node(n, r, "ReduceMean", "", INPUTS(in(n, r, 0)), WITH(WHOLES("axes", 1), WHOLE("keepdims", 0)))
                     : in(n, r, 0);
}
static const char *token(struct onnx_net *n, const struct tape_row *r)
{
    if (!tokens(r))
        return in(n, r, 0);
    const char *x =
        node(n, r, "Gather", "one", INPUTS(in(n, r, 0), INDICES(n, r, "number", r->first)), WITH(WHOLE("axis", 1)));
    return node(n, r, "Squeeze", "", INPUTS(x, INDICES(n, r, "axis", 1)), NULL);
}
/* each side (N,T,C), one token's too */
static const char *join(struct onnx_net *n, const struct tape_row *r)
{
    const char *a = node(n, r, "Reshape", "first", INPUTS(in(n, r, 0), INDICES(n, r, "first.shape", 0, -1, r->C)), NULL);
    const char *b = node(n, r, "Reshape", "then", INPUTS(in(n, r, 1), INDICES(n, r, "then.shape", 0, -1, r->C)), NULL);
    return node(n, r, "Concat", "", INPUTS(a, b), WITH(WHOLE("axis", 1)));
}
/* as often as there are boxes */
static const char *parameter(struct onnx_net *n, const struct tape_row *r)
{
    const char *boxes = node(n, r, "Shape", "boxes", INPUTS("box"), WITH(WHOLE("start", 0), WHOLE("end", 1)));
    const bool row = r->out[0] == 1;
    const char *x = param(n, r, 0);
    if (row)
        x = node(n, r, "Squeeze", "row", INPUTS(x, INDICES(n, r, "axis", 1)), NULL);
    const char *rest = row ? INDICES(n, r, "width", r->O) : INDICES(n, r, "width", r->out[0], r->O);
    return node(n, r, "Expand", "",
                INPUTS(x, node(n, r, "Concat", "shape", INPUTS(boxes, rest), WITH(WHOLE("axis", 0)))), NULL);
}

/* (N,T,C) -> (N,H,T,D) */
static const char *heads_apart(struct onnx_net *n, const struct tape_row *r, const char *x, const char *step)
{
    struct name shape, rows;
    format_into(shape.text, sizeof shape.text, "%s.shape", step);
    format_into(rows.text, sizeof rows.text, "%s.rows", step);
    x = node(n, r, "Reshape", rows.text, INPUTS(x, INDICES(n, r, shape.text, 0, r->in[0], r->heads, r->O / r->heads)),
             NULL);
    return node(n, r, "Transpose", step, INPUTS(x), WITH(WHOLES("perm", 0, 2, 1, 3)));
}
static const char *attend(struct onnx_net *n, const struct tape_row *r, const char *q, const char *k, const char *v)
{
    const float by = 1 / sqrtf((float)(r->O / r->heads));
    k = node(n, r, "Transpose", "turned", INPUTS(k), WITH(WHOLES("perm", 0, 1, 3, 2)));
    const char *x = node(n, r, "MatMul", "scores", INPUTS(q, k), NULL);
    x = node(n, r, "Mul", "scaled", INPUTS(x, number(n, r, "by", by)), NULL);
    x = node(n, r, "Softmax", "probability", INPUTS(x), WITH(WHOLE("axis", -1)));
    x = node(n, r, "MatMul", "weighed", INPUTS(x, v), NULL);
    x = node(n, r, "Transpose", "together", INPUTS(x), WITH(WHOLES("perm", 0, 2, 1, 3)));
    return tokens(r) ? node(n, r, "Reshape", "", INPUTS(x, INDICES(n, r, "shape", 0, r->in[0], r->O)), NULL)
                     : node(n, r, "Reshape", "", INPUTS(x, INDICES(n, r, "shape", 0, r->O)), NULL);
}
static const char *attention(struct onnx_net *n, const struct tape_row *r)
{
    return attend(n, r, heads_apart(n, r, in(n, r, 0), "q"), heads_apart(n, r, in(n, r, 1), "k"),
                  heads_apart(n, r, in(n, r, 2), "v"));
}
static const char *attention_qkv(struct onnx_net *n, const struct tape_row *r)
{
    static const char *const step[3] = {"q", "k", "v"}, *const from[3] = {"q.from", "k.from", "v.from"},
                             *const past[3] = {"q.past", "k.past", "v.past"},
                             *const part[3] = {"q.part", "k.part", "v.part"};
    const char *x[3], *axis = INDICES(n, r, "axis", -1);
    for (int i = 0; i < 3; i++) {
        x[i] = node(n, r, "Slice", part[i],
                    INPUTS(in(n, r, 0), INDICES(n, r, from[i], i * r->O), INDICES(n, r, past[i], (i + 1) * r->O), axis),
                    NULL);
        x[i] = heads_apart(n, r, x[i], step[i]);
    }
    return attend(n, r, x[0], x[1], x[2]);
}

static const struct {
    const char *op;
    const char *(*tell)(struct onnx_net *n, const struct tape_row *r);
} TABLE[] = {{"conv", conv},
             {"group", conv},
             {"norm", norm},
             {"affine", affine},
             {"maxpool", maxpool},
             {"meanpool", meanpool},
             {"avgpool", avgpool},
             {"flatten", flatten},
             {"linear", linear},
             {"layernorm", layernorm},
             {"l2norm", l2norm},
             {"scale", scale},
             {"add", add},
             {"concat", concat},
             {"slice", slice},
             {"relu", relu},
             {"gelu", gelu},
             {"sigmoid", sigmoid},
             {"silu", silu},
             {"softmax", softmax},
             {"gate", gate},
             {"dropout", nothing},
             {"droppath", nothing},
             {"tokens", image_tokens},
             {"tokenmean", tokenmean},
             {"token", token},
             {"tokens-join", join},
             {"parameter", parameter},
             {"attention", attention},
             {"attention-qkv", attention_qkv}};

void onnx_op(struct onnx_net *n, const struct tape_row *row)
{
    for (size_t i = 0; i < COUNT_OF(TABLE); i++)
        if (!strcmp(TABLE[i].op, row->op)) {
            n->nodes++;
            onnx_name(n, row->to, TABLE[i].tell(n, row));
            return;
        }
    die(EX_SOFTWARE, "the operation '%s' cannot be told in ONNX", row->op);
}
