/* SPDX-License-Identifier: Apache-2.0 */
/* metadata -- autoPET's table of series, joined with the scans that were found; scans chosen by diagnosis.   find -> [metadata]
 *
 * One row a series, columns by name: Subject ID, File Location, diagnosis, age, sex, Study Date. A row belongs to a scan if
 * its patient is the scan's and its File Location goes through the scan's study; where no row does (the release for nnU-Net
 * names studies otherwise), to any scan of the patient, if the patient's rows agree. */
#include "common/log.h"
#include "common/table.h"
#include "stages/load/load.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum column { SUBJECT, LOCATION, DIAGNOSIS, AGE, SEX, DATE, COLUMNS };
static const char *const titles[COLUMNS] = {"Subject ID", "File Location", "diagnosis", "age", "sex", "Study Date"};

static double age_number(const char *text)
{
    char *end;
    double age = strtod(text, &end); /* "071Y" */
    return end == text || !(age >= 0 && age < 150) || (*end && *end != 'Y') ? (double)NAN : age;
}

/* "03-24-2003", "3/24/2003" or "20030324" at the start of a text, as days; NAN. */
static double date_days(const char *text)
{
    unsigned month, day, year;
    char plain[32];
    int length = 0;
    if (sscanf(text, "%2u%*1[-/]%2u%*1[-/]%4u%n", &month, &day, &year, &length) != 3 || length < 8)
        return clock_days(text);
    snprintf(plain, sizeof plain, "%04u%02u%02u", year % 10000, month % 100, day % 100);
    return clock_days(plain);
}

/* Whether `name` is one of the folders of `location`. */
static bool goes_through(const char *location, const char *name)
{
    size_t const length = strlen(name);
    for (const char *at = location; length && (at = strstr(at, name)); at++)
        if ((at == location || strchr("/\\", at[-1])) && (at[length] == '\0' || strchr("/\\", at[length])))
            return true;
    return false;
}

static bool same_patient(const char *subject, const char *patient)
{
    return strcmp(subject, patient) == 0 || (strncmp(subject, "PETCT_", 6) == 0 && strcmp(subject + 6, patient) == 0);
}

static void replace(char **old, const char *text)
{
    if (!*text)
        return;
    free(*old);
    *old = xstrdup(text);
}

static void row_apply(struct source *f, char *const field[COLUMNS])
{
    double age = age_number(field[AGE]), day = date_days(field[DATE]);
    replace(&f->diagnosis, field[DIAGNOSIS]);
    replace(&f->sex, field[SEX]);
    f->age_y = isfinite(age) ? age : f->age_y;
    f->study_day = isfinite(day) ? day : f->study_day;
}

/* What a patient's rows say together, for scans whose study no row names. */
static void patient_note(struct source *f, char *const field[COLUMNS], bool *differs)
{
    *differs |= f->diagnosis && *field[DIAGNOSIS] && strcmp(f->diagnosis, field[DIAGNOSIS]) != 0;
    if (!f->diagnosis && *field[DIAGNOSIS])
        f->diagnosis = xstrdup(field[DIAGNOSIS]);
    if (!f->sex && *field[SEX])
        f->sex = xstrdup(field[SEX]);
}

static int header_read(char *line, const char *path, enum column *of, size_t *count, struct error *e)
{
    bool there[COLUMNS + 1] = {false};
    bool bad = false;
    for (*count = 0; line; ++*count) {
        const char *title = table_field(&line, ',', &bad);
        size_t c = 0;
        while (c < COLUMNS && strcasecmp(titles[c], title) != 0)
            c++;
        if (*count == 128)
            return fail(e, "cannot read table '%s': more than 128 columns", path);
        of[*count] = (enum column)c;
        there[c] = true;
    }
    if (!there[SUBJECT] || !there[LOCATION] || !there[DIAGNOSIS])
        return fail(
            e,
            "cannot read table '%s': its first line does not name the columns Subject ID, File Location and diagnosis",
            path);
    return 0;
}

