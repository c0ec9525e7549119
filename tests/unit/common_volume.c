/* SPDX-License-Identifier: Apache-2.0 */
/* common_volume -- grids in millimetres, turning in all 48 ways and back, NIfTI-1 as written.   tests */
#include "common/volume.h"

#include "common/gzip.h"
#include "tests/unit/common_child.h"

#include <math.h>

static char *dir;

static int setup(void **state)
{
    (void)state;
    dir = child_dir_make();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    child_dir_remove(dir);
    return 0;
}

static void assert_near(const double a[3], const double b[3], double tolerance)
{
    for (int i = 0; i < 3; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance))
            fail_msg("(%g %g %g) is not (%g %g %g)", a[0], a[1], a[2], b[0], b[1], b[2]);
}

static void grids(void **state)
{
    (void)state;
    struct grid g, other;
    grid_set(&g, (int64_t[]){4, 5, 6}, (double[]){3, 2, 1.5}, (double[]){10, 20, -30});
    assert_int_equal(grid_voxels(&g), 120);
    assert_true(fabs(grid_voxel_ml(&g) - 0.009) < 1e-15);
    assert_int_equal(grid_at(&g, 3, 4, 5), 119);
    assert_int_equal(grid_at(&g, 1, 2, 3), 45);
    double mm[3];
    grid_to_mm(&g, (double[]){0, 0, 0}, mm);
    assert_near(mm, (double[]){10, 20, -30}, 0);
    grid_to_mm(&g, (double[]){1, 2, 0.5}, mm); /* up, back, half a voxel left */
    assert_near(mm, (double[]){9.25, 16, -27}, 1e-12);
    grid_set(&other, (int64_t[]){4, 5, 6}, (double[]){1, 1, 1}, (double[]){0, 0, 0});
    assert_true(grid_same_shape(&g, &other));
    other.dim[2] = 7;
    assert_false(grid_same_shape(&g, &other));
}

