/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_graph -- an ONNX graph as it grows, node by node; the only user of onnx.proto.   [train] */
#ifndef PETREL_STAGES_TRAIN_EXPORT_ONNX_GRAPH_H
#define PETREL_STAGES_TRAIN_EXPORT_ONNX_GRAPH_H
#include "kernels/tape.h"

struct onnx_graph;
struct onnx_graph *graph_open(const char *name);
void graph_close(struct onnx_graph **g);

/* An attribute: whole numbers, one number, or a real. */
struct graph_attribute {
    const char *name;
    int count;
    int64_t whole[6];
    float real;
};
#define WHOLES(name, ...)                                                                                              \
    ((struct graph_attribute){name, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}, 0})
#define WHOLE(name, value) ((struct graph_attribute){name, 0, {value}, 0})
#define REAL(name, value)  ((struct graph_attribute){name, -1, {0}, value})
enum { GRAPH_INPUTS = 5, GRAPH_ATTRIBUTES = 4 };

/* out = op(inputs); lists end with NULL, or an attribute without a name. Returns out's name, the graph's. */
const char *graph_node(struct onnx_graph *g, const char *op, const char *out, const char *const inputs[GRAPH_INPUTS],
                       const struct graph_attribute attributes[GRAPH_ATTRIBUTES]);
/* A parameter as it is now, under its name; or numbers of our own. Returns the name, the graph's. */
const char *graph_param(struct onnx_graph *g, struct params *p, const char *name);
const char *graph_numbers(struct onnx_graph *g, const char *name, int ndim, const int64_t *dim, const float *values);
const char *graph_indices(struct onnx_graph *g, const char *name, int64_t count, const int64_t *values);
/* dim 0: as many as there are boxes */
void graph_input(struct onnx_graph *g, const char *name, int ndim, const int64_t *dim);
void graph_output(struct onnx_graph *g, const char *name, int ndim, const int64_t *dim);
int graph_write(struct onnx_graph *g, const char *path, struct error *e) MUST_USE;
#endif
