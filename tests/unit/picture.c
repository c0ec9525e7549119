/* SPDX-License-Identifier: Apache-2.0 */
/* picture -- projections as PNG: the pixels come back, frames lie where regions lie, and pictures' edges hold. */
#include "stages/picture.h"
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint8_t *decode(const struct buffer *png, int colours, int *width, int *height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, png->data, png->size));
    assert_int_equal(image.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1, colours);
    image.format = colours == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    uint8_t *pixel = xalloc(PNG_IMAGE_SIZE(image), 1);
    assert_true(png_image_finish_read(&image, NULL, pixel, 0, NULL));
    *width = (int)image.width;
    *height = (int)image.height;
    return pixel;
}

static void pixels_come_back(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 1, 1}, {7, 5, 1}, {5, 7, 3}, {3, 200, 3}};
    for (size_t k = 0; k < COUNT_OF(sizes); k++) {
        int w = sizes[k][0], h = sizes[k][1], colours = sizes[k][2], width, height;
        size_t bytes = (size_t)w * (size_t)h * (size_t)colours;
        uint8_t *pixel = xalloc(bytes, 1);
        for (size_t i = 0; i < bytes; i++)
            pixel[i] = (uint8_t)(37 * i + 11 * k);
        struct buffer png;
        png_encode(pixel, w, h, colours, &png);
        uint8_t *back = decode(&png, colours, &width, &height);
        assert_int_equal(width, w);
        assert_int_equal(height, h);
        assert_memory_equal(back, pixel, bytes);
        free(back);
        free(pixel);
        buffer_free(&png);
    }
}

