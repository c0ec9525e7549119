/* SPDX-License-Identifier: Apache-2.0 */
/* numbers -- what golden files begin from and need no room for: a formula that network.py has, too.   tests/unit */
#ifndef PETREL_TESTS_NUMBERS_H
#define PETREL_TESTS_NUMBERS_H
#include "common/base.h"

/* numbers begin, begin + 1 ... of the sequence, times scale; the caller's */
static inline float *numbers(uint32_t begin, size_t count, float scale)
{
    float *x = xalloc(count, sizeof *x);
    for (size_t i = 0; i < count; i++) {
        uint32_t k = begin + 1 + (uint32_t)i;
        k = (k ^ k >> 16) * 0x7feb352dU;
        k = (k ^ k >> 15) * 0x846ca68bU;
        x[i] = scale * ((float)((k ^ k >> 16) & 0xffff) / 16384 - 2);
    }
    return x;
}
#endif
