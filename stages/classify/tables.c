/* SPDX-License-Identifier: Apache-2.0 */
/* tables -- a result as CSV: a row a region, a row a scan, and what every column is.   result -> [tables] */
#include "stages/classify/tables.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

/* ---- whose it is ---- */

#define FACT_COLUMN(name)                                                                                              \
    static void print_##name(const struct origin *o, FILE *to)                                                         \
    {                                                                                                                  \
        fputs(o->facts->name, to);                                                                                     \
    }
FACT_COLUMN(patient)
FACT_COLUMN(study)
FACT_COLUMN(scan)
FACT_COLUMN(source)
FACT_COLUMN(sha256)
FACT_COLUMN(suv_formula)
FACT_COLUMN(regions_how)
FACT_COLUMN(overridden)

static void print_folder(const struct origin *o, FILE *to)
{
    fputs(o->folder, to);
}

static void print_simulated(const struct origin *o, FILE *to)
{
    fputs(o->facts->simulated ? "1" : "0", to);
}

static void print_cohort(const struct origin *o, FILE *to)
{
    fputs(o->model->simulated ? o->model->cohort : "", to);
}

static void print_threshold(const struct origin *o, FILE *to)
{
    fprintf(to, "%.6g", o->model->recipe.threshold);
}

static void print_model(const struct origin *o, FILE *to)
{
    fputs(o->model->sha256, to);
}

static void print_settings(const struct origin *o, FILE *to)
{
    fputs(o->facts->made_with, to);
}

static void print_program(const struct origin *o, FILE *to)
{
    (void)o;
    fprintf(to, "petrel-classify %s", program_version());
}

const struct origin_column origin_table[] = {
    {"patient", "patient, a salted hash unless petrel-load was told --keep-identifiers", print_patient, true},
    {"study", "study, likewise", print_study, true},
    {"scan", "scan within the study", print_scan, true},
    {"folder", "folder of its results", print_folder, false},
    {"source", "where it was read from", print_source, false},
    {"sha256", "digest of the files read", print_sha256, false},
    {"simulated", "1: no patient, a simulation", print_simulated, false},
    {"model_cohort", "what the model was trained on, where that were no patients", print_cohort, false},
    {"model_sha256", "digest of the model file", print_model, false},
    {"settings", "what the regions were found with, where it differs from the defaults", print_settings, false},
    {"threshold", "a region is called tumour from this probability on", print_threshold, false},
    {"suv_formula", "how SUV was made", print_suv_formula, false},
    {"regions_how", "how the regions were found, and by which reference", print_regions_how, false},
    {"overridden", "facts that the user gave in place of the files'", print_overridden, false},
    {"program", "what wrote this; research use only, no medical device", print_program, false},
};
const size_t origin_count = COUNT_OF(origin_table);

