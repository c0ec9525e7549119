/* SPDX-License-Identifier: Apache-2.0 */
/* foreign -- numbers as some other program's file holds them.   common */
#include "common/foreign.h"
#include <math.h>
#include <string.h>

#define NUMBER(name, kind)                                                                                             \
    double foreign_##name(const uint8_t *at)                                                                           \
    {                                                                                                                  \
        kind v;                                                                                                        \
        memcpy(&v, at, sizeof v);                                                                                      \
        return (double)v;                                                                                              \
    }                                                                                                                  \
    void foreign_floats_##name(const uint8_t *at, size_t count, double slope, double inter, float *to)                 \
    {                                                                                                                  \
        for (size_t i = 0; i < count; i++)                                                                             \
            to[i] = (float)(foreign_##name(at + i * sizeof(kind)) * slope + inter);                                    \
    }
NUMBER(u8, uint8_t)
NUMBER(i8, int8_t)
NUMBER(i16, int16_t)
NUMBER(u16, uint16_t)
NUMBER(i32, int32_t)
NUMBER(u32, uint32_t)
NUMBER(i64, int64_t)
NUMBER(u64, uint64_t)
NUMBER(f32, float)
NUMBER(f64, double)

size_t floats_bad(const float *v, size_t count)
{
    enum { RUN = 4096 };
    for (size_t from = 0; from < count; from += RUN) {
        size_t const to = from + RUN < count ? from + RUN : count;
        unsigned bad = 0;
        for (size_t i = from; i < to; i++) {
            uint32_t bits;
            memcpy(&bits, &v[i], sizeof bits);
            bad |= (bits & 0x7f800000U) == 0x7f800000U; /* all exponent bits: infinite, or no number */
        }
        for (size_t i = from; bad && i < to; i++)
            if (!isfinite(v[i]))
                return i;
    }
    return count;
}

void foreign_swap(uint8_t *at, size_t count, size_t width)
{
    for (size_t i = 0; i < count; i++, at += width)
        for (size_t low = 0, high = width - 1; low < high; low++, high--) {
            uint8_t kept = at[low];
            at[low] = at[high];
            at[high] = kept;
        }
}
