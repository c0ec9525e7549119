/* SPDX-License-Identifier: Apache-2.0 */
/* roi_component -- runs, components, regions as runs, holes, the body.   tests/unit */
#include "stages/roi/body.h"
#include "stages/roi/component.h"
#include "stages/roi/extent.h"
#include "stages/roi/row.h"
#include "tests/golden/roi/components.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void dim_of(const long from[3], int64_t dim[3])
{
    for (int a = 0; a < 3; a++)
        dim[a] = from[a];
}

static void test_components_equal_scipy(void **state)
{
    (void)state;
    int64_t dim[3];
    struct runs r;
    dim_of(golden_random_dim, dim);
    uint8_t *mask = xalloc((size_t)(dim[0] * dim[1] * dim[2]), 1);
    for (size_t i = 0; i < COUNT_OF(golden_random); i++)
        memset(mask + golden_random[i][0] * dim[2] + golden_random[i][1], 1,
               (size_t)(golden_random[i][2] - golden_random[i][1]));
    runs_of(&r, mask, dim);
    assert_int_equal(r.count, COUNT_OF(golden_random));
    uint32_t *component = xalloc(r.count, sizeof *component);
    for (size_t c = 0; c < COUNT_OF(golden_components); c++) {
        assert_int_equal(components_label(&r, golden_components[c].connectivity, component), golden_components[c].count);
        for (size_t i = 0; i < r.count; i++)
            assert_int_equal(component[i], golden_components[c].label[i]);
    }
    free(component);
    free(mask);
    runs_free(&r);
}

/* 0 and 1 against a flood fill, on more masks than golden numbers could hold: 4-connected, too. */
static void flood(const uint8_t *mask, const int64_t dim[3], int connectivity, uint32_t *label, int64_t at,
                  uint32_t value)
{
    int64_t z = at / (dim[1] * dim[2]), y = at / dim[2] % dim[1], x = at % dim[2];
    label[at] = value;
    for (int64_t dz = -1; dz <= 1; dz++)
        for (int64_t dy = -1; dy <= 1; dy++)
            for (int64_t dx = -1; dx <= 1; dx++) {
                int64_t away = llabs(dz) + llabs(dy) + llabs(dx);
                if (away > (connectivity == 26 ? 3 : connectivity == 18 ? 2 : 1) || (connectivity == 4 && dz))
                    continue;
                if (z + dz < 0 || z + dz >= dim[0] || y + dy < 0 || y + dy >= dim[1] || x + dx < 0 || x + dx >= dim[2])
                    continue;
                int64_t near = ((z + dz) * dim[1] + y + dy) * dim[2] + x + dx;
                if (mask[near] && !label[near])
                    flood(mask, dim, connectivity, label, near, value);
            }
}

static void test_components_equal_flood(void **state)
{
    (void)state;
    static const int connectivities[] = {4, 6, 18, 26};
    const int64_t dim[3] = {5, 7, 11};
    enum { VOXELS = 5 * 7 * 11 };
    for (unsigned trial = 0; trial < 200; trial++) {
        uint8_t mask[VOXELS];
        struct runs r;
        uint32_t random = trial * 2654435761u + 1;
        for (int i = 0; i < VOXELS; i++) {
            random = random * 1664525u + 1013904223u;
            mask[i] = (random >> 24) < 20 + trial;
        }
        runs_of(&r, mask, dim);
        uint32_t *component = xalloc(r.count + 1, sizeof *component);
        for (size_t c = 0; c < COUNT_OF(connectivities); c++) {
            uint32_t label[VOXELS] = {0}, count = 0;
            for (int i = 0; i < VOXELS; i++)
                if (mask[i] && !label[i])
                    flood(mask, dim, connectivities[c], label, i, ++count);
            assert_int_equal(components_label(&r, connectivities[c], component), count);
            for (size_t i = 0; i < r.count; i++)
                for (int32_t x = r.run[i].begin; x < r.run[i].end; x++)
                    assert_int_equal(component[i], label[r.run[i].row * dim[2] + x]);
        }
        free(component);
        runs_free(&r);
    }
}

static void test_runs(void **state)
{
    (void)state;
    const float v[] = {1, 2, NAN, 2, 0, 0, 0, 0, 3, 3, 3, 3};
    const int64_t dim[3] = {1, 3, 4};
    struct runs r, c;
    runs_at_least(&r, v, dim, 2);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.run[1].begin, 3); /* not a number is not hot */
    assert_int_equal(r.row_first[1], 2);
    assert_int_equal(r.row_first[3], 3);
    runs_complement(&c, &r);
    assert_int_equal(c.count, 3);
    assert_int_equal(c.run[0].end, 1);
    assert_int_equal(c.run[2].row, 1);
    assert_int_equal(c.run[2].end, 4);
    runs_free(&r);
    runs_free(&c);
}

