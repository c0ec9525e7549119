/* SPDX-License-Identifier: Apache-2.0 */
/* onnx -- backbone, PEB and classifier as an ONNX file.   model ═▶ [train] ═▶ FILE.onnx
 * The same parts in the same order as kernels/nets; a test holds the two together. */
#include "stages/train/export/onnx.h"
#include "stages/train/export/onnx_graph.h"
#include <stdlib.h>

struct net {
    struct onnx_graph *g;
    struct params *p;
};
/* "prefix.part" for one call */
struct name {
    char text[96];
};
static struct name name(const char *prefix, const char *part)
{
    struct name n;
    format_into(n.text, sizeof n.text, "%s.%s", prefix, part);
    return n;
}
#define INPUTS(...) ((const char *const[GRAPH_INPUTS]){__VA_ARGS__})
#define WITH(...)   ((const struct graph_attribute[GRAPH_ATTRIBUTES]){__VA_ARGS__})

static const char *param(struct net *n, const char *prefix, const char *part)
{
    return graph_param(n->g, n->p, name(prefix, part).text);
}

static const char *relu(struct net *n, const char *x, const char *out)
{
    return graph_node(n->g, "Relu", out, INPUTS(x), NULL);
}

static const char *conv(struct net *n, const char *x, const char *at, int side, const int stride[3])
{
    int64_t pad = side / 2;
    return graph_node(n->g, "Conv", at, INPUTS(x, param(n, at, "weight")),
                      WITH(WHOLES("kernel_shape", side, side, side), WHOLES("strides", stride[0], stride[1], stride[2]),
                           WHOLES("pads", pad, pad, pad, pad, pad, pad)));
}

static const char *batch_norm(struct net *n, const char *x, const char *at)
{
    return graph_node(n->g, "BatchNormalization", at,
                      INPUTS(x, param(n, at, "weight"), param(n, at, "bias"), param(n, at, "running_mean"),
                             param(n, at, "running_var")),
                      WITH(REAL("epsilon", 1e-5f)));
}

static const char *linear(struct net *n, const char *x, const char *at)
{
    return graph_node(n->g, "Gemm", at, INPUTS(x, param(n, at, "weight"), param(n, at, "bias")),
                      WITH(WHOLE("transB", 1)));
}

/* ---- backbone ---- */

static const char *block(struct net *n, const char *x, const char *at, int stride)
{
    const int s[3] = {stride, stride, stride}, one[3] = {1, 1, 1};
    const char *y = conv(n, x, name(at, "conv1").text, 3, s), *shortcut = x;
    y = relu(n, batch_norm(n, y, name(at, "bn1").text), name(at, "relu1").text);
    y = batch_norm(n, conv(n, y, name(at, "conv2").text, 3, one), name(at, "bn2").text);
    if (params_find(n->p, name(at, "downsample.0.weight").text)) {
        shortcut = conv(n, x, name(at, "downsample.0").text, 1, s);
        shortcut = batch_norm(n, shortcut, name(at, "downsample.1").text);
    }
    y = graph_node(n->g, "Add", name(at, "add").text, INPUTS(y, shortcut), NULL);
    return relu(n, y, name(at, "relu2").text);
}

static const char *backbone(struct net *n, const struct network_settings *s, const char *features)
{
    const struct setting *row = setting_find(s->backbone->settings, "stem_stride");
    const struct setting_reals *r = (const void *)(s->own.bytes + row->at);
    const int stride[3] = {(int)r->value[0], (int)r->value[1], (int)r->value[2]};
    const char *x = conv(n, "box", "backbone.conv1", 7, stride);
    x = relu(n, batch_norm(n, x, "backbone.bn1"), "backbone.relu");
    x = graph_node(n->g, "MaxPool", "backbone.maxpool", INPUTS(x),
                   WITH(WHOLES("kernel_shape", 3, 3, 3), WHOLES("strides", 2, 2, 2), WHOLES("pads", 1, 1, 1, 1, 1, 1)));
    for (int layer = 0; layer < 4; layer++)
        for (int b = 0;; b++) {
            char at[64];
            format_into(at, sizeof at, "backbone.layer%d.%d", layer + 1, b);
            if (!params_find(n->p, name(at, "conv1.weight").text))
                break;
            x = block(n, x, at, layer > 0 && b == 0 ? 2 : 1);
        }
    x = graph_node(n->g, "GlobalAveragePool", "backbone.avgpool", INPUTS(x), NULL);
    return graph_node(n->g, "Flatten", features, INPUTS(x), WITH(WHOLE("axis", 1)));
}

