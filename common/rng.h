/* SPDX-License-Identifier: Apache-2.0 */
/* rng -- random numbers as a pure function of (seed, stream, index).   common
 *
 * Philox4x32-10 (Salmon et al., SC'11; librandom123): key = seed, counter = (block, stream, index lo, index hi).
 * The same bits on CPU and GPU. Nothing is shared and nothing is carried: two rngs made with the same three
 * numbers give the same sequence in any process, any thread, any order. */
#ifndef PETREL_COMMON_RNG_H
#define PETREL_COMMON_RNG_H
#include "common/base.h"
#ifdef __cplusplus
extern "C" {
#endif

/* Every stream of the project, so that no two uses collide. */
enum rng_stream {
    RNG_INIT = 1,       /* network weights; index = tensor number */
    RNG_PAIRS = 2,      /* which pairs; index = epoch << 24 | step */
    RNG_AUGMENT = 3,    /* index = global number of the view drawn */
    RNG_SPLIT = 4,      /* patients into train, validation, test */
    RNG_SIMULATE = 5,   /* index = patient << 8 | purpose */
    RNG_CLASSIFIER = 6, /* which boxes a classifier epoch sees */
    RNG_EVAL = 7,       /* bootstrap, t-SNE start */
    RNG_CLUSTER = 8,
    RNG_DROPOUT = 9, /* index = step << 32 | operation << 24 | row */
    RNG_TEST = 99
};

struct rng {
    uint32_t key[2], counter[4], block[4];
    unsigned used; /* words of block already given */
    float spare;
    bool has_spare; /* second half of Box-Muller */
};

struct rng rng_make(uint64_t seed, uint32_t stream, uint64_t index);
uint32_t rng_u32(struct rng *r);
float rng_uniform(struct rng *r);                         /* [0,1), 24 bits */
double rng_range(struct rng *r, double low, double high); /* [low,high), 53 bits; high itself only by rounding */
uint32_t rng_below(struct rng *r, uint32_t n);            /* [0,n), no modulo bias; n > 0 */
float rng_normal(struct rng *r);                          /* N(0,1), Box-Muller; no libm: the same bits everywhere */
void rng_shuffle(struct rng *r, uint32_t *index, size_t count);

#ifdef __cplusplus
}
#endif
#endif