/* File grid whose axes run along the patient's as `way` and `signs` say, with a tilt of a few degrees where oblique. */
static void file_grid(struct grid *g, const int way[3], unsigned signs, bool oblique)
{
    static const double tilt[3][3] = {{0.98006657784, -0.19866933079, 0},
                                      {0.19767837, 0.97517033, 0.09983342},
                                      {-0.01983384, -0.09784340, 0.99500417}};
    static const double plain[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    const int64_t dim[3] = {2, 3, 5};
    const double spacing[3] = {3, 2, 1.25};
    memset(g, 0, sizeof *g);
    for (int f = 0; f < 3; f++) {
        g->dim[f] = dim[f];
        g->spacing_mm[f] = spacing[f];
        double sign = signs >> f & 1 ? -1 : 1;
        for (int i = 0; i < 3; i++)
            g->affine[i][2 - f] = sign * spacing[f] * (oblique ? tilt : plain)[i][way[f]];
    }
    for (int i = 0; i < 3; i++)
        g->affine[i][3] = 7 * i - 11.5;
}

/* Voxels that carry their own place in the file. */
static void *numbered(size_t count, size_t size)
{
    uint8_t *voxel = xalloc(count, size);
    for (size_t i = 0; i < count; i++)
        memcpy(voxel + i * size, &i, size < sizeof i ? size : sizeof i);
    return voxel;
}

static void turns(bool oblique)
{
    static const int way[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const size_t sizes[] = {1, 2, 4, 8};
    for (size_t w = 0; w < 6; w++)
        for (unsigned k = 0; k < 8 * COUNT_OF(sizes); k++) {
            unsigned const signs = k % 8;
            size_t const size = sizes[k / 8];
            struct grid file, g;
            struct turn turned;
            file_grid(&file, way[w], signs, oblique);
            g = file;
            size_t count = grid_voxels(&g);
            uint8_t *original = numbered(count, size);
            void *voxel = numbered(count, size);
            volume_turn_lps(&g, &turned, &voxel, size);

            /* x left, y back, z head, and each the largest part of its column */
            static const double want[3] = {-1, -1, 1};
            for (int i = 0; i < 3; i++) {
                assert_true(g.affine[i][i] * want[i] > 0);
                for (int j = 0; j < 3; j++)
                    assert_true(fabs(g.affine[j][i]) <= fabs(g.affine[i][i]));
                double length = hypot(hypot(g.affine[0][2 - i], g.affine[1][2 - i]), g.affine[2][2 - i]);
                assert_true(fabs(length - g.spacing_mm[i]) < 1e-6);
            }
            assert_int_equal(grid_voxels(&g), count);
            /* every voxel is where it was in the patient */
            for (int64_t z = 0; z < g.dim[0]; z++)
                for (int64_t y = 0; y < g.dim[1]; y++)
                    for (int64_t x = 0; x < g.dim[2]; x++) {
                        size_t place = 0;
                        memcpy(&place, (uint8_t *)voxel + grid_at(&g, z, y, x) * size,
                               size < sizeof place ? size : sizeof place);
                        int64_t p = (int64_t)place;
                        double was[3], is[3];
                        grid_to_mm(&file,
                                   (double[]){(double)(p / (file.dim[1] * file.dim[2])),
                                              (double)(p / file.dim[2] % file.dim[1]), (double)(p % file.dim[2])},
                                   was);
                        grid_to_mm(&g, (double[]){(double)z, (double)y, (double)x}, is);
                        assert_near(is, was, 1e-9);
                    }
            /* and back: the very bytes, the grid to rounding */
            volume_turn_back(&g, &turned, &voxel, size);
            assert_memory_equal(voxel, original, count * size);
            assert_memory_equal(g.dim, file.dim, sizeof g.dim);
            assert_memory_equal(g.spacing_mm, file.spacing_mm, sizeof g.spacing_mm);
            for (int i = 0; i < 3; i++) {
                assert_near(g.affine[i], file.affine[i], 1e-12);
                assert_true(fabs(g.affine[i][3] - file.affine[i][3]) < 1e-9);
            }
            free(voxel);
            free(original);
        }
}

static void turns_straight(void **state)
{
    (void)state;
    turns(false);
}

static void turns_oblique(void **state)
{
    (void)state;
    turns(true);
}

static void turning_nothing(void **state)
{
    (void)state;
    struct grid g, before;
    struct turn turned;
    grid_set(&g, (int64_t[]){2, 3, 4}, (double[]){1, 2, 3}, (double[]){0, 0, 0});
    before = g;
    void *voxel = numbered(24, 4), *same = voxel;
    volume_turn_lps(&g, &turned, &voxel, 4);
    assert_ptr_equal(voxel, same);
    assert_memory_equal(&g, &before, sizeof g);
    for (uint8_t a = 0; a < 3; a++)
        assert_true(turned.file_axis[a] == a && !turned.flipped[a]);
    free(voxel);
    /* the grid alone */
    g.affine[0][0] = 3;
    void *none = NULL;
    volume_turn_lps(&g, &turned, &none, 4);
    assert_null(none);
    assert_int_equal(turned.flipped[2], 1);
    volume_turn_back(&g, &turned, NULL, 4);
    assert_true(g.affine[0][0] == 3 && g.affine[0][3] == 0);
    /* 45 degrees: a tie, but always the same way */
    double c = sqrt(0.5);
    struct grid tie = before;
    tie.affine[0][0] = -3 * c;
    tie.affine[1][0] = -3 * c;
    tie.affine[0][1] = 2 * c;
    tie.affine[1][1] = -2 * c;
    volume_turn_lps(&tie, &turned, &none, 4);
    assert_true(turned.file_axis[0] == 0 && turned.file_axis[1] == 1 && turned.file_axis[2] == 2);
}

static void freeing(void **state)
{
    (void)state;
    struct volume v = {.voxel = xalloc(2, 4), .mask = xalloc(2, 1)};
    volume_free(&v);
    assert_null(v.voxel);
    assert_null(v.mask);
}

/* ---- NIfTI-1 ---- */

static int16_t i16_at(const uint8_t *data, size_t offset)
{
    return (int16_t)(data[offset] | data[offset + 1] << 8);
}

static double f32_at(const uint8_t *data, size_t offset)
{
    float value;
    memcpy(&value, data + offset, sizeof value);
    return (double)value;
}

/* The affine that a reader gets from the quaternion alone, as nifti1.h says. */
static void affine_of_quaternion(const uint8_t *header, double affine[3][4])
{
    double b = f32_at(header, 256), c = f32_at(header, 260), d = f32_at(header, 264);
    double a = sqrt(fmax(0, 1 - b * b - c * c - d * d)), qfac = f32_at(header, 76);
    const double r[3][3] = {{a * a + b * b - c * c - d * d, 2 * b * c - 2 * a * d, 2 * b * d + 2 * a * c},
                            {2 * b * c + 2 * a * d, a * a + c * c - b * b - d * d, 2 * c * d - 2 * a * b},
                            {2 * b * d - 2 * a * c, 2 * c * d + 2 * a * b, a * a + d * d - c * c - b * b}};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++)
            affine[i][j] = r[i][j] * f32_at(header, 80 + 4 * j) * (j == 2 ? qfac : 1);
        affine[i][3] = f32_at(header, 268 + 4 * i);
    }
}

