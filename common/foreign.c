/* foreign -- numbers as some other program's file holds them.   common */
#include "common/foreign.h"
#include <string.h>

#define GETTER(name, kind)                                                                                             \
    double name(const uint8_t *at)                                                                              \
    {                                                                                                                  \
        kind v;                                                                                                        \
        memcpy(&v, at, sizeof v);                                                                                      \
        return (double)v;                                                                                              \
    }
GETTER(foreign_u8, uint8_t)
GETTER(foreign_i8, int8_t)
GETTER(foreign_i16, int16_t)
GETTER(foreign_u16, uint16_t)
GETTER(foreign_i32, int32_t)
GETTER(foreign_u32, uint32_t)
GETTER(foreign_i64, int64_t)
GETTER(foreign_u64, uint64_t)
GETTER(foreign_f32, float)
GETTER(foreign_f64, double)

void foreign_swap(uint8_t *at, size_t count, size_t width)
{
    for (size_t i = 0; i < count; i++, at += width)
        for (size_t low = 0, high = width - 1; low < high; low++, high--) {
            uint8_t kept = at[low];
            at[low] = at[high];
            at[high] = kept;
        }
}
