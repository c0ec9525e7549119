/* SPDX-License-Identifier: Apache-2.0 */
/* normals -- a box of Gaussian noise, 16 at a time.   task -> [pairs] -> train */
#include "stages/pairs/normals.h"
#include "stages/pairs/vector.h"

/* Philox4x32-10 (Salmon et al., SC'11) of VECTOR_LANES consecutive blocks side by side. */
static inline void philox_lanes(uint32_t words[4][VECTOR_LANES], uint64_t seed, uint32_t stream, uint64_t index,
                                uint32_t block)
{
    for (uint32_t j = 0; j < VECTOR_LANES; j++) {
        uint32_t c0 = block + j, c1 = stream, c2 = (uint32_t)index, c3 = (uint32_t)(index >> 32);
        uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma GCC unroll 10
        for (int round = 0; round < 10; round++) {
            uint32_t high0 = (uint32_t)((uint64_t)c0 * 0xD2511F53u >> 32), low0 = c0 * 0xD2511F53u;
            uint32_t high1 = (uint32_t)((uint64_t)c2 * 0xCD9E8D57u >> 32), low1 = c2 * 0xCD9E8D57u;
            c0 = high1 ^ c1 ^ k0;
            c2 = high0 ^ c3 ^ k1;
            c1 = low1;
            c3 = low0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        words[0][j] = c0;
        words[1][j] = c1;
        words[2][j] = c2;
        words[3][j] = c3;
    }
}

static inline void add_pairs(float *restrict near, float *restrict far, float sd, const uint32_t *restrict word)
{
    const float unit = 1.0f / 65536.0f;
    for (int j = 0; j < VECTOR_LANES; j++) {
        float s, c;
        vector_sincos((float)(int32_t)(word[j] >> 16) * unit, &s, &c);
        float radius = sd * sqrtf(-2.0f * vector_log(((float)(int32_t)(word[j] & 0xffff) + 0.5f) * unit));
        near[j] += radius * c;
        far[j] += radius * s;
    }
}

VECTORISED void normals_add(float *box, float sd, uint64_t seed, uint32_t stream, uint64_t index, uint32_t first_block)
{
    for (uint32_t b = 0; b < NORMALS_BLOCKS; b += VECTOR_LANES) {
        uint32_t words[4][VECTOR_LANES];
        philox_lanes(words, seed, stream, index, first_block + b);
        for (uint32_t w = 0; w < 4; w++)
            add_pairs(box + 2 * w * NORMALS_BLOCKS + b, box + (2 * w + 1) * NORMALS_BLOCKS + b, sd, words[w]);
    }
}

VECTORISED void normals_words(uint32_t words[4][NORMALS_BLOCKS], uint64_t seed, uint32_t stream, uint64_t index,
                              uint32_t first_block)
{
    for (uint32_t b = 0; b < NORMALS_BLOCKS; b += VECTOR_LANES) {
        uint32_t some[4][VECTOR_LANES];
        philox_lanes(some, seed, stream, index, first_block + b);
        for (int w = 0; w < 4; w++)
            memcpy(&words[w][b], some[w], sizeof some[w]);
    }
}
