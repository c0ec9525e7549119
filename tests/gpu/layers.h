/* SPDX-License-Identifier: Apache-2.0 */
/* layers -- the convolutions of the paper's network, asked of the network itself.   tests/gpu
 *
 * Code, not only declarations: each program here has its own. */
#ifndef PETREL_TESTS_GPU_LAYERS_H
#define PETREL_TESTS_GPU_LAYERS_H
#include "kernels/nets/network.h"

#include <string.h>

enum { LAYERS_MOST = 256 };
static struct conv_shape layer[LAYERS_MOST]; /* each shape once, the stem first */
static int layers, convolutions;             /* of different shapes; in all */
static int layer_boxes;
static struct conv *(*plain_conv_open)(struct backend *b, const struct conv_shape *s);

static struct conv *layer_note(struct backend *b, const struct conv_shape *s)
{
    struct conv_shape large = *s;
    large.N = layer_boxes;
    bool known = false;
    for (int i = 0; i < layers; i++)
        known = known || !memcmp(&layer[i], &large, sizeof large);
    if (!known && layers < LAYERS_MOST)
        layer[layers++] = large;
    convolutions++;
    return plain_conv_open(b, s);
}

/* Fills layer[] for so many boxes. -1: the network is not the one this was written for. */
static int layers_find(int boxes)
{
    struct error e = {0};
    struct backend *b = backend_open("ref", 1, FLOAT32, &e);
    if (!b)
        return -1;
    layer_boxes = boxes;
    layers = convolutions = 0;
    plain_conv_open = b->conv_open;
    b->conv_open = layer_note;
    struct network_settings settings;
    network_defaults(&settings);
    struct params *params = params_open(b);
    struct tape *tape = tape_open(params, 2, 2); /* few boxes: none is computed */
    (void)network_build(tape, &settings, NETWORK_ENCODER | NETWORK_PROJECTION);
    tape_seal(tape, true, NULL);
    tape_close(&tape);
    params_close(&params);
    backend_close(&b);
    return convolutions == 20 && layers == 11 ? 0 : -1; /* ResNet18: the stem, 16 in blocks, 3 shortcuts */
}

/* The same of any backbone, from what the tape tells of itself; its depthwise convolutions are no work for cuDNN. */
static inline void layers_of(const struct backbone *backbone, int boxes)
{
    struct error e = {0};
    struct network_settings settings;
    struct tape_row row;
    layers = 0;
    network_defaults(&settings);
    if (network_backbone(&settings, backbone->name, &e))
        die_of(&e);
    struct params *params = params_open(NULL);
    struct tape *tape = tape_open(params, 1, 1);
    (void)network_build(tape, &settings, NETWORK_ENCODER);
    for (size_t i = 0; tape_describe(tape, i, &row); i++) {
        struct conv_shape s = {.N = boxes, .C = row.C, .O = row.O};
        bool known = strcmp(row.op, "conv") != 0;
        memcpy(s.in, row.in, sizeof s.in);
        memcpy(s.out, row.out, sizeof s.out);
        memcpy(s.kernel, row.kernel, sizeof s.kernel);
        memcpy(s.stride, row.stride, sizeof s.stride);
        memcpy(s.pad, row.pad, sizeof s.pad);
        for (int k = 0; k < layers; k++)
            known = known || !memcmp(&layer[k], &s, sizeof s);
        if (!known && layers == LAYERS_MOST)
            die(EX_SOFTWARE, "%s has more than %d different convolutions: raise LAYERS_MOST", backbone->name,
                LAYERS_MOST);
        if (!known)
            layer[layers++] = s;
    }
    tape_close(&tape);
    params_close(&params);
}

static void layer_name(char *to, size_t size, const struct conv_shape *s)
{
    format_into(to, size, "%d>%d %dx%dx%d/%dx%dx%d", s->C, s->O, s->in[0], s->in[1], s->in[2], s->kernel[0],
                s->kernel[1], s->kernel[2]);
}
#endif
