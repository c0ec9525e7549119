/* SPDX-License-Identifier: Apache-2.0 */
/* simulate_series -- a simulated patient written as DICOM, read back by petrel-load's own reader: the same voxels,
 * truth, facts. */
#include "datasets/simulate/body.h"
#include "datasets/simulate/ct.h"
#include "datasets/simulate/series.h"
#include "stages/load/load.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/petrel-series.XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int teardown(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

/* Odd sizes; Bq/mL that differ between slices by a thousand; a lesion of which one slice has no voxel. */
static void make_phantom(struct phantom *ph, bool with_lesion)
{
    const int64_t dim[3] = {7, 13, 11};
    const double spacing[3] = {4.0, 2.5, 2.036}, origin[3] = {101.25, 77.5, -333.375},
                 low[3] = {-101.25, 77.5, -333.375};
    struct grid g;
    struct rng r = rng_make(1, RNG_TEST, 0);
    grid_set(&g, dim, spacing, origin);
    phantom_open_on(ph, &g, low);
    size_t plane = 13 * 11;
    for (size_t i = 0; i < grid_voxels(&g); i++) {
        ph->suv[i] = rng_uniform(&r) * (i / plane == 3 ? 90000.0F : 90.0F);
        ph->organ[i] = (uint8_t)(i % 5 == 0 ? ORGAN_AIR : ORGAN_SOFT);
        ph->lesion[i] = with_lesion && i / plane >= 2 && i / plane != 4 && rng_uniform(&r) < 0.2F;
    }
}

static void read_back(char *folder, struct volume_message *m)
{
    struct sources s = {0};
    struct load_options o = {.units = "auto",
                             .salt = "test",
                             .memory_limit = (size_t)1 << 30,
                             .allow_empty_truth = true /* a healthy patient's SEG says so by holding nothing */};
    struct error e = {0};
    if (sources_find(&s, &folder, 1, &o, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(s.count, 1); /* the CT is no scan, the SEG is its truth */
    assert_int_equal(s.item[0].kind, SOURCE_DICOM);
    assert_non_null(s.item[0].mask);
    if (scan_read(&s.item[0], &o, m, &e) < 0)
        fail_msg("%s", e.text);
    sources_free(&s);
}

/* A patient made, written and read back; *ph and *m are the caller's. */
static struct patient there_and_back(int64_t number, bool with_lesion, struct phantom *ph, struct volume_message *m)
{
    struct grid g;
    struct error e = {0};
    struct patient p = patient_draw(7, number);
    make_phantom(ph, with_lesion);
    int16_t *hu = ct_make(ph, &p, 1, &g);
    char *folder = xprintf("%s/%d", dir, (int)number);
    assert_int_equal(series_write(folder, "cohort", &p, ph, hu, &e), 0);
    read_back(folder, m);
    free(folder);
    free(hu);
    return p;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct phantom ph;
    struct volume_message m;
    struct patient p = there_and_back(3, true, &ph, &m);
    assert_true(grid_same_shape(&m.volume.grid, &ph.grid));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            assert_true(fabs(m.volume.grid.affine[i][k] - ph.grid.affine[i][k]) < 1e-6);
    size_t n = grid_voxels(&ph.grid), plane = 13 * 11;
    for (size_t i = 0; i < n; i++) {
        double most = i / plane == 3 ? 90000.0 : 90.0; /* half of a step of the slice's own slope */
        assert_true(fabs((double)m.volume.voxel[i] - (double)ph.suv[i]) <=
                    0.5 * most / 65535.0 + 1e-5 * (double)ph.suv[i]);
        assert_int_equal(m.volume.mask[i], ph.lesion[i]);
    }
    const struct scan_facts *f = &m.facts;
    assert_string_equal(f->units, "BQML");
    assert_string_equal(f->decay_correction, "START");
    assert_true(fabs(f->weight_g - p.weight_g) < 1e-6 * p.weight_g);
    assert_true(fabs(f->dose_bq - p.dose_bq) < 1e-9 * p.dose_bq);
    assert_true(f->half_life_s == p.half_life_s);
    assert_true(f->injection_s == p.injection_s && f->series_s == p.series_s);
    assert_string_equal(f->sex, p.male ? "M" : "F");
    assert_string_equal(f->vendor, "SIMULATED");
    volume_message_free(&m);
    phantom_close(&ph);
}

/* No lesion is a truth, too: an empty one. */
static void test_healthy(void **state)
{
    (void)state;
    struct phantom ph;
    struct volume_message m;
    (void)there_and_back(4, false, &ph, &m);
    for (size_t i = 0; i < grid_voxels(&ph.grid); i++)
        assert_int_equal(m.volume.mask[i], 0);
    volume_message_free(&m);
    phantom_close(&ph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_healthy)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