/* Of every width, so that each has its own end behind the last vector. */
static void test_rows(void **state)
{
    (void)state;
    enum { MOST = 71 };
    uint32_t random = 1;
    for (int64_t width = 1; width <= MOST; width++) {
        float v[MOST], to[MOST + 1];
        uint8_t above[MOST], want[MOST];
        struct runs r, w;
        for (int64_t x = 0; x < width; x++) {
            random = random * 1664525u + 1013904223u;
            v[x] = (random >> 16) % 11 == 0 ? NAN : (float)((int)(random >> 24) - 128);
            want[x] = v[x] >= 9;
        }
        row_compare(v, width, 9, above);
        assert_memory_equal(above, want, (size_t)width);
        assert_int_equal(row_reaches(v, width, 9), memchr(want, 1, (size_t)width) != NULL);
        runs_at_least(&r, v, (int64_t[]){1, 1, width}, 9);
        runs_of(&w, want, (int64_t[]){1, 1, width});
        assert_int_equal(r.count, w.count);
        for (size_t i = 0; i < r.count; i++)
            assert_true(r.run[i].begin == w.run[i].begin && r.run[i].end == w.run[i].end);
        runs_free(&r);
        runs_free(&w);

        to[width] = -1;
        assert_true(row_copy_positive(to, v, width));
        for (int64_t x = 0; x < width; x++)
            assert_true(to[x] == (v[x] > 0 ? v[x] : 0) && !signbit(to[x]));
        assert_true(to[width] == -1);
        v[width - 1] = INFINITY;
        assert_false(row_copy_positive(to, v, width));
    }
}

static uint32_t label_at(const struct labels *l, int64_t z, int64_t y, int32_t x)
{
    size_t i = l->runs.row_first[z * l->runs.dim[1] + y];
    while (l->runs.run[i].end <= x)
        i++;
    return l->label[i];
}

/* A shell of 5^3 with another region inside, a bay that is open, and specks. */
static void test_holes_and_specks(void **state)
{
    (void)state;
    const int64_t dim[3] = {9, 9, 12};
    uint32_t label[9 * 9 * 12] = {0};
    struct labels l;
    struct extents x;
#define L(z, y, x) label[((z)*9 + (y)) * 12 + (x)]
    for (int z = 1; z <= 5; z++)
        for (int y = 1; y <= 5; y++)
            for (int k = 1; k <= 5; k++)
                if (z == 1 || z == 5 || y == 1 || y == 5 || k == 1 || k == 5)
                    L(z, y, k) = 3;
    L(3, 3, 3) = 2;              /* inside, but its own */
    for (int k = 7; k <= 9; k++) /* a cup, open at the top */
        for (int y = 1; y <= 3; y++)
            L(6, y, k) = L(7, y, k) = 1;
    L(6, 2, 8) = 0;
    labels_of(&l, label, dim, 3);
    extents_of(&x, &l);
    assert_int_equal(extent_voxels(&x, 0), 17);
    assert_int_equal(extent_voxels(&x, 2), 125 - 27);
    assert_int_equal(holes_fill(&l, &x), 26);
    extents_free(&x);
    assert_int_equal(label_at(&l, 3, 3, 3), 2);
    assert_int_equal(label_at(&l, 2, 4, 3), 3);
    assert_int_equal(label_at(&l, 6, 2, 8), 0);
    extents_of(&x, &l);
    assert_int_equal(extent_voxels(&x, 2), 124);
    assert_int_equal(x.first[3] - x.first[2], 25 + 1); /* a row is one run again, but where 2 parts it */
    labels_tidy(&l, &x, 2);
    assert_int_equal(l.count, 2); /* the single voxel goes; the shell comes first */
    assert_int_equal(label_at(&l, 3, 3, 3), 0);
    assert_int_equal(label_at(&l, 1, 1, 1), 1);
    assert_int_equal(label_at(&l, 6, 1, 7), 2);
    extents_free(&x);
    labels_free(&l);
#undef L
}

