/* SPDX-License-Identifier: Apache-2.0 */
/* vector -- what the loops over a box's 4096 voxels share, written so that the compiler makes vectors of them.   task -> [pairs] -> train
 *
 * Functions marked VECTORISED are built twice (common/base.h); log, exp and sine are our own polynomials: so the bits are
 * the same, whatever the processor and the C library. Errors are a few units in the last place (tests/unit/pairs_augment.c). */
#ifndef PETREL_STAGES_PAIRS_VECTOR_H
#define PETREL_STAGES_PAIRS_VECTOR_H
#include "common/base.h"
#include <math.h>
#include <string.h>

/* Comparisons of floats block vectorising only for fear of a trap nobody here has set; no value changes. */
#pragma GCC optimize("no-trapping-math")

enum { VECTOR_LANES = 16 };

static inline int32_t bits_of(float x)
{
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

static inline float float_of(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Natural logarithm of a positive, normal x: x = m * 2^e with m in [sqrt(1/2), sqrt(2)), then Cephes' polynomial in m-1,
 * taken in pairs of terms, for a long chain of dependent products would wait for itself. */
static inline float vector_log(float x)
{
    const int32_t root_half = 0x3f3504f3;
    int32_t e = (bits_of(x) - root_half) >> 23;
    float f = float_of(bits_of(x) - e * (1 << 23)) - 1.0f, power = (float)e, z = f * f, z2 = z * z;
    float y01 = -2.4999993993e-1f * f + 3.3333331174e-1f, y23 = -1.6668057665e-1f * f + 2.0000714765e-1f;
    float y45 = -1.2420140846e-1f * f + 1.4249322787e-1f, y67 = -1.1514610310e-1f * f + 1.1676998740e-1f;
    float y = (y01 + y23 * z) + (y45 + y67 * z + 7.0376836292e-2f * z2) * z2;
    return f + (y * f * z + power * -2.12194440e-4f - 0.5f * z) + power * 0.693359375f;
}

/* 2^x for x in [-126, 127]: the nearest whole power, times Cephes' polynomial in the rest. */
static inline float vector_exp2(float x)
{
    int32_t whole = (int32_t)(x + 192.5f) - 192; /* 192 makes it positive, so that the conversion rounds downwards */
    float f = x - (float)whole;
    float y = 1.535336188319500e-4f;
    y = y * f + 1.339887440266574e-3f;
    y = y * f + 9.618437357674640e-3f;
    y = y * f + 5.550332471162809e-2f;
    y = y * f + 2.402264791363012e-1f;
    y = y * f + 6.931472028550421e-1f;
    return (y * f + 1.0f) * float_of((whole + 127) * (1 << 23));
}

/* Sine and cosine of 2 pi turn, turn in [0, 1): the nearest quarter turn, then polynomials on [-pi/4, pi/4]. */
static inline void vector_sincos(float turn, float *sine, float *cosine)
{
    int32_t quarter = (int32_t)(4.0f * turn + 0.5f);
    float r = (turn - 0.25f * (float)quarter) * 6.283185307f, z = r * r;
    float s = r + r * z * ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f);
    float c =
        1.0f - 0.5f * z + z * z * ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f);
    float first = quarter & 1 ? c : s, second = quarter & 1 ? s : c;
    *sine =
        float_of(bits_of(first) ^ (int32_t)((uint32_t)(quarter & 2) << 30)); /* minus in the lower half of the circle */
    *cosine = float_of(bits_of(second) ^ (int32_t)((uint32_t)((quarter + 1) & 2) << 30)); /* in the left half */
}

/* Floats as integers in the same order (-0 before +0), and back: so that lowest and highest are found without a branch. */
static inline int32_t order_of(float x)
{
    int32_t i = bits_of(x);
    return i ^ (int32_t)((uint32_t)(i >> 31) >> 1);
}

/* Lowest and highest of count values; count > 0, no NaN. */
static inline void vector_extremes(const float *x, size_t count, float *lowest, float *highest)
{
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (size_t i = 0; i < count; i++) {
        int32_t order = order_of(x[i]);
        low = order < low ? order : low;
        high = order > high ? order : high;
    }
    *lowest = float_of(low ^ (int32_t)((uint32_t)(low >> 31) >> 1));
    *highest = float_of(high ^ (int32_t)((uint32_t)(high >> 31) >> 1));
}
#endif
