/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_graph -- an ONNX graph as it grows, node by node.   [train] */
#include "stages/train/export/onnx_graph.h"
#include "common/file.h"
#include <onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 8, OPSET = 17, FLOAT = 1, INT64 = 7, ATTRIBUTE_F = 1, ATTRIBUTE_I = 2, ATTRIBUTE_INTS = 7 };

/* Messages are held by pointer lists, as protobuf-c wants them; all are freed by its own free_unpacked. */
struct onnx_graph {
    Onnx__Model model;
    Onnx__Graph graph;
    Onnx__OperatorSet opset, *opsets[1];
};

/* list[count++] = new; lists grow one by one, for a network has a hundred nodes */
#define APPEND(list, count, new) (*((list) = xresize((list), (count) + 1, sizeof *(list)), &(list)[(count)++]) = (new))

struct onnx_graph *graph_open(const char *name)
{
    struct onnx_graph *g = xalloc(1, sizeof *g);
    onnx__model__init(&g->model);
    onnx__graph__init(&g->graph);
    onnx__operator_set__init(&g->opset);
    g->opset.domain = (char *)"";
    g->opset.version = OPSET;
    g->opset.has_version = 1;
    g->opsets[0] = &g->opset;
    g->graph.name = xstrdup(name);
    g->model.ir_version = IR_VERSION;
    g->model.has_ir_version = 1;
    g->model.producer_name = (char *)"petrel-train";
    g->model.producer_version = xstrdup(program_version());
    g->model.graph = &g->graph;
    g->model.n_opset_import = 1;
    g->model.opset_import = g->opsets;
    return g;
}

void graph_close(struct onnx_graph **pg)
{
    struct onnx_graph *g = *pg;
    for (size_t i = 0; i < g->graph.n_node; i++)
        onnx__node__free_unpacked(g->graph.node[i], NULL);
    for (size_t i = 0; i < g->graph.n_initializer; i++)
        onnx__tensor__free_unpacked(g->graph.initializer[i], NULL);
    for (size_t i = 0; i < g->graph.n_input; i++)
        onnx__value_info__free_unpacked(g->graph.input[i], NULL);
    for (size_t i = 0; i < g->graph.n_output; i++)
        onnx__value_info__free_unpacked(g->graph.output[i], NULL);
    free(g->graph.node);
    free(g->graph.initializer);
    free(g->graph.input);
    free(g->graph.output);
    free(g->graph.name);
    free(g->model.producer_version);
    free(g);
    *pg = NULL;
}

static Onnx__Attribute *attribute_make(const struct graph_attribute *from)
{
    Onnx__Attribute *a = xalloc(1, sizeof *a);
    onnx__attribute__init(a);
    a->name = xstrdup(from->name);
    a->has_type = 1;
    if (from->count > 0) {
        a->type = ATTRIBUTE_INTS;
        a->n_ints = (size_t)from->count;
        a->ints = xalloc(a->n_ints, sizeof *a->ints);
        memcpy(a->ints, from->whole, a->n_ints * sizeof *a->ints);
    } else if (from->count == 0) {
        a->type = ATTRIBUTE_I;
        a->i = from->whole[0];
        a->has_i = 1;
    } else {
        a->type = ATTRIBUTE_F;
        a->f = from->real;
        a->has_f = 1;
    }
    return a;
}

const char *graph_node(struct onnx_graph *g, const char *op, const char *out, const char *const inputs[GRAPH_INPUTS],
                       const struct graph_attribute attributes[GRAPH_ATTRIBUTES])
{
    Onnx__Node *n = xalloc(1, sizeof *n);
    onnx__node__init(n);
    n->name = xstrdup(out);
    n->op_type = xstrdup(op);
    for (int i = 0; i < GRAPH_INPUTS && inputs[i]; i++)
        APPEND(n->input, n->n_input, xstrdup(inputs[i]));
    APPEND(n->output, n->n_output, xstrdup(out));
    for (int i = 0; attributes && i < GRAPH_ATTRIBUTES && attributes[i].name; i++)
        APPEND(n->attribute, n->n_attribute, attribute_make(&attributes[i]));
    APPEND(g->graph.node, g->graph.n_node, n);
    return n->output[0];
}

