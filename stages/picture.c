/* SPDX-License-Identifier: Apache-2.0 */
/* picture -- a scan's maximum-intensity projection as PNG, and where its regions stand in it.   [picture] -> cache, eval, classify */
#include "stages/picture.h"
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

static void png_put(png_structp png, png_bytep data, size_t size)
{
    struct buffer *b = png_get_io_ptr(png);
    b->data = xresize(b->data, b->size + size, 1);
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void png_flushed(png_structp png)
{
    (void)png;
}

void png_encode(const uint8_t *pixel, int width, int height, int colours, struct buffer *out)
{
    *out = (struct buffer){0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
    if (info == NULL || setjmp(png_jmpbuf(png)) != 0)
        die(EX_SOFTWARE, "cannot make a picture of %d x %d pixels", width, height);
    png_set_write_fn(png, out, png_put, png_flushed);
    png_set_compression_level(png, 6);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 colours == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int row = 0; row < height; row++)
        png_write_row(png, pixel + (size_t)row * (size_t)width * (size_t)colours);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
}

void mip_invert(uint8_t *grey, size_t count)
{
    for (size_t i = 0; i < count; i++)
        grey[i] = (uint8_t)(255 - grey[i]);
}

struct mip_mark mip_mark(const struct regions_message *m, const struct region *r, int angle)
{
    const double *mm = m->grid.spacing_mm;
    double turn = 2.0 * acos(-1.0) * angle / fmax(m->mip_angles, 1), c = cos(turn), s = sin(turn);
    double middle[3], half[3];
    for (int a = 0; a < 3; a++) {
        middle[a] = 0.5 * (double)(r->low[a] + r->high[a]);
        half[a] = 0.5 * (double)(r->high[a] - r->low[a] + 1) * mm[a];
    }
    double across = (middle[2] - m->mip_x) * mm[2] * c + (middle[1] - m->mip_y) * mm[1] * s;
    double up = (middle[0] - m->mip_z) * mm[0];
    return (struct mip_mark){.across = 0.5 * m->mip_width + across / m->mip_mm,
                             .down = 0.5 * m->mip_height - up / m->mip_mm,
                             .half_across = hypot(half[2] * c, half[1] * s) / m->mip_mm,
                             .half_down = half[0] / m->mip_mm};
}

static void dot(uint8_t *rgb, int width, int height, int x, int y, const uint8_t colour[3])
{
    if (x >= 0 && y >= 0 && x < width && y < height)
        memcpy(rgb + 3 * ((size_t)y * (size_t)width + (size_t)x), colour, 3);
}

/* Round a region's bounding box, two pixels off it. */
static void frame(uint8_t *rgb, int width, int height, struct mip_mark k, int zoom, const uint8_t colour[3])
{
    int left = (int)floor((k.across - k.half_across) * zoom) - 2,
        right = (int)ceil((k.across + k.half_across) * zoom) + 1;
    int top = (int)floor((k.down - k.half_down) * zoom) - 2, bottom = (int)ceil((k.down + k.half_down) * zoom) + 1;
    for (int x = left; x <= right; x++)
        dot(rgb, width, height, x, top, colour), dot(rgb, width, height, x, bottom, colour);
    for (int y = top; y <= bottom; y++)
        dot(rgb, width, height, left, y, colour), dot(rgb, width, height, right, y, colour);
}

/* Rows of three pixels, the highest bit on the left. */
static const uint8_t digit[10][5] = {{7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 3, 1, 7},
                                     {5, 5, 7, 1, 1}, {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 2, 2, 2},
                                     {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}};
enum { DIGIT_SIDE = 2, DIGIT_WIDTH = 4 * DIGIT_SIDE }; /* pixels a dot of a digit, a digit and the gap after it */

/* The number to the right of a frame, at its top. */
static void number(uint8_t *rgb, int width, int height, struct mip_mark k, int zoom, int32_t value,
                   const uint8_t colour[3])
{
    char text[12];
    int const left = (int)ceil((k.across + k.half_across) * zoom) + 4,
              top = (int)floor((k.down - k.half_down) * zoom) - 2;
    format_into(text, sizeof text, "%d", value);
    for (int i = 0; text[i]; i++)
        for (int y = 0; y < 5 * DIGIT_SIDE; y++)
            for (int x = 0; x < 3 * DIGIT_SIDE; x++)
                if (digit[text[i] - '0'][y / DIGIT_SIDE] >> (2 - x / DIGIT_SIDE) & 1)
                    dot(rgb, width, height, left + i * DIGIT_WIDTH + x, top + y, colour);
}

void mip_picture(const struct regions_message *m, int angle, int zoom, const bool *tumour, bool numbers,
                 struct buffer *out)
{
    static const uint8_t red[3] = {0xd6, 0x2f, 0x2f}, blue[3] = {0x2c, 0x6f, 0xbb}, green[3] = {0x2e, 0x9e, 0x4f};
    int width = m->mip_width * zoom, height = m->mip_height * zoom;
    uint8_t *rgb = xalloc((size_t)width * (size_t)height, 3);
    const uint8_t *grey = m->mip + (size_t)angle * (size_t)m->mip_height * (size_t)m->mip_width;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            memset(rgb + 3 * ((size_t)y * (size_t)width + (size_t)x), 255 - grey[(y / zoom) * m->mip_width + x / zoom],
                   3);
    for (size_t i = 0; i < m->excluded_count; i++)
        frame(rgb, width, height, mip_mark(m, &m->excluded[i], angle), zoom, green);
    for (int pass = 0; pass < 2; pass++) /* tumours last, on top */
        for (size_t i = 0; i < m->count; i++)
            if (tumour[i] == (pass == 1)) {
                struct mip_mark const k = mip_mark(m, &m->region[i], angle);
                frame(rgb, width, height, k, zoom, tumour[i] ? red : blue);
                if (numbers && m->region[i].component > 0)
                    number(rgb, width, height, k, zoom, m->region[i].component, tumour[i] ? red : blue);
            }
    png_encode(rgb, width, height, 3, out);
    free(rgb);
}
