/* SPDX-License-Identifier: Apache-2.0 */
/* onnx -- backbone, PEB and classifier as an ONNX file.   model ═▶ [train] ═▶ FILE.onnx
 *
 * The network is built once more, on a tape of one box that is never sealed, and its rows are told one by one (onnx_op.c): whatever
 * the tape can hold is exported. What only training knows, dropout, is passed over. */
#include "stages/train/export/onnx.h"
#include "stages/train/export/onnx_op.h"
#include <stdlib.h>

static void add_input(struct onnx_net *n, int value, const char *name, int ndim, const int64_t *dim)
{
    if (value < 0)
        return;
    graph_input(n->g, name, ndim, dim);
    onnx_name(n, value, name);
}

/* A value under a name that does not depend on the network. */
static void add_output(struct onnx_net *n, int value, const char *name, int64_t width)
{
    const int64_t shape[2] = {0, width};
    graph_node(n->g, "Identity", name, INPUTS(n->value[value]), NULL);
    graph_output(n->g, name, 2, shape);
}

int onnx_write(const struct network_settings *s, struct params *p, const char *path, struct error *e)
{
    const bool classifier = params_find(p, "classifier.0.weight");
    struct tape *tape = tape_open(p, 1, 1);
    const struct network_values v = network_build(tape, s, NETWORK_ENCODER | (classifier ? NETWORK_CLASSIFIER : 0u));
    struct onnx_net n = {.g = graph_open("petrel"), .p = p};
    struct tape_row row;
    add_input(&n, v.box, "box", 5, (const int64_t[]){0, s->channels, s->box[0], s->box[1], s->box[2]});
    add_input(&n, v.position, "position", 2, (const int64_t[]){0, NETWORK_POSITION});
    for (size_t i = 0; tape_describe(tape, i, &row); i++)
        onnx_op(&n, &row);
    add_output(&n, v.embedding, "embedding", network_embedding(s));
    if (classifier) {
        add_output(&n, v.logits, "logits", NETWORK_CLASSES);
        onnx_name(&n, v.logits,
                  graph_node(n.g, "Softmax", "classifier.softmax", INPUTS("logits"), WITH(WHOLE("axis", 1))));
        add_output(&n, v.logits, "probability", NETWORK_CLASSES);
    }
    int result = graph_write(n.g, path, e);
    graph_close(&n.g);
    tape_close(&tape);
    onnx_free(&n);
    return result;
}
