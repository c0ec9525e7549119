/* SPDX-License-Identifier: Apache-2.0 */
/* augment -- the augmentations, and the chain of them a view passes.   task -> [pairs] -> train
 *
 * An augmentation is one file: it draws its parameters from the recipe's ranges, and applies drawn parameters to a box.
 * The two are apart so that applying can be checked against numbers from elsewhere, and drawing shown to a reader. To add
 * one: its file here with `const struct augmentation augment_NAME`, its draw below, a row in common/augmentation.def; its
 * ranges are settings, in NAME.def.
 *
 * A box is [channels][16][16][16]. Channels go through together, as MONAI has it: geometry is the same for all; histogram and
 * contrast are one curve between the lowest and highest value of all; noise has one sd and a number of its own for every voxel of
 * every channel. All are pure functions of box and draw. */
#ifndef PETREL_STAGES_PAIRS_AUGMENT_H
#define PETREL_STAGES_PAIRS_AUGMENT_H
#include "common/augmentation.h"
#include "common/rng.h"
#include "proto/message.h"
#include "proto/recipe.h"

enum { HISTOGRAM_POINTS_MAX = 64, CHAIN_MAX = 16 };

struct affine_draw {
    double rotate_rad[3]; /* about array axes 0, 1, 2 */
    double shear[6];      /* off-diagonal, row by row */
    double translate_voxels[3], scale[3];
};
struct rotate_draw {
    double rad[3];
};
struct noise_draw {
    float sd;
    uint64_t seed, index;
    uint32_t block;
};
struct histogram_draw {
    int points;
    float point[HISTOGRAM_POINTS_MAX];
}; /* where the evenly spaced levels of [0, 1] go */
struct contrast_draw {
    float gamma;
};
union draw {
    struct affine_draw affine;
    struct rotate_draw rotate;
    struct noise_draw noise;
    struct histogram_draw histogram;
    struct contrast_draw contrast;
};

/* The random numbers of one view: r gives parameters; noise takes the same stream's blocks from NOISE_FIRST_BLOCK on. */
struct view_rng {
    struct rng r;
    uint64_t seed, index;
    uint32_t block; /* the first of this view's; noise's: NOISE_FIRST_BLOCK further on */
};
enum { NOISE_FIRST_BLOCK = 1 << 16, VIEW_BLOCKS = 1 << 20 };
/* `which` of the views that share an index: its numbers are the blocks from which * VIEW_BLOCKS on. */
struct view_rng view_rng_make(uint64_t seed, uint64_t index, uint32_t which);

struct augmentation {
    void (*draw)(union draw *d, const struct recipe *r, struct view_rng *v);
    void (*apply)(float *box, int channels, const union draw *d);
    void (*describe)(const union draw *d, char *text, size_t size); /* the parameters, for people */
    void (*tell)(const union draw *d,
                 struct augmentation_step *s); /* the same for who applies it elsewhere: count, number */
};
#define AUGMENTATION(name, fewest, most) extern const struct augmentation augment_##name;
#include "common/augmentation.def"
#undef AUGMENTATION

/* How affine and rotate tell. */
struct map;
void tell_map(struct augmentation_step *s, const struct map *map);

/* A comma list as the recipe holds it ("affine,flip", "none"), each of them applied with the probability. */
struct chain {
    int step[CHAIN_MAX]; /* enum augmentation_kind */
    size_t count;
    double probability;
};
extern const struct augmentation *const augmentations[AUGMENT_KINDS];
/* -1 and a sentence for an unknown name or settings no augmentation can hold. */
int chain_parse(struct chain *c, const char *list, double probability, const struct recipe *r, struct error *e) MUST_USE;

/* What the chain does to one view: steps that were not drawn are not there. */
struct drawn {
    int what; /* enum augmentation_kind */
    union draw with;
};
struct drawn_chain {
    struct drawn step[CHAIN_MAX];
    size_t count;
};
void chain_draw(struct drawn_chain *d, const struct chain *c, const struct recipe *r, uint64_t seed, uint64_t index);
/* The same for one of several views of an index. */
void chain_draw_view(struct drawn_chain *d, const struct chain *c, const struct recipe *r, uint64_t seed,
                     uint64_t index, uint32_t which);
void chain_apply(const struct drawn_chain *d, float *box, int channels);
/* The same steps for box `at` of a batch; room for CHAIN_MAX. */
void chain_tell(const struct drawn_chain *d, int32_t at, struct augmentation_step *step);
#endif