/* ---- what stands on it ---- */

/* LayerNorm without an affine part: ONNX wants a scale, so it is ones */
static const char *normalise(struct net *n, const struct network_settings *s, const char *x, const char *out)
{
    if (s->peb_norm == PEB_L2)
        return graph_node(n->g, "LpNormalization", out, INPUTS(x), WITH(WHOLE("axis", 1), WHOLE("p", 2)));
    return graph_node(n->g, "LayerNormalization", out, INPUTS(x, "peb.ones"),
                      WITH(WHOLE("axis", -1), REAL("epsilon", 1e-5f)));
}

/* the numbers of the position vector that the PEB sees */
static const char *position(struct net *n, const struct network_settings *s)
{
    int64_t number[NETWORK_POSITION], count = 0;
    if (s->position_parts == NETWORK_PARTS)
        return "position";
    for (int i = 0; i < NETWORK_POSITION; i++)
        if (s->position_parts & 1u << i / NETWORK_PART)
            number[count++] = i;
    return graph_node(n->g, "Gather", "peb.parts",
                      INPUTS("position", graph_indices(n->g, "peb.numbers", count, number)), WITH(WHOLE("axis", 1)));
}

static void peb(struct net *n, const struct network_settings *s)
{
    const int64_t E = network_embedding(s);
    if (s->peb_norm == PEB_LAYER) {
        float *ones = xalloc((size_t)E, sizeof *ones);
        for (int64_t i = 0; i < E; i++)
            ones[i] = 1;
        graph_numbers(n->g, "peb.ones", 1, &E, ones);
        free(ones);
    }
    const char *q = graph_node(n->g, "Mul", "peb.weighted", INPUTS(position(n, s), param(n, "peb", "weight")), NULL);
    q = normalise(n, s, linear(n, q, "peb.position"), "peb.norm_position");
    const char *y = normalise(n, s, "features", "peb.norm_features");
    y = graph_node(n->g, "Concat", "peb.concat", INPUTS(y, q), WITH(WHOLE("axis", 1)));
    y = linear(n, y, "peb.mix");
    graph_node(n->g, "Identity", "embedding", INPUTS(y), NULL);
}

/* x / 2 * (1 + erf(x / sqrt 2)) */
static const char *gelu(struct net *n, const char *x)
{
    static const float constant[3] = {0.70710678118654752f, 1, 0.5f};
    static const char *const names[3] = {"gelu.root_half", "gelu.one", "gelu.half"};
    for (int i = 0; i < 3; i++)
        graph_numbers(n->g, names[i], 0, NULL, &constant[i]);
    const char *y = graph_node(n->g, "Mul", "gelu.scaled", INPUTS(x, names[0]), NULL);
    y = graph_node(n->g, "Erf", "gelu.erf", INPUTS(y), NULL);
    y = graph_node(n->g, "Add", "gelu.shifted", INPUTS(y, names[1]), NULL);
    y = graph_node(n->g, "Mul", "gelu.gated", INPUTS(x, y), NULL);
    return graph_node(n->g, "Mul", "gelu", INPUTS(y, names[2]), NULL);
}

static void classifier(struct net *n, const struct network_settings *s)
{
    const int64_t shape[2] = {0, NETWORK_CLASSES};
    const char *x = linear(n, "embedding", "classifier.0");
    x = linear(n, s->classifier_gelu ? gelu(n, x) : relu(n, x, "classifier.1"), "classifier.2");
    graph_node(n->g, "Identity", "logits", INPUTS(x), NULL);
    graph_node(n->g, "Softmax", "probability", INPUTS(x), WITH(WHOLE("axis", 1)));
    graph_output(n->g, "logits", 2, shape);
    graph_output(n->g, "probability", 2, shape);
}

int onnx_write(const struct network_settings *s, struct params *p, const char *path, struct error *e)
{
    struct net n = {graph_open("petrel"), p};
    graph_input(n.g, "box", 5, (const int64_t[]){0, s->channels, s->box[0], s->box[1], s->box[2]});
    backbone(&n, s, s->position ? "features" : "embedding");
    if (s->position) {
        graph_input(n.g, "position", 2, (const int64_t[]){0, NETWORK_POSITION});
        peb(&n, s);
    }
    graph_output(n.g, "embedding", 2, (const int64_t[]){0, network_embedding(s)});
    if (params_find(p, "classifier.0.weight"))
        classifier(&n, s);
    int result = graph_write(n.g, path, e);
    graph_close(&n.g);
    return result;
}
