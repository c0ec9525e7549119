/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_op -- an operation of the tape as nodes of an ONNX graph, opset 17.   [train]
 *
 * An image is (N,C,D,H,W), rows are (N,C), tokens (N,T,C). A node is named by its operation's name, or by its kind and a number. */
#ifndef PETREL_STAGES_TRAIN_EXPORT_ONNX_OP_H
#define PETREL_STAGES_TRAIN_EXPORT_ONNX_OP_H
#include "stages/train/export/onnx_graph.h"

struct onnx_net {
    struct onnx_graph *g;
    struct params *p;
    const char **value; /* of each value of the tape, its name in the graph; NULL: not yet there */
    size_t values;
    int nodes; /* that got a number */
};
#define INPUTS(...) ((const char *const[GRAPH_INPUTS]){__VA_ARGS__})
#define WITH(...)   ((const struct graph_attribute[GRAPH_ATTRIBUTES]){__VA_ARGS__})

/* The value is called so from now on; name is the graph's, or lasts. */
void onnx_name(struct onnx_net *n, int value, const char *name);
/* The nodes of a row, and its value's name. An operation that this does not know is a bug: it dies. */
void onnx_op(struct onnx_net *n, const struct tape_row *row);
void onnx_free(struct onnx_net *n);
#endif
