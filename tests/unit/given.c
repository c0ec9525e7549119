/* SPDX-License-Identifier: Apache-2.0 */
/* given -- regions that somebody drew: the part of a grid they lie in and back, and another grid's nearest voxels. */
#include "common/given.h"
#include "proto/message.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { D = 7, H = 5, W = 6, VOXELS = D * H * W };

static struct grid grid_make(void)
{
    struct grid g;
    grid_set(&g, (const int64_t[]){D, H, W}, (const double[]){3, 2, 1}, (const double[]){10, 20, 30});
    return g;
}

/* Whatever is marked: the box holds it where it was, and gives the same runs back. */
static void a_box_holds_what_is_marked(void **state)
{
    (void)state;
    struct grid const g = grid_make();
    for (unsigned seed = 1; seed < 200; seed++) {
        uint32_t label[VOXELS] = {0}, again[VOXELS], draw = seed * 2654435761U;
        struct buffer runs, back;
        struct given_box box;
        struct error e = {0};
        for (unsigned k = 0; k < seed % 12; k++) {
            draw = draw * 1664525U + 1013904223U;
            label[(draw >> 8) % VOXELS] = 1 + k % 3;
        }
        labels_encode(label, VOXELS, &runs);
        given_box(&g, &runs, &box);
        if (seed % 12 == 0) {
            assert_null(box.value);
        } else {
            for (int64_t i = 0; i < (int64_t)grid_voxels(&box.grid); i++) {
                int64_t const z = i / box.grid.dim[2] / box.grid.dim[1], y = i / box.grid.dim[2] % box.grid.dim[1],
                              x = i % box.grid.dim[2];
                double there[3], here[3];
                assert_int_equal(box.value[i], label[grid_at(&g, z + box.low[0], y + box.low[1], x + box.low[2])]);
                grid_to_mm(&box.grid, (const double[]){(double)z, (double)y, (double)x}, here);
                grid_to_mm(
                    &g, (const double[]){(double)(z + box.low[0]), (double)(y + box.low[1]), (double)(x + box.low[2])},
                    there);
                for (int a = 0; a < 3; a++)
                    assert_true(fabs(here[a] - there[a]) < 1e-9);
            }
            given_box_encode(&g, &box, &back);
            assert_int_equal(labels_decode(&back, again, VOXELS, &e), 0);
            assert_memory_equal(again, label, sizeof label);
            buffer_free(&back);
        }
        free(box.value);
        buffer_free(&runs);
    }
}

static void another_grid_takes_the_nearest(void **state)
{
    (void)state;
    struct grid const g = grid_make();
    struct grid fine = g, away = g;
    struct error e = {0};
    uint16_t label[VOXELS], *to = xalloc(8 * VOXELS, sizeof *to);
    for (int i = 0; i < VOXELS; i++)
        label[i] = (uint16_t)(1 + i);
    for (int a = 0; a < 3; a++) { /* eight voxels in place of each */
        fine.dim[a] *= 2;
        fine.spacing_mm[a] /= 2;
        for (int k = 0; k < 3; k++) {
            fine.affine[a][3] -= g.affine[a][k] / 4;
            fine.affine[a][k] /= 2;
        }
    }
    assert_int_equal(volume_regrid_nearest(&g, label, sizeof *label, &fine, to, &e), 8 * VOXELS);
    for (int64_t z = 0; z < 2 * D; z++)
        for (int64_t y = 0; y < 2 * H; y++)
            for (int64_t x = 0; x < 2 * W; x++)
                assert_int_equal(to[grid_at(&fine, z, y, x)], label[grid_at(&g, z / 2, y / 2, x / 2)]);
    away.affine[0][3] += 2; /* to the right by two voxels: x grows to the left */
    assert_int_equal(volume_regrid_nearest(&g, label, sizeof *label, &away, to, &e), D * H * (W - 2));
    assert_int_equal(to[grid_at(&away, 0, 0, 0)], 0);
    assert_int_equal(to[grid_at(&away, 3, 2, 2)], label[grid_at(&g, 3, 2, 0)]);
    away.affine[0][3] += 1000;
    assert_int_equal(volume_regrid_nearest(&g, label, sizeof *label, &away, to, &e), 0);
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_holds_what_is_marked),
        cmocka_unit_test(another_grid_takes_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
