/* normals -- a box of Gaussian noise, 16 at a time.   task -> [pairs] -> train
 *
 * The bits are Philox4x32-10's as in common/rng.h, key seed, counter (block, stream, index low, index high), so that
 * another back end can make the same noise. 1024 blocks from first_block on make one box: the block first_block + b,
 * words w0..w3, gives voxels b, b+1024 (cosine and sine of w0, w1) and b+2048, b+3072 (w2, w3):
 *     radius = sqrt(-2 ln(((w0 >> 8) + 1) / 2^24)),  angle = 2 pi (w1 >> 8) / 2^24. */
#ifndef PETREL_STAGES_PAIRS_NORMALS_H
#define PETREL_STAGES_PAIRS_NORMALS_H
#include <stdint.h>

enum { NORMALS_BLOCKS = 1024 };

/* box[4096] += sd * N(0,1). */
void normals_add(float *box, float sd, uint64_t seed, uint32_t stream, uint64_t index, uint32_t first_block);
/* The words themselves: 1024 blocks, word w of block b at words[w][b]. For tests. */
void normals_words(uint32_t words[4][NORMALS_BLOCKS], uint64_t seed, uint32_t stream, uint64_t index, uint32_t first_block);
#endif
