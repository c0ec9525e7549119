/* SPDX-License-Identifier: Apache-2.0 */
/* list -- a list of scans: a table whose header names its columns.   find -> [list] -> table
 *
 *     patient  study  scan                          mask                         (any order)
 *     P01      A      P01/A/PET.nii.gz              P01/A/SEG.nii.gz
 *     P02      B      P02/dicom                     -
 * Separated by tabs, or if the header holds none by ';' or ','; quotes, line ends and a byte order mark as spreadsheets write them. Only
 * scan is needed. mask: empty, look for one as find does; "-", there is none. More columns are known: ct (an image or a folder with a CT
 * series), organs (an organ map) and regions (a map that somebody drew), empty and "-" as for mask; units (SUV or Bq/mL), diagnosis, sex, age_y. Titles are compared without
 * case, spaces and underscores, and have other spellings (below); a column that is not known is said. Lines that begin with '#' are
 * comments. */
#include "common/log.h"
#include "common/table.h"
#include "stages/load/load.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum column { PATIENT, STUDY, SCAN, MASK, CT, ORGANS, REGIONS, UNITS, DIAGNOSIS, SEX, AGE, COLUMNS };
enum { COLUMNS_MOST = 128 };
/* The title, and how others spell it. */
static const char *const titles[COLUMNS][8] = {
    {"patient", "patientid", "subject", "subjectid", "participant", "participantid", "case", "caseid"},
    {"study", "studyid", "session", "sessionid", "exam", "visit"},
    {"scan", "image", "pet", "petpath", "imagepath", "scanpath", "file", "filename"},
    {"mask", "seg", "segmentation", "label", "truth", "groundtruth", "maskpath", "segpath"},
    {"ct", "ctpath", "ctimage"},
    {"organs", "organ", "organmap"},
    {"regions", "prediction", "contours"},
    {"units", "unit"},
    {"diagnosis", "dx"},
    {"sex", "gender", "patientsex"},
    {"agey", "age", "ageyears", "patientage"}};

/* "Patient ID" -> "patientid" */
static void title_fold(const char *title, char *to, size_t size)
{
    size_t length = 0;
    for (; *title && length + 1 < size; title++)
        if (isalnum((unsigned char)*title))
            to[length++] = (char)tolower((unsigned char)*title);
    to[length] = '\0';
}

static enum column title_column(const char *title)
{
    char folded[64];
    title_fold(title, folded, sizeof folded);
    for (size_t c = 0; c < COLUMNS; c++)
        for (size_t i = 0; i < COUNT_OF(titles[c]) && titles[c][i]; i++)
            if (strcmp(titles[c][i], folded) == 0)
                return (enum column)c;
    return COLUMNS;
}

/* How a list is cut into fields, and what each is. */
struct columns {
    char separator;
    size_t count;
    enum column of[COLUMNS_MOST]; /* COLUMNS: not ours, passed over */
};

static int header_read(char *line, const char *path, struct columns *c, struct error *e)
{
    const char *there[COLUMNS + 1] = {NULL};
    char unknown[300] = "";
    bool bad = false;
    c->separator = table_separator(line);
    for (c->count = 0; line; c->count++) {
        const char *title = table_field(&line, c->separator, &bad);
        if (bad || c->count == COLUMNS_MOST)
            return fail(e,
                        bad ? "cannot read list '%s': the quotes of its first line do not end"
                            : "cannot read list '%s': more than 128 columns",
                        path);
        enum column const column = c->of[c->count] = title_column(title);
        if (column < COLUMNS && there[column])
            return fail(e, "cannot read list '%s': its columns '%s' and '%s' are one: %s", path, there[column], title,
                        titles[column][0]);
        there[column] = title;
        if (column == COLUMNS && *title && strlen(unknown) + strlen(title) + 10 < sizeof unknown)
            format_into(unknown + strlen(unknown), sizeof unknown - strlen(unknown), "%s'%s'", *unknown ? ", " : "",
                        title);
    }
    if (!there[SCAN])
        return fail(
            e,
            "cannot read list '%s': its first line names no column 'scan' (tab-separated: patient, study, scan, "
            "mask)",
            path);
    if (*unknown)
        log_warn(
            "list '%s': columns that are not known and are passed over: %s (known: patient, study, scan, mask, ct, "
            "organs, regions, units, diagnosis, sex, age_y)",
            path, unknown);
    return 0;
}

