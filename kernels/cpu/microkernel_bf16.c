/* SPDX-License-Identifier: Apache-2.0 */
/* microkernel_bf16 -- the convolution's micro-kernel on pairs of bfloat16, two multiply-adds a lane and instruction
 * (AVX512_BF16), and how numbers become pairs.   kernels/cpu
 *
 * GFLOP/s of the tile alone on one core (AMD EPYC Zen 4, GCC 12): 117 in float32, 233 on pairs. */
#include "kernels/cpu/microkernel.h"
#ifdef __x86_64__
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,avx512bf16,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>

#define VEC_BYTES 64
#define ROWS      12
#define BLOCKS    2
#define ROW       (LANES / 2)
#define MULTIPLY_ADD(sum, number, vector)                                                                              \
    ((sum) = (vec)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)_mm512_set1_ps(number), (__m512bh)(__m512)(vector)))
#include "kernels/cpu/brgemm_loops.h"

/* 16 float32, rounded to nearest even, each in the low half of 32 bits */
ALWAYS __m512i rounded(const float *from, size_t count)
{
    __mmask16 m = (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffffu);
    return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(m, from)));
}

ALWAYS void put(float *to, size_t count, __m512i words)
{
    __mmask16 m = (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffffu);
    _mm512_mask_storeu_epi32(to, m, words);
}

static void pair(float *words, const float *low, const float *high, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        __m512i word = rounded(low + i, count - i);
        if (high)
            word = _mm512_or_epi32(word, _mm512_slli_epi32(rounded(high + i, count - i), 16));
        put(words + i, count - i, word);
    }
}

static void halve(float *words, const float *from, size_t count)
{
    size_t i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES)
        _mm512_storeu_si512(words + i / 2,
                            (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + LANES), _mm512_loadu_ps(from + i)));
    for (; i < count; i += LANES) {
        __m512i low = rounded(from + i, count - i);
        size_t n = count - i < LANES ? count - i : LANES;
        _mm512_mask_storeu_epi32(words + i / 2, (__mmask16)((1u << ((n + 1) / 2)) - 1),
                                 _mm512_castsi256_si512(_mm512_cvtepi32_epi16(low)));
    }
}

bool microkernels_bf16_is_here(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16");
}
const struct bf16_loops microkernels_bf16 = {brgemm, pair, halve};
#else
bool microkernels_bf16_is_here(void)
{
    return false;
}
const struct bf16_loops microkernels_bf16;
#endif
