/* SPDX-License-Identifier: Apache-2.0 */
/* real_scans -- the real scans under PETREL_DATA, as petrel-load and petrel-suv make volumes of them.   tests/unit */
#ifndef PETREL_TESTS_REAL_SCANS_H
#define PETREL_TESTS_REAL_SCANS_H
#include "stages/load/load.h"
#include "stages/suv/suv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static inline char *data(const char *path)
{
    return path_join(getenv("PETREL_DATA"), path);
}

/* The one scan at `path`, read. */
static inline struct volume_message read_scan(const char *path, struct load_options o)
{
    struct sources s;
    struct volume_message m;
    struct error e = {0};
    char *at = data(path);
    o.units = o.units ? o.units : "auto";
    o.salt = "test";
    o.memory_limit = (size_t)4 << 30;
    if (sources_find(&s, &at, 1, &o, &e) < 0 || s.count != 1 || scan_read(&s.item[0], &o, &m, &e) < 0)
        fail_msg("%s: %zu scans: %s", path, s.count, e.text);
    sources_free(&s);
    free(at);
    return m;
}

/* The GE series in SUV; its truth is the structure of this name, or with NULL all of them together. */
static inline struct volume_message sarcoma(const char *roi)
{
    struct load_options o = {0};
    if (roi)
        o.roi = (struct opt_strings){1, {roi}};
    struct volume_message m = read_scan("ge_sarcoma_dicom", o);
    struct error e = {0};
    if (suv_factor(&m.facts, "bw", &e) < 0)
        fail_msg("%s", e.text);
    suv_apply(&m.volume, &m.facts);
    suv_statistics(&m.volume, &m.facts);
    return m;
}
#endif
