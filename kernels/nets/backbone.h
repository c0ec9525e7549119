/* SPDX-License-Identifier: Apache-2.0 */
/* backbone -- an encoder of boxes behind one table: what a new one must say.   kernels/nets
 *
 * A backbone is one file NAME.c with a struct backbone_NAME, a row in backbones.def, and its settings in NAME.def if it has any
 * (proto/recipe.def gathers them). Everything else follows from the tape it builds: training, describe, ONNX, model files,
 * checkpoints. Names of its tensors are those of the library it is from, so that weights go both ways. */
#ifndef PETREL_KERNELS_NETS_BACKBONE_H
#define PETREL_KERNELS_NETS_BACKBONE_H
#include "kernels/setting.h"
#include "kernels/tape.h"
#include <stddef.h>

struct backbone {
    const char *name, *source, *help; /* source: where its layers and its names are from */
    const char *head; /* what stands on the embedding in that library, by its name: --init leaves it out. NULL: nothing */
    const struct setting *settings; /* NULL: none; those of one family share a list */
    /* Of the settings, which passed their ranges: -1 and a sentence where a box of this shape cannot be had. NULL: any will do */
    int (*check)(const void *settings, const int box[3], struct error *e);
    int (*embedding)(const void *settings); /* E */
    /* From the image `box` to a value of rows (N,E), under names beginning with `prefix` ("backbone"). */
    int (*build)(struct tape *t, int box, const char *prefix, const void *settings);
};

/* Room for the settings of any backbone, to be copied about. A CHOICE in them is borrowed from whoever gave it. */
enum { BACKBONE_SETTINGS = 256 };
struct backbone_settings {
    _Alignas(max_align_t) char bytes[BACKBONE_SETTINGS];
};
/* For the file of a backbone: its struct fits. */
#define BACKBONE_SETTINGS_FIT(type) _Static_assert(sizeof(type) <= BACKBONE_SETTINGS, "raise BACKBONE_SETTINGS")

/* By name; NULL and a sentence with the list. */
const struct backbone *backbone_named(const char *name, struct error *e) MUST_USE;
/* The i-th, NULL past the end. */
const struct backbone *backbone_at(size_t i);
#endif
