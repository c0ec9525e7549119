/* SPDX-License-Identifier: Apache-2.0 */
/* channels -- some channels of one array become some of another; an image as one row; one row for all boxes.   kernels/cpu
 *
 * Where both arrays begin on a block of 16 channels, as concatenations of wide images do, whole blocks of all boxes are moved. */
#include "kernels/cpu/cpu.h"

#include <string.h>

/* float of channel c of box n at position p */
static size_t place(enum layout layout, size_t p, size_t n, size_t c, int N, int C)
{
    if (layout == ROWS)
        return n * (size_t)C + c;
    size_t lanes = (size_t)cpu_lanes(C);
    return ((p * (size_t)cpu_blocks(C) + c / lanes) * (size_t)N + n) * lanes + c % lanes;
}

static void move(float *to, const float *from, size_t count, bool add)
{
    if (!add)
        memcpy(to, from, count * sizeof *to);
    else
        for (size_t i = 0; i < count; i++)
            to[i] += from[i];
}

static void image_put(float *to, int to_C, int to_at, const float *from, int from_C, int from_at, int count, int N,
                      size_t p, bool add)
{
    const int lanes = cpu_lanes(to_C);
    const bool blocks = lanes == LANES && cpu_lanes(from_C) == LANES && to_at % LANES == 0 && from_at % LANES == 0;
    const int whole = blocks ? count / LANES * LANES : 0;
    for (int c = 0; c < whole; c += LANES)
        move(to + place(IMAGE, p, 0, (size_t)(to_at + c), N, to_C),
             from + place(IMAGE, p, 0, (size_t)(from_at + c), N, from_C), (size_t)N * LANES, add);
    for (int c = whole; c < count; c++)
        for (size_t n = 0; n < (size_t)N; n++)
            move(to + place(IMAGE, p, n, (size_t)(to_at + c), N, to_C),
                 from + place(IMAGE, p, n, (size_t)(from_at + c), N, from_C), 1, add);
    for (int c = to_C; !add && to_at + count == to_C && c < cpu_padded(to_C); c++) /* padding */
        for (size_t n = 0; n < (size_t)N; n++)
            to[place(IMAGE, p, n, (size_t)c, N, to_C)] = 0;
}

static void cpu_channels_put(struct backend *b, float *to, int to_C, int to_at, const float *from, int from_C,
                             int from_at, int count, int N, const int dim[3], enum layout layout, bool add)
{
    if (layout == IMAGE) {
        const size_t P = cpu_volume(dim);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (P * (size_t)(N * count) > WORTH)
        for (size_t p = 0; p < P; p++)
            image_put(to, to_C, to_at, from, from_C, from_at, count, N, p, add);
        return;
    }
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if (N * count > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        move(to + n * (size_t)to_C + to_at, from + n * (size_t)from_C + from_at, (size_t)count, add);
}

static void cpu_flatten_forward(struct backend *b, float *out, const float *in, int N, int C, const int dim[3])
{
    const size_t P = cpu_volume(dim);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if ((size_t)(N * C) * P > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++)
            for (size_t p = 0; p < P; p++)
                out[(n * (size_t)C + c) * P + p] = in[place(IMAGE, p, n, c, N, C)];
}

static void cpu_flatten_backward(struct backend *b, float *din, const float *dout, int N, int C, const int dim[3])
{
    const size_t P = cpu_volume(dim);
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if ((size_t)(N * C) * P > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        for (size_t c = 0; c < (size_t)C; c++)
            for (size_t p = 0; p < P; p++)
                din[place(IMAGE, p, n, c, N, C)] += dout[(n * (size_t)C + c) * P + p];
}

static void cpu_repeat_forward(struct backend *b, float *out, const float *in, int N, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if ((size_t)N * count > WORTH)
    for (size_t n = 0; n < (size_t)N; n++)
        memcpy(out + n * count, in, count * sizeof *out);
}

static void cpu_repeat_backward(struct backend *b, float *din, const float *dout, int N, size_t count)
{
#pragma omp parallel for schedule(static) num_threads(cpu_of(b)->threads) if ((size_t)N * count > WORTH)
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t n = 0; n < (size_t)N; n++)
            sum += (double)dout[n * count + i];
        din[i] += (float)sum;
    }
}

void cpu_add_channels(struct backend *b)
{
    b->channels_put = cpu_channels_put;
    b->flatten_forward = cpu_flatten_forward;
    b->flatten_backward = cpu_flatten_backward;
    b->repeat_forward = cpu_repeat_forward;
    b->repeat_backward = cpu_repeat_backward;
}
