/* SPDX-License-Identifier: Apache-2.0 */
/* cuda_bf16 -- bfloat16: the upper half of a float, rounded to nearest even.   tests/emu */
#ifndef PETREL_TESTS_EMU_CUDA_BF16_H
#define PETREL_TESTS_EMU_CUDA_BF16_H
#include <stdint.h>
#include <string.h>

struct __nv_bfloat16 {
    uint16_t bits;
};

static inline float __bfloat162float(__nv_bfloat16 x)
{
    uint32_t wide = (uint32_t)x.bits << 16;
    float f;
    memcpy(&f, &wide, sizeof f);
    return f;
}

static inline __nv_bfloat16 __float2bfloat16(float f)
{
    uint32_t wide;
    memcpy(&wide, &f, sizeof wide);
    if ((wide & 0x7fffffff) > 0x7f800000)
        return {0x7fff}; /* what the hardware makes of a NaN */
    return {(uint16_t)((wide + 0x7fff + (wide >> 16 & 1)) >> 16)};
}
static inline __nv_bfloat16 __float2bfloat16_rn(float f)
{
    return __float2bfloat16(f);
}
#endif
