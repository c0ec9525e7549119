/* SPDX-License-Identifier: Apache-2.0 */
/* cohort -- all results of a folder together.   OUT/SCAN/scan.csv -> [cohort] */
#include "stages/classify/cohort.h"
#include "common/log.h"
#include "stages/classify/tables.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MOST = 1 << 20 };

/* Fields of a line, quotes taken off; their number. */
static size_t csv_split(const char *line, char **field, size_t room)
{
    size_t n = 0;
    for (const char *at = line; n < room; n++) {
        char *to = field[n] = xalloc(strlen(at) + 1, 1);
        bool quoted = *at == '"';
        for (at += quoted; *at && (quoted || *at != ','); at++) {
            if (quoted && *at == '"' && at[1] != '"') {
                quoted = false;
                continue;
            }
            at += *at == '"';
            *to++ = *at;
        }
        if (!*at)
            return n + 1;
        at++;
    }
    return n;
}

static size_t columns_count(void)
{
    size_t n = origin_count;
    for (size_t q = 0; q < scan_quantity_count; q++)
        n += quantity_end(&scan_quantity_table[q]) - quantity_first(&scan_quantity_table[q]);
    return n;
}

static int row_read(struct cohort *c, const char *path, const char *folder, const char *header, struct error *e)
{
    struct buffer text;
    if (file_read(path, ROW_MOST, &text, e) < 0)
        return -1;
    char *first = (char *)text.data, *line = strstr(first, CSV_END), *end = line ? strstr(line + 2, CSV_END) : NULL;
    if (end)
        *line = *end = '\0';
    if (!end || strcmp(first, header) != 0) {
        log_warn("'%s' has other columns than this version's: left out of scans.csv", path);
        buffer_free(&text);
        return 0;
    }
    struct cohort_row row = {.folder = xstrdup(folder), .line = xstrdup(line + 2)};
    row.field = xalloc(c->fields, sizeof *row.field);
    size_t n = csv_split(row.line, row.field, c->fields);
    for (; n < c->fields; n++)
        row.field[n] = xstrdup("");
    c->row = xresize(c->row, c->count + 1, sizeof *c->row);
    c->row[c->count++] = row;
    buffer_free(&text);
    return 0;
}

static char *header_text(void)
{
    char *text = NULL, *end;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        die(EX_OSERR, "out of memory");
    scan_header(to);
    fclose(to);
    if ((end = strstr(text, CSV_END)))
        *end = '\0';
    return text;
}

int cohort_read(struct cohort *c, const char *out, struct error *e)
{
    struct names folder;
    *c = (struct cohort){.fields = columns_count()};
    if (dir_list(out, &folder, e) < 0)
        return -1;
    char *header = header_text();
    int rc = 0;
    for (size_t i = 0; i < folder.count && rc == 0; i++) {
        char *path = xprintf("%s/%s/scan.csv", out, folder.name[i]);
        if (file_exists(path))
            rc = row_read(c, path, folder.name[i], header, e);
        free(path);
    }
    free(header);
    names_free(&folder);
    return rc;
}

void cohort_free(struct cohort *c)
{
    for (size_t i = 0; i < c->count; i++) {
        for (size_t k = 0; k < c->fields; k++)
            free(c->row[i].field[k]);
        free(c->row[i].field);
        free(c->row[i].line);
        free(c->row[i].folder);
    }
    free(c->row);
    *c = (struct cohort){0};
}

/* ---- files ---- */

static int scans_write(const struct cohort *c, const char *out, struct error *e)
{
    struct publish file;
    char *path = path_join(out, "scans.csv");
    int rc = publish_open(&file, path, e);
    free(path);
    if (rc < 0)
        return -1;
    scan_header(file.to);
    for (size_t i = 0; i < c->count; i++)
        fprintf(file.to, "%s" CSV_END, c->row[i].line);
    return publish_commit(&file, e);
}

static int by_value(const void *a, const void *b)
{
    double const p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* Linear between the sorted values, as numpy has it. */
static double quantile(const double *v, size_t n, double share)
{
    double const at = share * (double)(n - 1);
    size_t const low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    return v[low] + (at - (double)low) * (v[high] - v[low]);
}

static void summary_row(const struct cohort *c, size_t field, double *v, FILE *to)
{
    size_t n = 0;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < c->count; i++)
        if (*c->row[i].field[field])
            v[n++] = strtod(c->row[i].field[field], NULL);
    fprintf(to, ",%zu", n);
    if (n == 0) {
        fputs(",,,,,,,", to);
        return;
    }
    qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - sum / (double)n) * (v[i] - sum / (double)n);
    fprintf(to, ",%.6g,", sum / (double)n);
    if (n > 1)
        fprintf(to, "%.6g", sqrt(squares / (double)(n - 1)));
    for (int k = 0; k <= 4; k++)
        fprintf(to, ",%.6g", quantile(v, n, 0.25 * k));
}

static int summary_write(const struct cohort *c, const char *out, struct error *e)
{
    struct publish file;
    char *path = path_join(out, "summary.csv"), name[64];
    int rc = publish_open(&file, path, e);
    free(path);
    if (rc < 0)
        return -1;
    double *v = xalloc(c->count + 1, sizeof *v);
    fputs("quantity,unit,scans,mean,sd,least,quartile_1,median,quartile_3,largest" CSV_END, file.to);
    for (size_t q = 0, field = origin_count; q < scan_quantity_count; q++)
        for (size_t i = quantity_first(&scan_quantity_table[q]); i < quantity_end(&scan_quantity_table[q]);
             i++, field++) {
            if (scan_quantity_table[q].kind == QUANTITY_WORD)
                continue;
            quantity_column(&scan_quantity_table[q], i, name, sizeof name);
            fprintf(file.to, "%s,%s", name, scan_quantity_table[q].unit);
            summary_row(c, field, v, file.to);
            fputs(CSV_END, file.to);
        }
    free(v);
    return publish_commit(&file, e);
}

int cohort_write(const struct cohort *c, const char *out, struct error *e)
{
    return columns_write(out, e) < 0 || scans_write(c, out, e) < 0 || summary_write(c, out, e) < 0 ? -1 : 0;
}
