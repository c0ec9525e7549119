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

/* Every stream of the project and who draws from it: one use each, and no number elsewhere (tests/layers.sh, unit/common_rng).
 * A new use takes a new number, which is never given to another: name, number. */
#define RNG_STREAMS(ROW)                                                                                               \
    ROW(INIT, 1)    /* tape_params: fresh weights; index = number of the parameter */                                  \
    ROW(PAIRS, 2)   /* pairs/sampler: pairs of an epoch; index = sampler.h's draw of phase, epoch, item */             \
    ROW(AUGMENT, 3) /* pairs/augment: all that one view is given, noise from its NOISE_FIRST_BLOCK on; index = view */ \
    ROW(SPLIT, 4)   /* cache_split: patients into train, validation, test; index 0 */                                  \
    ROW(SIMULATE, 5)   /* datasets/simulate; index = patient << 8 | purpose */                                         \
    ROW(CLASSIFIER, 6) /* pairs/sampler: boxes of a classifier epoch; index as for PAIRS */                            \
    ROW(EVAL, 7)       /* eval/metrics: bootstrap; index 0 */                                                          \
    ROW(DROPOUT, 9)    /* dropout; index = step << 32 | operation << 24 | row */                                       \
    ROW(FRACTION, 10)  /* cache_rows: order in which train_fraction takes regions; seed 0, index = label */            \
    ROW(QUEUE, 11)     /* kernels/methods: what queues hold before anything is learned; index: which */                \
    ROW(CROP, 12)      /* pairs/views: windows of local and random crops; index = view, of the pair */                 \
    ROW(SLICE, 13)     /* pairs/views: which slice of a box; index = view, of the pair */                              \
    ROW(GROUPS, 14)    /* kernels/methods/kmeans: rows that groups begin at; index = number of the grouping */         \
    ROW(FORECAST, 40)  /* train/forecast: boxes that only take time; index 0 */                                        \
    ROW(TEST, 99)      /* tests */
#define RNG_ROW(name, number) RNG_##name = number,
enum rng_stream { RNG_STREAMS(RNG_ROW) };
#undef RNG_ROW

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