static Onnx__Tensor *tensor_make(struct onnx_graph *g, const char *name, int type, size_t bytes)
{
    Onnx__Tensor *t = xalloc(1, sizeof *t);
    onnx__tensor__init(t);
    t->name = xstrdup(name);
    t->data_type = type;
    t->has_data_type = t->has_raw_data = 1;
    t->raw_data.len = bytes;
    t->raw_data.data = xalloc(bytes, 1);
    APPEND(g->graph.initializer, g->graph.n_initializer, t);
    return t;
}

const char *graph_param(struct onnx_graph *g, struct params *p, const char *name)
{
    const struct param *q = params_find(p, name);
    if (!q)
        die(EX_SOFTWARE, "the network has no parameter '%s'", name);
    Onnx__Tensor *t = tensor_make(g, name, FLOAT, q->count * sizeof(float));
    for (int a = 0; a < q->ndim; a++)
        APPEND(t->dims, t->n_dims, q->dim[a]);
    param_get(p, q, (float *)(void *)t->raw_data.data);
    return t->name;
}

const char *graph_numbers(struct onnx_graph *g, const char *name, int ndim, const int64_t *dim, const float *values)
{
    size_t count = 1;
    for (int a = 0; a < ndim; a++)
        count *= (size_t)dim[a];
    Onnx__Tensor *t = tensor_make(g, name, FLOAT, count * sizeof *values);
    for (int a = 0; a < ndim; a++)
        APPEND(t->dims, t->n_dims, dim[a]);
    memcpy(t->raw_data.data, values, count * sizeof *values);
    return t->name;
}

const char *graph_indices(struct onnx_graph *g, const char *name, int64_t count, const int64_t *values)
{
    Onnx__Tensor *t = tensor_make(g, name, INT64, (size_t)count * sizeof *values);
    APPEND(t->dims, t->n_dims, count);
    memcpy(t->raw_data.data, values, (size_t)count * sizeof *values);
    return t->name;
}

static Onnx__ValueInfo *value_make(const char *name, int ndim, const int64_t *dim)
{
    Onnx__ValueInfo *v = xalloc(1, sizeof *v);
    onnx__value_info__init(v);
    v->name = xstrdup(name);
    v->type = xalloc(1, sizeof *v->type);
    onnx__type__init(v->type);
    Onnx__TensorType *type = v->type->tensor_type = xalloc(1, sizeof *type);
    onnx__tensor_type__init(type);
    type->elem_type = FLOAT;
    type->has_elem_type = 1;
    type->shape = xalloc(1, sizeof *type->shape);
    onnx__shape__init(type->shape);
    for (int a = 0; a < ndim; a++) {
        Onnx__Dimension *d = xalloc(1, sizeof *d);
        onnx__dimension__init(d);
        d->dim_value = dim[a];
        d->has_dim_value = dim[a] > 0;
        d->dim_param = dim[a] > 0 ? NULL : xstrdup("N");
        APPEND(type->shape->dim, type->shape->n_dim, d);
    }
    return v;
}

void graph_input(struct onnx_graph *g, const char *name, int ndim, const int64_t *dim)
{
    APPEND(g->graph.input, g->graph.n_input, value_make(name, ndim, dim));
}

void graph_output(struct onnx_graph *g, const char *name, int ndim, const int64_t *dim)
{
    APPEND(g->graph.output, g->graph.n_output, value_make(name, ndim, dim));
}

int graph_write(struct onnx_graph *g, const char *path, struct error *e)
{
    size_t size = onnx__model__get_packed_size(&g->model);
    if (size > INT32_MAX)
        return fail(e, "'%s' would have %zu bytes, but an ONNX file has at most 2 GiB: narrow the network", path, size);
    uint8_t *bytes = xalloc(size, 1);
    onnx__model__pack(&g->model, bytes);
    int result = publish_bytes(path, bytes, size, e);
    free(bytes);
    return result;
}
