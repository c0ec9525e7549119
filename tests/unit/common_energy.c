/* SPDX-License-Identifier: Apache-2.0 */
/* common_energy -- joules out of a powercap folder made up here: packages and no parts of them, a counter that begins anew, one that cannot be read. */
#include "common/energy.h"
#include "common/file.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char root[64];

static void put(const char *zone, const char *name, const char *number)
{
    struct error e = {0};
    char *dir = path_join(root, zone), *path = path_join(dir, name);
    assert_int_equal(dir_make(dir, &e), 0);
    assert_int_equal(publish_bytes(path, number, strlen(number), &e), 0);
    free(path);
    free(dir);
}

static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/petrel-energy.XXXXXX");
    return mkdtemp(root) == NULL;
}

static int end(void **state)
{
    (void)state;
    dir_remove(root);
    return 0;
}

static void packages(void **state)
{
    (void)state;
    struct energy n;
    put("intel-rapl:0", "energy_uj", "5000000\n");
    put("intel-rapl:0", "max_energy_range_uj", "9000000\n");
    put("intel-rapl:1", "energy_uj", "1000000\n");
    put("intel-rapl:1", "max_energy_range_uj", "9000000\n");
    put("intel-rapl:0:0", "energy_uj", "777\n");    /* cores of package 0: counted with it */
    put("intel-rapl-mmio:0", "energy_uj", "777\n"); /* package 0 once more */
    energy_open(&n, root, false);
    assert_int_equal(n.packages, 2);
    put("intel-rapl:0:0", "energy_uj", "999777\n");
    put("intel-rapl:0", "energy_uj", "8000000\n");
    put("intel-rapl:1", "energy_uj", "1500000\n");
    energy_look(&n);
    assert_float_equal(n.processors_j, 3.5, 1e-9);
    put("intel-rapl:0", "energy_uj", "2000000\n"); /* past its range, and on from nought: 3 J more */
    energy_close(&n);
    assert_float_equal(n.processors_j, 6.5, 1e-9);
    assert_true(isnan(n.gpu_j));
}

static void unknown(void **state)
{
    (void)state;
    struct energy n;
    energy_open(&n, "/nowhere", false);
    energy_look(&n);
    energy_close(&n);
    assert_true(isnan(n.processors_j) && isnan(n.gpu_j));
    put("intel-rapl:0", "energy_uj", "no number\n");
    energy_open(&n, root, false);
    assert_int_equal(n.packages, 0);
    energy_close(&n);
    assert_true(isnan(n.processors_j));
    /* readable to begin with, and then no longer: not known, and no smaller sum */
    put("intel-rapl:0", "energy_uj", "5\n");
    energy_open(&n, root, false);
    put("intel-rapl:0", "energy_uj", "no number\n");
    energy_close(&n);
    assert_true(isnan(n.processors_j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(packages, begin, end),
                                       cmocka_unit_test_setup_teardown(unknown, begin, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
