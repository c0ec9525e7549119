/* vector -- what the loops over a box's 4096 voxels share, written so that the compiler makes vectors of them.   task -> [pairs] -> train
 *
 * Functions marked VECTORISED are built twice, for AVX2 and for any x86-64, and chosen when the program is loaded.
 * Neither fuses multiply and add, no sum is reordered, and log, exp and sine are our own polynomials: so both give the
 * same bits, whatever the processor and the C library. Errors are a few units in the last place (tests/unit/pairs_augment.c). */
#ifndef PETREL_STAGES_PAIRS_VECTOR_H
#define PETREL_STAGES_PAIRS_VECTOR_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Comparisons of floats block vectorising only for fear of a trap nobody here has set; no value changes. */
#pragma GCC optimize("no-trapping-math")

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define VECTORISED /* the sanitizers cannot follow a function chosen at load time */
#endif

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

/* Natural logarithm of a positive, normal x: x = m * 2^e with m in [sqrt(1/2), sqrt(2)), then Cephes' polynomial in m-1. */
static inline float vector_log(float x)
{
    const int32_t root_half = 0x3f3504f3;
    int32_t e = (bits_of(x) - root_half) >> 23;
    float f = float_of(bits_of(x) - (e << 23)) - 1.0f, power = (float)e, z = f * f;
    float y = 7.0376836292e-2f;
    y = y * f - 1.1514610310e-1f;
    y = y * f + 1.1676998740e-1f;
    y = y * f - 1.2420140846e-1f;
    y = y * f + 1.4249322787e-1f;
    y = y * f - 1.6668057665e-1f;
    y = y * f + 2.0000714765e-1f;
    y = y * f - 2.4999993993e-1f;
    y = y * f + 3.3333331174e-1f;
    y = y * f * z + power * -2.12194440e-4f;
    return f + (y - 0.5f * z) + power * 0.693359375f;
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
    return (y * f + 1.0f) * float_of((whole + 127) << 23);
}

/* Sine and cosine of 2 pi turn, turn in [0, 1): the nearest quarter turn, then polynomials on [-pi/4, pi/4]. */
static inline void vector_sincos(float turn, float *sine, float *cosine)
{
    int32_t quarter = (int32_t)(4.0f * turn + 0.5f);
    float r = (turn - 0.25f * (float)quarter) * 6.283185307f, z = r * r;
    float s = r + r * z * ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f);
    float c = 1.0f - 0.5f * z + z * z * ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f);
    float first = quarter & 1 ? c : s, second = quarter & 1 ? s : c;
    *sine = quarter & 2 ? -first : first;
    *cosine = (quarter + 1) & 2 ? -second : second;
}

/* Lowest and highest of count values, a multiple of VECTOR_LANES. */
static inline void vector_extremes(const float *x, size_t count, float *lowest, float *highest)
{
    float low[VECTOR_LANES], high[VECTOR_LANES];
    for (int j = 0; j < VECTOR_LANES; j++)
        low[j] = high[j] = x[j];
    for (size_t i = VECTOR_LANES; i < count; i += VECTOR_LANES)
        for (int j = 0; j < VECTOR_LANES; j++) {
            low[j] = x[i + (size_t)j] < low[j] ? x[i + (size_t)j] : low[j];
            high[j] = x[i + (size_t)j] > high[j] ? x[i + (size_t)j] : high[j];
        }
    *lowest = low[0];
    *highest = high[0];
    for (int j = 1; j < VECTOR_LANES; j++) {
        *lowest = low[j] < *lowest ? low[j] : *lowest;
        *highest = high[j] > *highest ? high[j] : *highest;
    }
}
#endif
