/* SPDX-License-Identifier: Apache-2.0 */
/* compressed -- what a compressed frame of DICOM pixels says of itself.   dicom_fragments -> [compressed] */
#include "stages/load/compressed.h"

/* ---- RLE ---- */

enum { RLE_HEADER = 64, RLE_SEGMENTS = 15 };

static size_t little_u32(const uint8_t *at)
{
    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* One segment through its runs: a byte below 128 and as many and one more of their own; above 128 one byte, 257 less that often. */
static int segment_walk(const uint8_t *at, size_t size, size_t pixels, size_t which, struct error *e)
{
    const uint8_t *const end = at + size;
    size_t done = 0;
    while (done < pixels) {
        if (at == end)
            return fail(e, "segment %zu of its RLE header has %zu pixels of %zu", which, done, pixels);
        size_t const control = *at++;
        if (control == 128)
            return fail(e, "segment %zu of its RLE header is damaged: a run of no length at pixel %zu", which, done);
        size_t const own = control < 128 ? control + 1 : 1, times = control < 128 ? control + 1 : 257 - control;
        if (own > (size_t)(end - at))
            return fail(e, "segment %zu of its RLE header ends within a run at pixel %zu of %zu", which, done, pixels);
        if (times > pixels - done)
            return fail(e, "segment %zu of its RLE header has a run beyond its %zu pixels", which, pixels);
        at += own;
        done += times;
    }
    return 0; /* what follows is padding */
}

int rle_check(const uint8_t *code, size_t size, const struct frame_shape *of, struct error *e)
{
    if (size < RLE_HEADER)
        return fail(e, "its RLE header has %zu bytes of %d", size, RLE_HEADER);
    size_t const segments = little_u32(code);
    if (segments != of->bytes || segments > RLE_SEGMENTS)
        return fail(e, "its RLE header has %zu segments, %zu bytes a pixel need as many", segments, of->bytes);
    for (size_t i = 0, before = RLE_HEADER; i < segments; i++) {
        size_t const from = little_u32(code + 4 * (i + 1)),
                     to = i + 1 < segments ? little_u32(code + 4 * (i + 2)) : size;
        if (from < before || to < from || to > size)
            return fail(e, "segment %zu of its RLE header lies from %zu to %zu of %zu bytes", i + 1, from, to, size);
        if (segment_walk(code + from, to - from, of->rows * of->columns, i + 1, e) < 0)
            return -1;
        before = to;
    }
    return 0;
}

/* ---- JPEG, JPEG-LS ---- */

enum {
    SOF0 = 0xc0,
    DHT = 0xc4,
    JPG = 0xc8,
    DAC = 0xcc,
    SOF15 = 0xcf,
    RST0 = 0xd0,
    SOI = 0xd8,
    EOI = 0xd9,
    SOS = 0xda,
    SOF55 = 0xf7
};

static size_t big_u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static bool is_frame_header(unsigned marker)
{
    return marker == SOF55 || (marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC);
}

/* Behind the marker and its length: precision, lines, samples a line, components. */
static int frame_header_check(const uint8_t *at, const struct frame_shape *of, struct error *e)
{
    size_t const precision = at[0], rows = big_u16(at + 1), columns = big_u16(at + 3), components = at[5];
    if (rows != of->rows || columns != of->columns)
        return fail(e, "its JPEG frame header has %zu rows of %zu columns, its DICOM header %zu of %zu", rows, columns,
                    of->rows, of->columns);
    if (components != 1)
        return fail(e, "its JPEG frame header has %zu components: 1 is read", components);
    if (precision < 2 || precision > 8 * of->bytes)
        return fail(e, "its JPEG frame header has %zu bits a pixel, its DICOM header %zu", precision, 8 * of->bytes);
    return 0;
}

int jpeg_check(const uint8_t *code, size_t size, const struct frame_shape *of, struct error *e)
{
    enum { HEADER = 6 };
    size_t at = 2;
    if (size < 2 || code[0] != 0xff || code[1] != SOI)
        return fail(e, "its JPEG stream does not begin as one");
    while (size - at >= 4 && code[at] == 0xff) {
        unsigned const marker = code[at + 1];
        if (marker == 0xff) { /* fill bytes */
            at++;
            continue;
        }
        size_t const length = big_u16(code + at + 2);
        if (marker == SOS || marker == EOI || marker <= 1 || (marker >= RST0 && marker <= SOI))
            break;
        if (length < 2 || length > size - at - 2)
            return fail(e, "its JPEG stream has a marker segment %02x of %zu bytes where %zu are left", marker, length,
                        size - at - 2);
        if (is_frame_header(marker))
            return length < 2 + HEADER ? fail(e, "its JPEG frame header is cut short")
                                       : frame_header_check(code + at + 4, of, e);
        at += 2 + length;
    }
    return fail(e, "its JPEG stream has no frame header");
}
