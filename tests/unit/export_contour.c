/* SPDX-License-Identifier: Apache-2.0 */
/* export_contour -- outlines of masks: whoever fills them gets the mask back, every pixel. */
#include "common/rng.h"
#include "stages/export/contour.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 11, COLUMNS = 13, PIXELS = ROWS * COLUMNS };

/* The middle of the pixel lies in the polygon: even-odd, by the edges a ray to the right crosses. */
static bool holds(const struct outline *o, int row, int column)
{
    bool in = false;
    for (size_t i = 0; i < o->count; i++) {
        struct corner const a = o->corner[i], b = o->corner[(i + 1) % o->count];
        if (a.column == b.column && a.column > column && (a.row <= row) != (b.row <= row))
            in = !in;
    }
    return in;
}

static void expect_back(const uint8_t *mask, size_t parts)
{
    struct outlines o;
    outlines_find(mask, ROWS, COLUMNS, &o);
    if (parts != SIZE_MAX)
        assert_int_equal(o.count, parts);
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            int in = 0;
            for (size_t i = 0; i < o.count; i++)
                in += holds(&o.outline[i], row, column);
            assert_int_equal(in, mask[row * COLUMNS + column] != 0);
        }
    for (size_t i = 0; i < o.count; i++)
        for (size_t k = 0; k < o.outline[i].count; k++) { /* along edges alone */
            struct corner const a = o.outline[i].corner[k], b = o.outline[i].corner[(k + 1) % o.outline[i].count];
            assert_true((a.row == b.row) != (a.column == b.column));
        }
    outlines_free(&o);
}

static void drawn(const char *const *row, size_t rows, size_t parts)
{
    uint8_t mask[PIXELS] = {0};
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; row[r][c]; c++)
            mask[r * COLUMNS + c] = row[r][c] == '#';
    expect_back(mask, parts);
}

static void shapes(void **state)
{
    (void)state;
    drawn((const char *[]){"#"}, 1, 1);
    drawn((const char *[]){"#.#", ".#.", "#.#"}, 3, 5);                         /* corners alone join nothing */
    drawn((const char *[]){"#####", "#...#", "#.#.#", "#...#", "#####"}, 5, 2); /* an island in a hole */
    drawn((const char *[]){"####", "#.##", "##.#", "####"}, 4, 1);              /* a hole of two corners */
    drawn((const char *[]){"#########", "#.#.#.#.#", "#########", "#.#.#.#.#", "#########"}, 5,
          1); /* holes beside holes */
    drawn((const char *[]){"#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"}, 7, 2);
    drawn((const char *[]){"..##", ".#.#", "##.#", "#..#", "####"}, 5, 1);
    uint8_t const none[PIXELS] = {0};
    expect_back(none, 0);
}

static void a_rectangle_has_four_corners(void **state)
{
    (void)state;
    uint8_t mask[PIXELS];
    struct outlines o;
    memset(mask, 1, sizeof mask);
    outlines_find(mask, ROWS, COLUMNS, &o);
    assert_int_equal(o.count, 1);
    assert_int_equal(o.outline[0].count, 4);
    outlines_free(&o);
}

static void at_random(void **state)
{
    (void)state;
    struct rng r = rng_make(7, RNG_TEST, 0);
    for (int n = 0; n < 2000; n++) {
        uint8_t mask[PIXELS];
        double const share = 0.1 + 0.2 * (n % 5);
        for (int i = 0; i < PIXELS; i++)
            mask[i] = rng_uniform(&r) < share;
        expect_back(mask, SIZE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(a_rectangle_has_four_corners),
                                       cmocka_unit_test(at_random)};
    return cmocka_run_group_tests_name("export_contour", tests, NULL, NULL);
}