void csv_field(FILE *to, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void origin_field(const struct origin_column *c, const struct origin *o, FILE *to)
{
    char *text = NULL;
    size_t size = 0;
    FILE *bare = open_memstream(&text, &size);
    if (!bare)
        die(EX_OSERR, "out of memory");
    c->print(o, bare);
    fclose(bare);
    csv_field(to, text);
    free(text);
}

/* ---- rows ---- */

static void quantity_names(const struct quantity *table, size_t count, FILE *to)
{
    char name[64];
    for (size_t q = 0; q < count; q++)
        for (size_t i = quantity_first(&table[q]); i < quantity_end(&table[q]); i++) {
            quantity_column(&table[q], i, name, sizeof name);
            fprintf(to, ",%s", name);
        }
    fputs(CSV_END, to);
}

static void quantity_fields(const struct quantity *table, size_t count, const void *record, FILE *to)
{
    for (size_t q = 0; q < count; q++)
        for (size_t i = quantity_first(&table[q]); i < quantity_end(&table[q]); i++) {
            fputc(',', to);
            quantity_print(&table[q], i, record, to);
        }
    fputs(CSV_END, to);
}

static void origin_names(bool region, FILE *to)
{
    for (size_t c = 0, n = 0; c < origin_count; c++)
        if (!region || origin_table[c].region)
            fprintf(to, "%s%s", n++ ? "," : "", origin_table[c].name);
}

static void origin_fields(const struct origin *o, bool region, FILE *to)
{
    for (size_t c = 0, n = 0; c < origin_count; c++) {
        if (region && !origin_table[c].region)
            continue;
        if (n++)
            fputc(',', to);
        origin_field(&origin_table[c], o, to);
    }
}

static int regions_write(const struct result *r, const struct origin *o, const char *dir, struct error *e)
{
    struct publish out;
    char *path = path_join(dir, "regions.csv");
    int rc = publish_open(&out, path, e);
    free(path);
    if (rc < 0)
        return -1;
    origin_names(true, out.to);
    quantity_names(region_quantity_table, region_quantity_count, out.to);
    for (size_t i = 0; i < r->regions->count; i++) {
        origin_fields(o, true, out.to);
        quantity_fields(region_quantity_table, region_quantity_count, &r->quantity[i], out.to);
    }
    return publish_commit(&out, e);
}

void scan_header(FILE *to)
{
    origin_names(false, to);
    quantity_names(scan_quantity_table, scan_quantity_count, to);
}

static int scan_write(const struct result *r, const struct origin *o, const char *dir, struct error *e)
{
    struct publish out;
    char *path = path_join(dir, "scan.csv");
    int rc = publish_open(&out, path, e);
    free(path);
    if (rc < 0)
        return -1;
    scan_header(out.to);
    origin_fields(o, false, out.to);
    quantity_fields(scan_quantity_table, scan_quantity_count, &r->scan, out.to);
    return publish_commit(&out, e);
}

int tables_write(const struct result *r, const struct model *model, const char *dir, struct error *e)
{
    struct origin const o = {&r->regions->facts, model, path_base(dir)};
    return regions_write(r, &o, dir, e) < 0 || scan_write(r, &o, dir, e) < 0 || result_json_write(r, model, dir, e) < 0
               ? -1
               : 0;
}

/* ---- what every column is ---- */

static void column_row(FILE *to, const char *file, const char *column, const char *unit, const char *ibsi,
                       const char *help, const char *how)
{
    const char *const field[] = {file, column, unit, ibsi, help, how};
    for (size_t i = 0; i < COUNT_OF(field); i++) {
        if (i)
            fputc(',', to);
        csv_field(to, field[i]);
    }
    fputs(CSV_END, to);
}

static void table_columns(FILE *to, const char *file, const struct quantity *table, size_t count)
{
    char name[64], help[300];
    for (size_t q = 0; q < count; q++)
        for (size_t i = quantity_first(&table[q]); i < quantity_end(&table[q]); i++) {
            quantity_column(&table[q], i, name, sizeof name);
            quantity_meaning(&table[q], i, help, sizeof help);
            column_row(to, file, name, table[q].unit, table[q].ibsi, help, table[q].how);
        }
}

int columns_write(const char *out, struct error *e)
{
    struct publish file;
    char *path = path_join(out, "columns.csv");
    int rc = publish_open(&file, path, e);
    free(path);
    if (rc < 0)
        return -1;
    column_row(file.to, "file", "column", "unit", "ibsi", "meaning", "how");
    for (size_t c = 0; c < origin_count; c++)
        if (origin_table[c].region)
            column_row(file.to, "regions.csv", origin_table[c].name, "", "", origin_table[c].help, "");
    table_columns(file.to, "regions.csv", region_quantity_table, region_quantity_count);
    for (size_t c = 0; c < origin_count; c++)
        column_row(file.to, "scan.csv", origin_table[c].name, "", "", origin_table[c].help, "");
    table_columns(file.to, "scan.csv", scan_quantity_table, scan_quantity_count);
    column_row(file.to, "scans.csv", "", "", "", "a row a scan: the columns of scan.csv", "");
    static const char *const summary[][2] = {{"quantity", "a column of scans.csv"},
                                             {"unit", "its unit, and that of what follows but scans"},
                                             {"scans", "how many know it"},
                                             {"mean", "over those scans"},
                                             {"sd", "standard deviation, n - 1 in the denominator"},
                                             {"least", "smallest value"},
                                             {"quartile_1", "lower quartile, linear between values"},
                                             {"median", "likewise"},
                                             {"quartile_3", "upper quartile, likewise"},
                                             {"largest", "largest value"}};
    for (size_t i = 0; i < COUNT_OF(summary); i++)
        column_row(file.to, "summary.csv", summary[i][0], "", "", summary[i][1], "");
    return publish_commit(&file, e);
}