/* On noise of three labels: what a flood from the margin does not reach is the region's, unless it is somebody's already. */
static void test_holes_equal_flood(void **state)
{
    (void)state;
    const int64_t dim[3] = {7, 8, 13};
    enum { VOXELS = 7 * 8 * 13 };
    int64_t all = 0;
    for (unsigned trial = 0; trial < 200; trial++) {
        uint32_t label[VOXELS] = {0}, random = trial * 2654435761u + 1;
        struct labels l;
        struct extents x;
        for (int64_t i = 0; i < VOXELS; i++) {
            int64_t z = i / (dim[1] * dim[2]), y = i / dim[2] % dim[1], k = i % dim[2];
            random = random * 1664525u + 1013904223u;
            if (z && z < dim[0] - 1 && y && y < dim[1] - 1 && k && k < dim[2] - 1)
                label[i] = (random >> 24) < 55 + trial ? 1 + (random >> 16) % 3 * ((random >> 20) % 4 == 0) : 0;
        }
        labels_of(&l, label, dim, 3);
        extents_of(&x, &l);
        int64_t filled = 0;
        for (uint32_t k = 1; k <= 3; k++) {
            uint8_t other[VOXELS];
            uint32_t outside[VOXELS] = {0};
            for (int i = 0; i < VOXELS; i++)
                other[i] = label[i] != k;
            flood(other, dim, 6, outside, 0, 1);
            for (int i = 0; i < VOXELS; i++)
                if (other[i] && !outside[i] && !label[i])
                    label[i] = k, filled++;
        }
        assert_int_equal(holes_fill(&l, &x), filled);
        for (size_t i = 0; i < l.runs.count; i++) {
            const struct run *r = &l.runs.run[i];
            for (int32_t k = r->begin; k < r->end; k++)
                assert_int_equal(l.label[i], label[r->row * dim[2] + k]);
            assert_true(!i || r[-1].row != r->row || (r[-1].end == r->begin && l.label[i - 1] != l.label[i]));
        }
        all += filled;
        extents_free(&x);
        labels_free(&l);
    }
    assert_true(all > 100);
}

static struct volume volume_of(float *voxel, int64_t D, int64_t H, int64_t W)
{
    struct volume v = {.voxel = voxel};
    const int64_t dim[3] = {D, H, W};
    const double spacing[3] = {3, 2, 2}, origin[3] = {0};
    grid_set(&v.grid, dim, spacing, origin);
    return v;
}

static void test_body(void **state)
{
    (void)state;
    enum { D = 6, H = 20, W = 30 };
    float voxel[D * H * W] = {0};
    struct volume v = volume_of(voxel, D, H, W);
    struct crop c;
    struct error e = {0};
#define V(z, y, x) voxel[((z)*H + (y)) * W + (x)]
#define C(z, y, x) c.suv[(((z)-c.low[0]) * c.dim[1] + (y)-c.low[1]) * c.dim[2] + (x)-c.low[2]]
    for (int z = 0; z < D; z++)
        for (int y = 5; y < 15; y++) {
            for (int x = 3; x < 12; x++)
                V(z, y, x) = 0.5f; /* two legs */
            for (int x = 16; x < 24; x++)
                V(z, y, x) = 0.6f;
        }
    V(3, 8, 6) = 0.01f; /* gas */
    V(3, 8, 7) = -0.2f; /* reconstruction noise */
    V(2, 2, 28) = 50;   /* a syringe on the table */
    assert_int_equal(body_crop(&v, 0.1, 0.02, &c, &e), 0);
    assert_int_equal(c.low[0], -1);
    assert_int_equal(c.low[1], 4);
    assert_int_equal(c.low[2], 2);
    assert_int_equal(c.dim[0], D + 2);
    assert_int_equal(c.dim[1], 12);
    assert_int_equal(c.dim[2], 23);
    assert_true(C(2, 10, 20) == 0.6f && C(2, 10, 4) == 0.5f);
    assert_true(C(3, 8, 6) == 0.01f && C(3, 8, 7) == 0);
    double sum = 0;
    for (int64_t i = 0; i < c.dim[0] * c.dim[1] * c.dim[2]; i++)
        sum += (double)c.suv[i];
    assert_true(fabs(sum - (D * 10 * (9 * 0.5 + 8 * 0.6) - 2 * 0.5 + 0.01)) < 1e-3);
    crop_free(&c);

    V(3, 8, 8) = INFINITY;
    assert_int_equal(body_crop(&v, 0.1, 0.02, &c, &e), -1);
    assert_non_null(strstr(e.text, "infinite"));

    memset(voxel, 0, sizeof voxel);
    assert_int_equal(body_crop(&v, 0.1, 0.02, &c, &e), 0);
    assert_int_equal(c.dim[0] * c.dim[1] * c.dim[2], 27);
    crop_free(&c);
#undef C
#undef V
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_components_equal_scipy),
        cmocka_unit_test(test_components_equal_flood),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_holes_and_specks),
        cmocka_unit_test(test_holes_equal_flood),
        cmocka_unit_test(test_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
