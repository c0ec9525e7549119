/* SPDX-License-Identifier: Apache-2.0 */
/* override -- facts the user gives in place of the files': --override NAME=VALUE,...,from=FILE.tsv.   find -> [override] -> scan
 *
 * Of a table, tab-separated with a header: column scan (the label --check prints, the end of it from a folder on, or the path), and a column
 * a fact. An empty cell gives nothing. What is given goes with the source, into the run's id and into scan_facts.overridden. */
#include "common/log.h"
#include "proto/suv.h"
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

/* The later one of a name wins: it is applied last. */
static int given_add(struct source *f, const char *name, const char *value, struct error *e)
{
    struct scan_facts probe;
    char *longer = xprintf("%s%s%s=%s", f->override ? f->override : "", f->override ? ";" : "", name, value);
    free(f->override);
    f->override = longer;
    if (strchr(value, ';') || strchr(value, '\''))
        return fail_as(e, EX_USAGE, "--override %s=%s: a value has no ; or '", name, value);
    scan_facts_init(&probe);
    if (strlen(longer) >= sizeof probe.overridden)
        return fail_as(e, EX_USAGE, "--override: more than %zu letters are given for '%s'", sizeof probe.overridden - 1,
                       f->label);
    format_into(probe.overridden, sizeof probe.overridden, "%s", longer);
    if (suv_override(&probe, e) < 0) {
        if (e)
            e->code = EX_USAGE;
        return -1;
    }
    return 0;
}

static bool ends_with_path(const char *whole, const char *tail)
{
    size_t const length = strlen(whole), end = strlen(tail);
    return end && end <= length && strcmp(whole + length - end, tail) == 0 &&
           (end == length || whole[length - end - 1] == '/');
}

static bool row_is_of(const struct source *f, const char *scan)
{
    return ends_with_path(f->label, scan) || (f->path && ends_with_path(f->path, scan));
}

/* One line of the table to every scan it names. */
static int row_apply(struct sources *s, char *line, char *const *column, size_t columns, const char *path,
                     struct error *e)
{
    char *cell[32], none[] = "";
    const char *scan = NULL;
    size_t found = 0;
    for (size_t c = 0; c < columns; c++) {
        cell[c] = line ? strsep(&line, "\t") : none;
        if (strcmp(column[c], "scan") == 0)
            scan = cell[c];
    }
    for (size_t i = 0; scan && *scan && i < s->count; i++) {
        if (!row_is_of(&s->item[i], scan))
            continue;
        found++;
        for (size_t c = 0; c < columns; c++)
            if (cell[c] != scan && *cell[c] && given_add(&s->item[i], column[c], cell[c], e) < 0)
                return fail_in(e, "'%s'", path);
    }
    if (!found)
        log_warn("'%s': its row '%s' names no scan here: nothing is overridden by it", path, scan ? scan : "");
    return 0;
}

static int table_apply(struct sources *s, const char *path, struct error *e)
{
    struct buffer file = {0};
    char *column[32], *rest, *line;
    size_t columns = 0;
    bool scan = false;
    find_look(path);
    if (file_read(path, 16 << 20, &file, e) < 0)
        return -1;
    rest = (char *)file.data;
    if (strncmp(rest, "\xef\xbb\xbf", 3) == 0) /* a mark some spreadsheets begin with */
        rest += 3;
    int rc = 0;
    while (rc == 0 && (line = strsep(&rest, "\n"))) {
        line[strcspn(line, "\r")] = '\0';
        if (!*line || *line == '#')
            continue;
        if (columns) {
            rc = row_apply(s, line, column, columns, path, e);
            continue;
        }
        while (rc == 0 && line) {
            if (columns == COUNT_OF(column))
                rc = fail_as(e, EX_USAGE, "cannot read table '%s': more than %zu columns", path, COUNT_OF(column));
            else
                column[columns++] = strsep(&line, "\t");
            const char *last = columns ? column[columns - 1] : "";
            scan |= strcmp(last, "scan") == 0;
            if (rc == 0 && strcmp(last, "scan") != 0 && !suv_override_known(last))
                rc = fail_as(e, EX_USAGE, "cannot read table '%s': its column '%s' is no fact that can be given", path,
                             last);
        }
        if (rc == 0 && !scan)
            rc = fail_as(e, EX_USAGE, "cannot read table '%s': its first line names no column 'scan'", path);
    }
    buffer_free(&file);
    return rc;
}

int overrides_join(struct sources *s, const struct opt_strings *given, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < given->count; i++) {
        char *text = xstrdup(given->value[i]), *rest = text, *one;
        while (rc == 0 && (one = strsep(&rest, ","))) {
            char *value = one, *name = strsep(&value, "=");
            if (!value || !*value)
                rc = fail_as(e, EX_USAGE, "--override '%s': NAME=VALUE or from=FILE.tsv is wanted", name);
            else if (strcmp(name, "from") == 0)
                rc = table_apply(s, value, e);
            for (size_t k = 0; rc == 0 && value && strcmp(name, "from") != 0 && k < s->count; k++)
                rc = given_add(&s->item[k], name, value, e);
        }
        free(text);
    }
    return rc;
}