/* What the line says goes before what the file's name or place says. */
static void replace(char **old, const char *text)
{
    if (!*text)
        return;
    free(*old);
    *old = xstrdup(text);
}

/* The path a field names; if that is not there, as Windows would have written it. */
static char *path_named(const char *dir, const char *text)
{
    char *path = path_join(dir, text);
    if (file_exists(path) || dir_exists(path) || !strchr(text, '\\'))
        return path;
    char *other = xstrdup(text);
    for (char *c = other; *c; c++)
        *c = *c == '\\' ? '/' : *c;
    char *turned = path_join(dir, other);
    free(other);
    if (file_exists(turned) || dir_exists(turned)) {
        free(path);
        return turned;
    }
    free(turned);
    return path;
}

/* A column that names a file beside the scan: empty, what was found stays; "-", there is none. */
static int file_apply(struct source *f, const char *text, const char *dir, const char *column,
                      void (*set)(struct source *, const char *), struct error *e)
{
    if (!*text)
        return 0;
    char *path = strcmp(text, "-") == 0 ? NULL : path_named(dir, text);
    int rc = path && !file_exists(path) && !dir_exists(path)
                 ? fail_as(e, EX_NOINPUT, "no such file: '%s' (%s)", path, column)
                 : 0;
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
        bool suv = strcasecmp(field[UNITS], "SUV") == 0 || strcasecmp(field[UNITS], "SUVbw") == 0;
        bool bqml = strcasecmp(field[UNITS], "Bq/mL") == 0 || strcasecmp(field[UNITS], "BQML") == 0;
        if (!suv && !bqml)
            return fail(e, "units '%s' are neither SUV nor Bq/mL", field[UNITS]);
        free(f->units);
        f->units = xstrdup(suv ? "SUV" : "BQML");
    }
    if (*field[AGE]) {
        char *end;
        f->age_y = strtod(field[AGE], &end);
        if (end == field[AGE] || (*end && strcasecmp(end, "Y") != 0))
            return fail(e, "age_y '%s' is no number", field[AGE]);
    }
    if (*field[CT]) {
        char *ct = strcmp(field[CT], "-") == 0 ? NULL : path_named(dir, field[CT]);
        int rc = source_set_ct(f, ct, e);
        free(ct);
        if (rc < 0)
            return rc;
    }
    if (file_apply(f, field[ORGANS], dir, "organs", source_set_organs, e) < 0 ||
        file_apply(f, field[REGIONS], dir, "regions", source_set_regions, e) < 0)
        return -1;
    return file_apply(f, field[MASK], dir, "mask", source_set_mask, e);
}

/* One line: exactly one scan, or one refusal. */
static void line_read(struct sources *s, char *const *field, const char *wrong, const char *dir, const char *list,
                      size_t number)
{
    char *path = path_named(dir, field[SCAN]);
    size_t before = s->count;
    struct error why = {0};
    int rc = wrong          ? fail(&why, "%s", wrong)
             : *field[SCAN] ? path_find(s, path, field[SCAN], &why)
                            : fail(&why, "column scan is empty");
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
    char *rest, *line, *dir = path_parent(path), none[] = "";
    struct columns c = {0};
    size_t number = 0, before = s->count;
    find_look(path);
    int rc = table_read(path, 64 << 20, &file, &rest, e);
    while (rc == 0 && (line = table_line(&rest))) {
        number++;
        if (!line[strspn(line, "\t ;,")] || *line == '#')
            continue;
        if (c.count == 0) {
            rc = header_read(line, path, &c, e);
            continue;
        }
        char *field[COLUMNS + 1];
        bool bad = false, more = false;
        for (size_t i = 0; i <= COLUMNS; i++)
            field[i] = none;
        for (size_t i = 0; i < c.count && line; i++)
            field[c.of[i]] = table_field(&line, c.separator, &bad);
        while (line && !bad)
            more |= *table_field(&line, c.separator, &bad) != '\0';
        line_read(s, field,
                  bad    ? "its quotes do not end"
                  : more ? "it has more fields than the first line has titles"
                         : NULL,
                  dir, path, number);
    }
    if (rc == 0 && s->count == before)
        rc = fail_as(e, EX_NOINPUT, "no scan in list '%s': it has no lines after its header", path);
    free(dir);
    buffer_free(&file);
    return rc;
}
