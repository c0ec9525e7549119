/* SPDX-License-Identifier: Apache-2.0 */
/* distance -- how far one vector of numbers is from another.   tests */
#ifndef PETREL_TESTS_DISTANCE_H
#define PETREL_TESTS_DISTANCE_H
#include <math.h>
#include <stddef.h>

/* |a-b| / |b|; NaN anywhere makes it NaN */
static inline double distance(const float *a, const float *b, size_t count)
{
    double difference = 0, length = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        length += (double)b[i] * (double)b[i];
    }
    return length > 0 ? sqrt(difference / length) : sqrt(difference);
}
#endif
