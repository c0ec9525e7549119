/* SPDX-License-Identifier: Apache-2.0 */
/* rows -- which models a table of the paper has in which row, and what the paper printed there.   pipelines/tables ═▶ [rows] -> paper */
#include "stages/eval/rows.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MOST = 8, FILE_MOST = 1 << 20 };
enum { ROW_COLUMNS = 6, PAPER_COLUMNS = 2 + METRICS_OF_PAPER };

/* A file of tab-separated lines; remarks begin with '#', the first line that is none is the head. */
struct tsv {
    struct buffer text;
    const char *path;
    char *rest, *word[COLUMNS_MOST];
    size_t line, words;
    bool headed;
};

static size_t split(char *line, char *word[COLUMNS_MOST])
{
    size_t n = 0;
    for (char *at = line; at != NULL && n < COLUMNS_MOST;)
        word[n++] = strsep(&at, "\t");
    return n;
}

/* The next line of `columns` words: 1; a remark, in word[0]: 2; the end: 0; -1. */
static int tsv_next(struct tsv *t, size_t columns, struct error *e)
{
    char *line;
    while ((line = strsep(&t->rest, "\n")) != NULL) {
        t->line++;
        if (*line == '\0')
            continue;
        t->words = split(line, t->word);
        if (*line == '#')
            return 2;
        if (t->words != columns)
            return fail(e, "cannot read '%s': line %zu has %zu columns, not %zu", t->path, t->line, t->words, columns);
        if (t->headed)
            return 1;
        t->headed = true;
    }
    return 0;
}

static int tsv_open(struct tsv *t, const char *path, struct error *e)
{
    *t = (struct tsv){.path = path};
    if (file_read(path, FILE_MOST, &t->text, e) < 0)
        return -1;
    t->rest = (char *)t->text.data;
    return 0;
}

/* A word into its place, "-" as nothing. */
static int take(const struct tsv *t, size_t column, char *to, size_t size, struct error *e)
{
    const char *word = t->word[column];
    if (strlen(word) >= size)
        return fail(e, "cannot read '%s': line %zu, column %zu has %zu letters (at most %zu)", t->path, t->line,
                    column + 1, strlen(word), size - 1);
    format_into(to, size, "%s", strcmp(word, "-") == 0 ? "" : word);
    return 0;
}

static int add_line(struct rows *r, const struct tsv *t, struct error *e)
{
    size_t at = rows_find(r, t->word[0]);
    if (at == SIZE_MAX) {
        r->row = xresize(r->row, r->count + 1, sizeof *r->row);
        at = r->count++;
        r->row[at] = (struct row){.seeds = 0};
    }
    struct row *row = &r->row[at];
    char note[ROW_NOTE];
    if (take(t, 0, row->name, sizeof row->name, e) < 0 || take(t, 1, row->against, sizeof row->against, e) < 0 ||
        take(t, 2, row->like, sizeof row->like, e) < 0 || take(t, 5, note, sizeof note, e) < 0)
        return -1;
    if (row->seeds++ >= ROW_SEEDS)
        return fail(e, "cannot read '%s': line %zu: row '%s' has more than %d seeds", t->path, t->line, row->name,
                    ROW_SEEDS);
    if (strcmp(t->word[4], "-") == 0)
        format_into(row->note, sizeof row->note, "%s", note);
    else {
        row->seed[row->models] = strtoll(t->word[3], NULL, 10);
        row->model[row->models++] = xstrdup(t->word[4]);
    }
    return 0;
}

static int read_rows(struct rows *r, struct tsv *t, struct error *e)
{
    int rc;
    while ((rc = tsv_next(t, ROW_COLUMNS, e)) > 0)
        if (rc == 1 && add_line(r, t, e) < 0)
            return -1;
        else if (rc == 2 && t->words == 2 && strcmp(t->word[0], "# table") == 0)
            format_into(r->table, sizeof r->table, "%.15s", t->word[1]);
        else if (rc == 2 && t->words == 2 && strcmp(t->word[0], "# title") == 0)
            format_into(r->title, sizeof r->title, "%.159s", t->word[1]);
    if (rc == 0 && (r->count == 0 || *r->table == '\0'))
        return fail(e, "cannot read '%s': it has no %s", t->path, r->count == 0 ? "rows" : "line '# table'");
    for (size_t i = 0; rc == 0 && i < r->count; i++)
        for (int k = 0; k < 2; k++) {
            const char *other = k == 0 ? r->row[i].against : r->row[i].like;
            if (*other != '\0' && rows_find(r, other) == SIZE_MAX)
                return fail(e, "cannot read '%s': row '%s' names a row '%s' that is not there", t->path, r->row[i].name,
                            other);
        }
    return rc;
}

static int read_paper(struct rows *r, struct tsv *t, struct error *e)
{
    int rc;
    while ((rc = tsv_next(t, PAPER_COLUMNS, e)) > 0) {
        if (rc == 2)
            continue;
        size_t at = rows_find(r, t->word[0]);
        if (at == SIZE_MAX)
            return fail(e, "'%s' has figures for a row '%s' that the table lacks (line %zu)", t->path, t->word[0],
                        t->line);
        for (size_t k = 0; k < 1 + METRICS_OF_PAPER; k++)
            if (take(t, k + 1, r->row[at].printed[k], PRINTED, e) < 0)
                return -1;
    }
    return rc;
}

int rows_read(struct rows *r, const char *path, const char *paper, struct error *e)
{
    struct tsv t;
    *r = (struct rows){.count = 0};
    int rc = tsv_open(&t, path, e);
    rc = rc == 0 ? read_rows(r, &t, e) : rc;
    buffer_free(&t.text);
    if (rc == 0 && paper != NULL) {
        rc = tsv_open(&t, paper, e);
        rc = rc == 0 ? read_paper(r, &t, e) : rc;
        buffer_free(&t.text);
    }
    if (rc < 0)
        rows_free(r);
    return rc;
}

void rows_free(struct rows *r)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->row[i].models; k++)
            free(r->row[i].model[k]);
    free(r->row);
    *r = (struct rows){.count = 0};
}

size_t rows_find(const struct rows *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->row[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}
