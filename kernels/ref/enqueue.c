/* SPDX-License-Identifier: Apache-2.0 */
/* enqueue -- rows into a ring, round its end.   kernels/ref */
#include "kernels/ref/ref.h"

#include <assert.h>
#include <string.h>

static void ref_enqueue(struct backend *b, float *ring, float *at, const float *rows, int N, int C, int capacity)
{
    (void)b;
    assert(N <= capacity && *at >= 0 && *at < (float)capacity);
    size_t first = (size_t)*at, width = (size_t)C, count = (size_t)N;
    size_t whole = count < (size_t)capacity - first ? count : (size_t)capacity - first;
    memcpy(ring + first * width, rows, whole * width * sizeof *ring);
    memcpy(ring, rows + whole * width, (count - whole) * width * sizeof *ring);
    *at = (float)((first + count) % (size_t)capacity);
}

void ref_add_enqueue(struct backend *b)
{
    b->enqueue = ref_enqueue;
}
