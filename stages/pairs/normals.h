/* SPDX-License-Identifier: Apache-2.0 */
/* normals -- a box of Gaussian noise, 16 at a time.   task -> [pairs] -> train
 *
 * The bits are Philox4x32-10's as in common/rng.h, key seed, counter (block, stream, index low, index high), so that
 * another back end can make the same noise. 512 blocks from first_block on make one box: word w of block first_block + b
 * gives voxels w*1024 + b and w*1024 + 512 + b, the cosine and the sine of
 *     radius = sqrt(-2 ln((low half + 1/2) / 2^16)),  angle = 2 pi (high half) / 2^16.
 * Half a word each is plenty for noise on a box: the largest of the 2^32 pairs is 4.86 sd, the smallest 0.004. */
#ifndef PETREL_STAGES_PAIRS_NORMALS_H
#define PETREL_STAGES_PAIRS_NORMALS_H
#include <stdint.h>

enum { NORMALS_BLOCKS = 512 };

/* box[4096] += sd * N(0,1). */
void normals_add(float *box, float sd, uint64_t seed, uint32_t stream, uint64_t index, uint32_t first_block);
/* The words themselves: word w of block b at words[w][b]. For tests. */
void normals_words(uint32_t words[4][NORMALS_BLOCKS], uint64_t seed, uint32_t stream, uint64_t index,
                   uint32_t first_block);
#endif