static void nifti_every_way(void **state)
{
    (void)state;
    static const int way[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct error e = {0};
    char *path = path_join(dir, "a.nii");
    for (size_t w = 0; w < 6; w++)
        for (unsigned signs = 0; signs < 16; signs++) {
            struct grid g;
            file_grid(&g, way[w], signs & 7, signs & 8);
            float *voxel = xalloc(grid_voxels(&g), 4);
            for (size_t i = 0; i < grid_voxels(&g); i++)
                voxel[i] = (float)i + 0.5f;
            assert_int_equal(nifti_write(path, &g, 16, voxel, "of a test", &e), 0);
            struct buffer b;
            assert_int_equal(file_read(path, 10000, &b, &e), 0);
            assert_int_equal(b.size, 352 + 4 * 30);
            assert_int_equal(i16_at(b.data, 0), 348);
            assert_int_equal(i16_at(b.data, 2), 0);
            static const int dim[8] = {3, 5, 3, 2, 1, 1, 1, 1}; /* fastest first */
            for (size_t i = 0; i < 8; i++)
                assert_int_equal(i16_at(b.data, 40 + 2 * i), dim[i]);
            assert_int_equal(i16_at(b.data, 70), 16);
            assert_int_equal(i16_at(b.data, 72), 32);
            assert_true(f32_at(b.data, 80) == 1.25 && f32_at(b.data, 84) == 2 && f32_at(b.data, 88) == 3);
            assert_true(f32_at(b.data, 108) == 352 && f32_at(b.data, 112) == 1 && f32_at(b.data, 116) == 0);
            assert_int_equal(b.data[123], 2);
            assert_string_equal((char *)b.data + 148, "of a test");
            assert_int_equal(i16_at(b.data, 252), 1);
            assert_int_equal(i16_at(b.data, 254), 1);
            assert_memory_equal(b.data + 344, "n+1\0\0\0\0", 8);
            assert_memory_equal(b.data + 352, voxel, 4 * 30);
            double from_q[3][4];
            affine_of_quaternion(b.data, from_q);
            for (size_t i = 0; i < 3; i++)
                for (size_t j = 0; j < 4; j++) {
                    assert_true(fabs(f32_at(b.data, 280 + 16 * i + 4 * j) - g.affine[i][j]) < 1e-6);
                    /* a half turn has a = 0, which float b c d give back only as sqrt(1e-7) */
                    assert_true(fabs(from_q[i][j] - g.affine[i][j]) < 2e-3);
                }
            buffer_free(&b);
            free(voxel);
        }
    free(path);
}

static void nifti_types_and_names(void **state)
{
    (void)state;
    struct error e = {0};
    struct grid g;
    struct buffer b;
    grid_set(&g, (int64_t[]){2, 3, 4}, (double[]){1, 1, 1}, (double[]){0, 0, 0});
    void *voxel = numbered(24, 4);
    static const int types[][2] = {{2, 1}, {4, 2}, {512, 2}, {16, 4}};
    static const char *const names[] = {"t.nii", "t.nii.gz"};
    for (size_t n = 0; n < 2; n++) {
        char *path = path_join(dir, names[n]);
        for (size_t t = 0; t < COUNT_OF(types); t++) {
            assert_int_equal(nifti_write(path, &g, types[t][0], voxel, NULL, &e), 0);
            assert_int_equal(gzip_read(path, 1000, &b, &e), 0);
            assert_int_equal(b.size, 352 + 24 * types[t][1]);
            assert_int_equal(i16_at(b.data, 70), types[t][0]);
            assert_int_equal(i16_at(b.data, 72), 8 * types[t][1]);
            assert_memory_equal(b.data + 352, voxel, (size_t)(24 * types[t][1]));
            buffer_free(&b);
        }
        assert_int_equal(nifti_write(path, &g, 64, voxel, NULL, &e), -1);
        free(path);
    }
    char *path = path_join(dir, "t.nii"), *wrong = path_join(dir, "t.img"), much[200];
    memset(much, 'd', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    assert_int_equal(nifti_write(path, &g, 2, voxel, much, &e), 0);
    assert_int_equal(file_read(path, 1000, &b, &e), 0);
    assert_true(b.data[148 + 78] == 'd' && b.data[148 + 79] == 0);
    buffer_free(&b);
    assert_int_equal(nifti_write(wrong, &g, 2, voxel, NULL, &e), -1);
    assert_says(e.text, "name it .nii or .nii.gz");
    assert_false(file_exists(wrong));
    /* a sheared grid has no quaternion: the sform alone says where voxels lie */
    g.affine[0][1] = 0.5;
    assert_int_equal(nifti_write(path, &g, 2, voxel, NULL, &e), 0);
    assert_int_equal(file_read(path, 1000, &b, &e), 0);
    assert_int_equal(i16_at(b.data, 252), 0);
    assert_int_equal(i16_at(b.data, 254), 1);
    assert_true(f32_at(b.data, 284) == 0.5);
    buffer_free(&b);
    g.dim[0] = 40000;
    assert_int_equal(nifti_write(path, &g, 2, voxel, NULL, &e), -1);
    assert_says(e.text, "40000 voxels on an axis");
    free(wrong);
    free(path);
    free(voxel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grids),
        cmocka_unit_test(turns_straight),
        cmocka_unit_test(turns_oblique),
        cmocka_unit_test(turning_nothing),
        cmocka_unit_test(freeing),
        cmocka_unit_test(nifti_every_way),
        cmocka_unit_test(nifti_types_and_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
