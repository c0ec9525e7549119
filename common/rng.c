/* SPDX-License-Identifier: Apache-2.0 */
/* rng -- Philox4x32-10 and what is drawn from it.   common
 *
 * Integers and uniforms are exact. The normals use + - * / and sqrt alone, which IEEE 754 rounds correctly, and no
 * libm: so they too are the same bits on every machine and with every C library (compiled, as the Makefile does,
 * with -ffp-contract=off, and without -ffast-math). */
#include "common/rng.h"

#include <Random123/philox.h>
#include <assert.h>
#include <math.h>

struct rng rng_make(uint64_t seed, uint32_t stream, uint64_t index)
{
    return (struct rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, stream, (uint32_t)index, (uint32_t)(index >> 32)},
        .used = 4,
    };
}

uint32_t rng_u32(struct rng *r)
{
    if (r->used == 4) {
        philox4x32_ctr_t counter = {{r->counter[0], r->counter[1], r->counter[2], r->counter[3]}};
        philox4x32_key_t key = {{r->key[0], r->key[1]}};
        philox4x32_ctr_t block = philox4x32_R(10, counter, key);
        for (int i = 0; i < 4; i++)
            r->block[i] = block.v[i];
        r->counter[0]++; /* 2^34 words an index: nobody asks for so many */
        r->used = 0;
    }
    return r->block[r->used++];
}

float rng_uniform(struct rng *r)
{
    return (float)(rng_u32(r) >> 8) * 0x1p-24f;
}

double rng_range(struct rng *r, double low, double high)
{
    uint64_t upper = rng_u32(r);
    uint64_t bits = (upper << 32 | rng_u32(r)) >> 11;
    return low + (high - low) * ((double)bits * 0x1p-53);
}

/* Lemire, "Fast random integer generation in an interval", 2019. */
uint32_t rng_below(struct rng *r, uint32_t n)
{
    assert(n > 0);
    uint64_t product = (uint64_t)rng_u32(r) * n;
    if ((uint32_t)product < n) {
        uint32_t uneven = -n % n; /* 2^32 mod n */
        while ((uint32_t)product < uneven)
            product = (uint64_t)rng_u32(r) * n;
    }
    return (uint32_t)(product >> 32);
}

void rng_shuffle(struct rng *r, uint32_t *index, size_t count)
{
    assert(count <= UINT32_MAX);
    for (size_t i = count; i > 1; i--) {
        uint32_t j = rng_below(r, (uint32_t)i), kept = index[i - 1];
        index[i - 1] = index[j];
        index[j] = kept;
    }
}

/* ln(x), x in (0, 1]: 2 atanh of (m-1)/(m+1) for the mantissa m in [0.71, 1.42), |s| < 0.172. */
static double log_plain(double x)
{
    int exponent;
    double m = frexp(x, &exponent); /* exact */
    if (m < 0.70710678118654752) {
        m *= 2;
        exponent--;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * s2 + 1.0 / k;
    return 2 * s * sum + exponent * 0.69314718055994531;
}

/* sin and cos of a quarter turn times f, f in [0, 1): Taylor to x^21, below 1e-17. */
static void sincos_plain(double f, double *sine, double *cosine)
{
    double x = f * 1.5707963267948966, x2 = x * x, s = 1, c = 1;
    for (int k = 20; k >= 2; k -= 2) {
        s = 1 - s * x2 / (k * (k + 1));
        c = 1 - c * x2 / (k * (k - 1));
    }
    *sine = s * x;
    *cosine = c;
}

float rng_normal(struct rng *r)
{
    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    double radius = sqrt(-2 * log_plain(((double)(rng_u32(r) >> 8) + 1) * 0x1p-24)); /* (0, 1]: no infinity */
    uint32_t turn = rng_u32(r);
    double s, c;
    sincos_plain((double)(turn & 0x3fffffff) * 0x1p-30, &s, &c);
    for (uint32_t quarter = turn >> 30; quarter; quarter--) {
        double old = c;
        c = -s;
        s = old;
    }
    r->spare = (float)(radius * s);
    r->has_spare = true;
    return (float)(radius * c);
}
