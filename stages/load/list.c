/* SPDX-License-Identifier: Apache-2.0 */
/* list -- a list of scans: a tab-separated file whose header names its columns.   find -> [list]
 *
 *     patient  study  scan                          mask                         (any order)
 *     P01      A      P01/A/PET.nii.gz              P01/A/SEG.nii.gz
 *     P02      B      P02/dicom                     -
 * Only scan is needed. mask: empty, look for one as find does; "-", there is none. More columns are known: ct (an image or a folder
 * with a CT series) and organs (an organ map), empty and "-" as for mask; units (SUV or Bq/mL), diagnosis, sex, age_y. Lines that
 * begin with '#' are comments. */
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

enum column { PATIENT, STUDY, SCAN, MASK, CT, ORGANS, UNITS, DIAGNOSIS, SEX, AGE, COLUMNS };
static const char *const titles[COLUMNS] = {"patient", "study", "scan",      "mask", "ct",
                                            "organs",  "units", "diagnosis", "sex",  "age_y"};

static int header_read(char *line, const char *path, enum column *of, size_t *count, struct error *e)
{
    bool scan = false;
    *count = 0;
    for (char *title; (title = strsep(&line, "\t"));) {
        size_t c = 0;
        while (c < COLUMNS && strcmp(titles[c], title) != 0)
            c++;
        if (*count == 32)
            return fail(e, "cannot read list '%s': more than 32 columns", path);
        of[(*count)++] = (enum column)c; /* COLUMNS: not ours, passed over */
        scan |= c == SCAN;
    }
    return scan ? 0
                : fail(e,
                       "cannot read list '%s': its first line names no column 'scan' (tab-separated: patient, study, "
                       "scan, mask)",
                       path);
}

/* What the line says goes before what the file's name or place says. */
static void replace(char **old, const char *text)
{
    if (!*text)
        return;
    free(*old);
    *old = xstrdup(text);
}

/* A column that names a file beside the scan: empty, what was found stays; "-", there is none. */
static int file_apply(struct source *f, const char *text, const char *dir, const char *column,
                      void (*set)(struct source *, const char *), struct error *e)
{
    if (!*text)
        return 0;
    char *path = strcmp(text, "-") == 0 ? NULL : path_join(dir, text);
    int rc = path && !file_exists(path) ? fail_as(e, EX_NOINPUT, "no such file: '%s' (%s)", path, column) : 0;
    set(f, path);
    free(path);
    return rc;
}

static int line_apply(struct source *f, char *const *field, const char *dir, struct error *e)
{
    f->listed = *field[PATIENT] != '\0';
    replace(&f->patient, field[PATIENT]);
    replace(&f->study, field[STUDY]);
    replace(&f->diagnosis, field[DIAGNOSIS]);
    replace(&f->sex, field[SEX]);
    if (*field[UNITS]) {
        bool suv = strcmp(field[UNITS], "SUV") == 0, bqml = strcmp(field[UNITS], "Bq/mL") == 0;
        if (!suv && !bqml)
            return fail(e, "units '%s' are neither SUV nor Bq/mL", field[UNITS]);
        free(f->units);
        f->units = xstrdup(suv ? "SUV" : "BQML");
    }
    if (*field[AGE]) {
        char *end;
        f->age_y = strtod(field[AGE], &end);
        if (*end)
            return fail(e, "age_y '%s' is no number", field[AGE]);
    }
    if (*field[CT]) {
        char *ct = strcmp(field[CT], "-") == 0 ? NULL : path_join(dir, field[CT]);
        int rc = source_set_ct(f, ct, e);
        free(ct);
        if (rc < 0)
            return rc;
    }
    if (file_apply(f, field[ORGANS], dir, "organs", source_set_organs, e) < 0)
        return -1;
    return file_apply(f, field[MASK], dir, "mask", source_set_mask, e);
}

/* One line: exactly one scan, or one refusal. */
static void line_read(struct sources *s, char *const *field, const char *dir, const char *list, size_t number)
{
    char *path = path_join(dir, field[SCAN]);
    size_t before = s->count;
    struct error why = {0};
    int rc = *field[SCAN] ? path_find(s, path, field[SCAN], &why) : fail(&why, "column scan is empty");
    if (rc == 0 && s->count - before > 1)
        rc = fail(&why, "'%s' holds %zu scans: a line names one", field[SCAN], s->count - before);
    if (rc == 0)
        rc = line_apply(&s->item[before], field, dir, &why);
    if (rc < 0) {
        sources_cut(s, before);
        struct source *f = sources_add(s, SOURCE_REFUSED);
        f->path = xprintf("%s:%zu", path, number); /* a line may be wrong twice */
        f->label = *field[SCAN] ? xstrdup(field[SCAN]) : xprintf("%s:%zu", path_base(list), number);
        f->refused = why;
        fail_in(&f->refused, "'%s' line %zu", list, number);
    }
    free(path);
}

int list_find(struct sources *s, const char *path, struct error *e)
{
    struct buffer file = {0};
    find_look(path);
    if (file_read(path, 64 << 20, &file, e) < 0)
        return -1;
    char *rest = (char *)file.data, *line, *dir = path_parent(path), none[] = "";
    enum column of[32];
    size_t columns = 0, number = 0, before = s->count;
    int rc = 0;
    while (rc == 0 && (line = strsep(&rest, "\n"))) {
        number++;
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[length - 1] = '\0';
        if (!*line || *line == '#')
            continue;
        if (columns == 0) {
            rc = header_read(line, path, of, &columns, e);
            continue;
        }
        char *field[COLUMNS + 1];
        for (size_t c = 0; c <= COLUMNS; c++)
            field[c] = none;
        for (size_t c = 0; c < columns && line; c++)
            field[of[c]] = strsep(&line, "\t");
        line_read(s, field, dir, path, number);
    }
    if (rc == 0 && s->count == before)
        rc = fail_as(e, EX_NOINPUT, "no scan in list '%s': it has no lines after its header", path);
    free(dir);
    buffer_free(&file);
    return rc;
}