int metadata_join(struct sources *s, const char *path, struct error *e)
{
    struct buffer file = {0};
    find_look(path);
    char *rest;
    if (table_read(path, 256 << 20, &file, &rest, e) < 0)
        return -1;
    enum column of[128];
    size_t columns = 0, unknown = 0;
    char none[] = "", *line;
    bool *joined = xalloc(s->count, sizeof *joined), *differs = xalloc(s->count, sizeof *differs);
    struct source *by_patient = xalloc(s->count, sizeof *by_patient);
    int rc = 0;
    while (rc == 0 && (line = table_line(&rest))) {
        if (!*line)
            continue;
        if (columns == 0) {
            rc = header_read(line, path, of, &columns, e);
            continue;
        }
        char *field[COLUMNS + 1];
        bool bad = false; /* what its quotes hold is taken as it is */
        for (size_t c = 0; c <= COLUMNS; c++)
            field[c] = none;
        for (size_t c = 0; c < columns && line; c++)
            field[of[c]] = table_field(&line, ',', &bad);
        for (size_t i = 0; i < s->count; i++) {
            struct source *f = &s->item[i];
            if (!f->patient || !same_patient(field[SUBJECT], f->patient))
                continue;
            if (f->study && goes_through(field[LOCATION], f->study)) {
                row_apply(f, field);
                joined[i] = true;
            } else {
                patient_note(&by_patient[i], field, &differs[i]);
            }
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        struct source *f = &s->item[i], *all = &by_patient[i];
        if (rc == 0 && !joined[i] && all->diagnosis && !differs[i]) {
            replace(&f->diagnosis, all->diagnosis);
            replace(&f->sex, all->sex ? all->sex : "");
        } else if (!joined[i] && f->kind != SOURCE_REFUSED) {
            unknown++;
        }
        free(all->diagnosis);
        free(all->sex);
    }
    if (rc == 0 && columns == 0)
        rc = fail(e, "cannot read table '%s': it is empty", path);
    if (rc == 0 && unknown)
        log_warn("%zu of %zu scans have no row in '%s'", unknown, s->count, path);
    free(by_patient);
    free(differs);
    free(joined);
    buffer_free(&file);
    return rc;
}

/* ---- which scans to read ---- */

/* The JSON beside it may know, where the table and the list do not. */
static void diagnosis_look(struct source *f)
{
    struct scan_facts facts;
    char *patient = NULL, *study = NULL;
    scan_facts_init(&facts);
    if (f->sidecar)
        find_look(f->sidecar);
    if (f->diagnosis || !f->sidecar || sidecar_read(f->sidecar, &facts, &patient, &study, NULL) < 0)
        return;
    if (*facts.diagnosis)
        f->diagnosis = xstrdup(facts.diagnosis);
    if (!f->patient && patient)
        f->patient = xstrdup(patient);
    free(patient);
    free(study);
}

static bool diagnosis_wanted(const struct source *f, const struct opt_strings *wanted)
{
    for (size_t i = 0; f->diagnosis && i < wanted->count; i++)
        if (strcasecmp(f->diagnosis, wanted->value[i]) == 0)
            return true;
    return wanted->count == 0;
}

/* a before b: by the day of the study where both are known, else by label. */
static bool earlier(const struct source *a, const struct source *b)
{
    double x = isfinite(a->study_day) ? a->study_day : date_days(a->study ? a->study : "");
    double y = isfinite(b->study_day) ? b->study_day : date_days(b->study ? b->study : "");
    if (isfinite(x) && isfinite(y) && (x < y || x > y))
        return x < y;
    return strcmp(a->label, b->label) < 0;
}

static bool first_of_patient(const struct sources *s, size_t which)
{
    const struct source *f = &s->item[which];
    for (size_t i = 0; f->patient && i < s->count; i++)
        if (i != which && s->item[i].kind != SOURCE_REFUSED && s->item[i].patient &&
            strcmp(s->item[i].patient, f->patient) == 0 && earlier(&s->item[i], f))
            return false;
    return true;
}

/* Keeps those marked; what is refused anyway stays, to be told. */
static void keep(struct sources *s, const bool *marked)
{
    struct sources kept = {0};
    for (size_t i = 0; i < s->count; i++)
        if (marked[i])
            *sources_add(&kept, s->item[i].kind) = s->item[i];
        else
            source_free(&s->item[i]);
    free(s->item);
    *s = kept;
}

int sources_choose(struct sources *s, const struct opt_strings *diagnosis, bool first_study, struct error *e)
{
    size_t chosen = 0, unknown = 0, before = s->count;
    bool *marked = xalloc(s->count, sizeof *marked);
    if (diagnosis->count) {
        for (size_t i = 0; i < s->count; i++) {
            struct source *f = &s->item[i];
            diagnosis_look(f);
            marked[i] = f->kind == SOURCE_REFUSED || diagnosis_wanted(f, diagnosis);
            chosen += marked[i] && f->kind != SOURCE_REFUSED;
            unknown += !f->diagnosis && f->kind != SOURCE_REFUSED;
        }
        if (chosen == 0) {
            free(marked);
            return fail_as(e, EX_NOINPUT,
                           "no scan of %zu has the diagnosis '%s'; of %zu none is known (give --metadata TABLE.csv, or "
                           "a list with "
                           "a column diagnosis)",
                           before, diagnosis->value[0], unknown);
        }
        if (unknown)
            log_warn("%zu of %zu scans have no known diagnosis, and are not read", unknown, before);
        keep(s, marked);
    }
    for (size_t i = 0; first_study && i < s->count; i++)
        marked[i] = s->item[i].kind == SOURCE_REFUSED || first_of_patient(s, i);
    if (first_study)
        keep(s, marked);
    if (s->count != before)
        log_note("%zu of %zu scans are chosen", s->count, before);
    free(marked);
    return 0;
}
