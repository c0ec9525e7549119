/* SPDX-License-Identifier: Apache-2.0 */
/* page_index -- all scans' page.   cohort -> [page] */
#include "stages/classify/page.h"
#include "stages/classify/tables.h"
#include "stages/page.h"
#include <stdlib.h>
#include <string.h>

extern const unsigned char cohort_html[], table_js[];

struct cohort_page {
    FILE *to;
    const struct cohort *c;
    const char *summary;
};

/* Columns of scans.csv that stand on the page. */
static const char *const shown[] = {"patient",
                                    "study",
                                    "scan",
                                    "regions",
                                    "tumours",
                                    "tmtv_ml_own",
                                    "tlg_g_own",
                                    "tmtv_ml_fixed_4_0",
                                    "tmtv_ml_relative_41",
                                    "suv_max",
                                    "dmax_mm",
                                    "deauville_like",
                                    "liver_mean",
                                    "taken_out_ml",
                                    "simulated"};

/* Which field of a row a column is. */
static size_t field_of(const char *column)
{
    char name[64];
    size_t field = 0;
    for (; field < origin_count; field++)
        if (strcmp(origin_table[field].name, column) == 0)
            return field;
    for (size_t q = 0; q < scan_quantity_count; q++)
        for (size_t i = quantity_first(&scan_quantity_table[q]); i < quantity_end(&scan_quantity_table[q]);
             i++, field++) {
            quantity_column(&scan_quantity_table[q], i, name, sizeof name);
            if (strcmp(name, column) == 0)
                return field;
        }
    die(EX_SOFTWARE, "no column '%s' in scans.csv", column);
}

static void css(const void *of)
{
    fputs((const char *)page_css, ((const struct cohort_page *)of)->to);
}

static void js(const void *of)
{
    fputs((const char *)table_js, ((const struct cohort_page *)of)->to);
}

static void count(const void *of)
{
    const struct cohort_page *p = of;
    size_t const field = field_of("simulated");
    size_t simulated = 0;
    for (size_t i = 0; i < p->c->count; i++)
        simulated += strcmp(p->c->row[i].field[field], "1") == 0;
    fprintf(p->to, "%zu scan%s", p->c->count, p->c->count == 1 ? "" : "s");
    if (simulated)
        fprintf(p->to, ", %zu of them simulated", simulated);
}

static void scans(const void *of)
{
    const struct cohort_page *p = of;
    fputs("<table class=\"sorts\"><thead><tr><th>page</th>", p->to);
    for (size_t k = 0; k < COUNT_OF(shown); k++)
        fprintf(p->to, "<th>%s</th>", shown[k]);
    fputs("</tr></thead><tbody>", p->to);
    for (size_t i = 0; i < p->c->count; i++) {
        fputs("<tr><td><a href=\"", p->to);
        page_text(p->to, p->c->row[i].folder);
        fputs("/reading.html\">", p->to);
        page_text(p->to, p->c->row[i].folder);
        fputs("</a></td>", p->to);
        for (size_t k = 0; k < COUNT_OF(shown); k++) {
            fputs("<td>", p->to);
            page_text(p->to, p->c->row[i].field[field_of(shown[k])]);
            fputs("</td>", p->to);
        }
        fputs("</tr>\n", p->to);
    }
    fputs("</tbody></table>", p->to);
}

/* summary.csv, which has no quotes, as a table; what no scan knows is left out. */
static void summary(const void *of)
{
    const struct cohort_page *p = of;
    char *text = xstrdup(p->summary), *rest = text, *line;
    fputs("<table>", p->to);
    for (size_t n = 0; (line = strsep(&rest, "\n")) && *line; n++) {
        line[strcspn(line, "\r")] = '\0';
        if (n > 0 && strstr(line, ",0,,"))
            continue;
        fputs("<tr>", p->to);
        for (char *field; (field = strsep(&line, ","));) {
            fputs(n ? "<td>" : "<th>", p->to);
            page_text(p->to, field);
            fputs(n ? "</td>" : "</th>", p->to);
        }
        fputs("</tr>", p->to);
    }
    fputs("</table>", p->to);
    free(text);
}

static const struct page_slot slots[] = {
    {"css", css}, {"js", js}, {"count", count}, {"scans", scans}, {"summary", summary}};

int index_write(const struct cohort *c, const char *out, struct error *e)
{
    struct publish file;
    struct buffer text;
    char *from = path_join(out, "summary.csv"), *path = path_join(out, "index.html");
    int rc = file_read(from, 1 << 24, &text, e);
    if (rc == 0 && (rc = publish_open(&file, path, e)) == 0) {
        struct cohort_page const p = {file.to, c, (const char *)text.data};
        page_fill((const char *)cohort_html, slots, COUNT_OF(slots), &p, file.to);
        rc = publish_commit(&file, e);
    }
    if (rc == 0)
        buffer_free(&text);
    free(path);
    free(from);
    return rc;
}
