/* SPDX-License-Identifier: Apache-2.0 */
/* augmentation -- which augmentations there are, and one of a box as numbers.   common
 *
 * One enumeration for who draws (stages/pairs), what carries (proto/message.h) and who applies (stages/pairs, or a back end
 * where the boxes lie). The numbers of each, in order:
 *     affine     the map, 3 rows of 4: voxel (z,y,x) shows row[0] z + row[1] y + row[2] x + row[3] of each axis, trilinear,
 *                mirrored about the box's outermost voxels
 *     flip       none: all axes
 *     rotate     the same map, clamped at the outermost voxels
 *     noise      sd; index's low and high 32 bits, first block: N(0, sd) of Philox(seed, RNG_AUGMENT, index), 512 blocks a channel
 *     histogram  where the evenly spaced levels of [0, 1] between lowest and highest value go: as many as there are
 *     contrast   gamma: t^gamma of that range */
#ifndef PETREL_COMMON_AUGMENTATION_H
#define PETREL_COMMON_AUGMENTATION_H
#include "common/base.h"

enum augmentation_kind {
#define AUGMENTATION(name, fewest, most) AUGMENT_##name,
#include "common/augmentation.def"
#undef AUGMENTATION
    AUGMENT_KINDS
};
enum { AUGMENT_NUMBERS = 64 };

struct augmentation_step {
    int32_t at, kind, count; /* at: which box of a batch */
    double number[AUGMENT_NUMBERS];
};

const char *augmentation_name(int kind); /* NULL: there is no such kind */
/* "affine,flip,...": all of them, for sentences. */
const char *augmentation_names(void);
/* -1: none is called so. */
int augmentation_find(const char *name, size_t length);
/* A kind there is, with as many numbers as it takes. */
bool augmentation_whole(int kind, int count);
/* Each name of a comma list ("affine,flip"; "" and "none" have none) to take(context, kind); -1 and a sentence beginning with `key` for
 * an unknown name, one that stands twice, or a take that gives less than 0. */
int augmentation_list(const char *key, const char *list, int (*take)(void *context, int kind), void *context,
                      struct error *e) MUST_USE;
#endif
