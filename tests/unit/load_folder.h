/* SPDX-License-Identifier: Apache-2.0 */
/* load_folder -- a folder of made series, found and read as petrel-load does.   tests/unit */
#ifndef PETREL_TESTS_LOAD_FOLDER_H
#define PETREL_TESTS_LOAD_FOLDER_H
#include "stages/load/load.h"
#include "tests/unit/load_corpus.h"
#include "tests/unit/load_dicom_file.h"
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static char dir[64];

static inline int folder_enter(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/petrel-folder.XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static inline int folder_leave(void **state)
{
    (void)state;
    dir_remove(dir);
    return 0;
}

/* As it was before anything was made in it. */
static inline void folder_empty(void)
{
    struct error e = {0};
    dir_remove(dir);
    assert_int_equal(dir_make(dir, &e), 0);
}

/* DIR/name/00.dcm and on: `count` slices of 3 mm from `first_mm` on. */
static inline void series_at(const char *name, const struct dicom_slice *like, int count, double first_mm)
{
    struct error e = {0};
    char *folder = path_join(dir, name);
    assert_int_equal(dir_make(folder, &e), 0);
    for (int z = 0; z < count; z++) {
        struct dicom_slice s = *like;
        char *path = xprintf("%s/%02d%s.dcm", folder, z, s.series ? s.series : ""), position[48], instance[80];
        snprintf(position, sizeof position, "-20\\-13\\%.6g", first_mm + 3 * z);
        snprintf(instance, sizeof instance, "%s.%s.%d", s.series ? s.series : "1", s.instance ? s.instance : "1", z + 1);
        s.position = position;
        s.instance = instance;
        s.slope = 0.5 + 0.25 * z;
        for (int k = 0; k < SLICE_ROWS * SLICE_COLUMNS; k++)
            s.stored[k] = (uint16_t)((k * 2477 + z * 311) % 32768);
        dicom_slice_write(path, &s);
        free(path);
    }
    free(folder);
}

static inline void found_at(const char *name, struct sources *s)
{
    static struct load_options const o = {.units = "auto", .salt = "s", .memory_limit = (size_t)1 << 28};
    struct error e = {0};
    char *path = *name ? path_join(dir, name) : xstrdup(dir);
    if (sources_find(s, &path, 1, &o, &e) < 0)
        fail_msg("%s", e.text);
    free(path);
}

/* Source i is read: 0; or not, and why. */
static inline int read_one(const struct sources *s, size_t i, struct volume_message *m, struct error *e)
{
    static struct load_options const o = {.units = "auto", .salt = "s", .memory_limit = (size_t)1 << 28};
    return scan_read(&s->item[i], &o, m, e);
}

/* The folder holds `count` sources; each is refused with a sentence that says so (NULL: it is read). */
static inline void expect(const char *name, size_t count, const char *const *says)
{
    struct sources s;
    found_at(name, &s);
    if (s.count != count)
        fail_msg("%zu scans in '%s', not %zu", s.count, name, count);
    for (size_t i = 0; i < count; i++) {
        struct volume_message m;
        struct error e = {0};
        int const rc = read_one(&s, i, &m, &e);
        if (rc == 0)
            volume_message_free(&m);
        if (!says[i] && rc < 0)
            fail_msg("'%s' is refused: %s", s.item[i].label, e.text);
        if (says[i] && (rc == 0 || !strstr(e.text, says[i])))
            fail_msg("'%s': '%s' does not say '%s'", s.item[i].label, rc ? e.text : "read", says[i]);
    }
    sources_free(&s);
    corpus_keep(dir, program_name());
}
#define EXPECT(name, ...)                                                                                              \
    expect(name, COUNT_OF(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})
#endif