static void the_same_pixels_are_the_same_bytes(void **state)
{
    (void)state;
    uint8_t pixel[24];
    struct buffer a, b;
    memset(pixel, 9, sizeof pixel);
    png_encode(pixel, 4, 2, 3, &a);
    png_encode(pixel, 4, 2, 3, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buffer_free(&a);
    buffer_free(&b);
}

static void inverted(void **state)
{
    (void)state;
    uint8_t grey[3] = {0, 100, 255};
    mip_invert(grey, 3);
    assert_memory_equal(grey, ((uint8_t[3]){255, 155, 0}), 3);
}

/* A projection of pixels of 4 mm, 10 wide and 20 high, of a volume of 4 x 2 x 2 mm; its middle is voxel (20, 10, 10). */
enum { WIDTH = 10, HEIGHT = 20, ANGLES = 4 };
static uint8_t grey[ANGLES * WIDTH * HEIGHT];
static struct region two[2];

static struct regions_message scan(void)
{
    struct regions_message m = {.count = 2,
                                .region = two,
                                .mip = grey,
                                .mip_angles = ANGLES,
                                .mip_width = WIDTH,
                                .mip_height = HEIGHT,
                                .mip_mm = 4,
                                .mip_z = 20,
                                .mip_y = 10,
                                .mip_x = 10};
    grid_set(&m.grid, (const int64_t[3]){40, 20, 20}, (const double[3]){4, 2, 2}, (const double[3]){0, 0, 0});
    return m;
}

static void near(double got, double wanted)
{
    if (!(fabs(got - wanted) < 1e-9))
        fail_msg("got %.12g, wanted %.12g", got, wanted);
}

static void marks_are_where_regions_are(void **state)
{
    (void)state;
    struct regions_message m = scan();
    /* 3 x 1 x 5 voxels = 12 x 2 x 10 mm, its middle 4 voxels up, 6 to the back, 2 to the left */
    struct region r = {.low = {23, 16, 10}, .high = {25, 16, 14}};
    struct mip_mark front = mip_mark(&m, &r, 0);
    near(front.across, WIDTH / 2.0 + 2 * 2 / 4.0);
    near(front.down, HEIGHT / 2.0 - 4 * 4 / 4.0);
    near(front.half_across, 0.5 * 5 * 2 / 4.0);
    near(front.half_down, 0.5 * 3 * 4 / 4.0);
    struct mip_mark side = mip_mark(&m, &r, 1); /* a quarter turn: what lay at the back lies at the side */
    near(side.across, WIDTH / 2.0 + 6 * 2 / 4.0);
    near(side.half_across, 0.5 * 1 * 2 / 4.0);
    near(side.down, front.down);
    struct mip_mark behind = mip_mark(&m, &r, 2);
    near(behind.across, WIDTH - front.across);
    near(behind.half_across, front.half_across);
}

static const uint8_t red[3] = {0xd6, 0x2f, 0x2f}, blue[3] = {0x2c, 0x6f, 0xbb}, green[3] = {0x2e, 0x9e, 0x4f};

static size_t count_colour(const uint8_t *rgb, size_t pixels, const uint8_t colour[3])
{
    size_t n = 0;
    for (size_t i = 0; i < pixels; i++)
        n += memcmp(rgb + 3 * i, colour, 3) == 0;
    return n;
}

static void frames_have_their_colour(void **state)
{
    (void)state;
    struct regions_message m = scan();
    int width, height;
    struct buffer png;
    memset(grey, 55, sizeof grey);
    two[0] = (struct region){.low = {19, 10, 9}, .high = {21, 10, 11}};
    two[1] = (struct region){.low = {30, 10, 4}, .high = {31, 10, 5}};
    mip_picture(&m, 0, 3, (const bool[2]){false, true}, false, &png);
    uint8_t *rgb = decode(&png, 3, &width, &height);
    assert_int_equal(width, 3 * WIDTH);
    assert_int_equal(height, 3 * HEIGHT);
    size_t pixels = (size_t)(width * height), reds = count_colour(rgb, pixels, red),
           blues = count_colour(rgb, pixels, blue);
    assert_true(reds > 8 && blues > 8);
    /* what is no frame is the projection, dark where uptake is high */
    const uint8_t turned[3] = {200, 200, 200};
    assert_int_equal(count_colour(rgb, pixels, turned), pixels - reds - blues);
    /* the frame stands round the region's middle and leaves it open */
    struct mip_mark k = mip_mark(&m, &two[0], 0);
    assert_memory_equal(rgb + 3 * ((int)(3 * k.down) * width + (int)(3 * k.across)), turned, 3);
    free(rgb);
    buffer_free(&png);

    /* one that was left out is green, and nothing else changes */
    struct region out = {.low = {12, 10, 13}, .high = {13, 10, 15}};
    m.excluded = &out, m.excluded_count = 1;
    mip_picture(&m, 0, 3, (const bool[2]){false, true}, false, &png);
    rgb = decode(&png, 3, &width, &height);
    size_t greens = count_colour(rgb, pixels, green);
    assert_true(greens > 8);
    assert_int_equal(count_colour(rgb, pixels, red), reds);
    assert_int_equal(count_colour(rgb, pixels, blue), blues);
    assert_int_equal(count_colour(rgb, pixels, turned), pixels - reds - blues - greens);
    free(rgb);
    buffer_free(&png);
}

static void a_tumours_frame_is_drawn_last(void **state)
{
    (void)state;
    struct regions_message m = scan();
    int width, height;
    memset(grey, 0, sizeof grey);
    two[0] = two[1] = (struct region){.low = {19, 10, 9}, .high = {21, 10, 11}};
    for (int first = 0; first < 2; first++) {
        struct buffer png;
        mip_picture(&m, 0, 2, (const bool[2]){first, !first}, false, &png);
        uint8_t *rgb = decode(&png, 3, &width, &height);
        assert_int_equal(count_colour(rgb, (size_t)(width * height), blue), 0);
        assert_true(count_colour(rgb, (size_t)(width * height), red) > 8);
        free(rgb);
        buffer_free(&png);
    }
}

static void frames_beyond_the_edge_are_cut(void **state)
{
    (void)state;
    struct regions_message m = scan();
    int width, height;
    struct buffer png;
    two[0] = (struct region){.low = {-30, -30, -30}, .high = {90, 90, 90}};
    two[1] = (struct region){.low = {0, 0, 0}, .high = {0, 0, 0}};
    for (int angle = 0; angle < ANGLES; angle++) {
        mip_picture(&m, angle, 1, (const bool[2]){true, true}, false, &png);
        free(decode(&png, 3, &width, &height));
        assert_true(width == WIDTH && height == HEIGHT);
        buffer_free(&png);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_come_back),
        cmocka_unit_test(the_same_pixels_are_the_same_bytes),
        cmocka_unit_test(inverted),
        cmocka_unit_test(marks_are_where_regions_are),
        cmocka_unit_test(frames_have_their_colour),
        cmocka_unit_test(a_tumours_frame_is_drawn_last),
        cmocka_unit_test(frames_beyond_the_edge_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
