/* SPDX-License-Identifier: Apache-2.0 */
/* page -- a scan's page: the scan turning, slices, tables.   result -> [page] */
#include "stages/classify/page.h"
#include "stages/classify/cells.h"
#include "stages/classify/tables.h"
#include "stages/page.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char reading_html[], reading_js[], table_js[];

struct reading {
    FILE *to;
    const struct result *r;
    const struct model *model;
    struct origin origin;
    const char *data, *cells;
};

/* What stands in the table at first; the rest when every column is asked for. */
static const char *const shown[] = {"region",      "probability", "tumour",        "site", "organ",
                                    "suv_max",     "suv_mean",    "suv_peak",      "ml",   "tlg_g",
                                    "diameter_mm", "to_liver",    "deauville_like"};

static bool is_shown(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(shown); i++)
        if (strcmp(shown[i], name) == 0)
            return true;
    return false;
}

/* For people: three digits; what the tables say is in data-v. */
static void put_value(FILE *to, const struct quantity *q, size_t i, const void *record)
{
    double const v = quantity_number(q, i, record);
    if (q->kind == QUANTITY_WORD)
        page_text(to, quantity_word(q, i, record));
    else if (isfinite(v))
        fprintf(to,
                q->kind == QUANTITY_WHOLE ? "%.0f"
                : fabs(v) >= 1000         ? "%.0f"
                : fabs(v) >= 100          ? "%.1f"
                                          : "%.3g",
                v);
}

static void name(const void *of)
{
    const struct reading *p = of;
    page_text(p->to, p->origin.folder);
}

static void css(const void *of)
{
    fputs((const char *)page_css, ((const struct reading *)of)->to);
}

static void js(const void *of)
{
    fprintf(((const struct reading *)of)->to, "%s%s", (const char *)table_js, (const char *)reading_js);
}

static void data(const void *of)
{
    page_json(((const struct reading *)of)->to, ((const struct reading *)of)->data);
}

static void cells(const void *of)
{
    page_json(((const struct reading *)of)->to, ((const struct reading *)of)->cells);
}

static void of_cohort(const void *of)
{
    const struct reading *p = of;
    if (p->r->regions->facts.simulated)
        fputs(", a simulated scan", p->to);
}

static void simulated(const void *of)
{
    const struct reading *p = of;
    if (p->r->regions->facts.simulated)
        fputs(" <span class=\"badge\">a simulated scan: no patient</span>", p->to);
    if (p->model->simulated) {
        fputs(" <span class=\"badge\">the model was trained on a ", p->to);
        page_text(p->to, p->model->cohort);
        fputs(": this shows that the program works, not what is tumour</span>", p->to);
    }
}

static void headline(const void *of)
{
    const struct reading *p = of;
    const struct scan_quantities *s = &p->r->scan;
    fprintf(p->to, "%.0f of %.0f regions called tumour: TMTV %.1f ml, TLG %.1f g", s->tumours, s->regions,
            s->tmtv_ml_by[RULE_OWN], s->tlg_g_by[RULE_OWN]);
    if (isfinite(s->suv_max))
        fprintf(p->to, ", SUVmax %.1f", s->suv_max);
    if (s->given_parts > 0)
        fprintf(p->to, "; of %.0f regions given %.0f taken out (%.1f ml)", s->given_parts, s->taken_out_parts,
                s->taken_out_ml);
}

static void origin(const void *of)
{
    const struct reading *p = of;
    const struct scan_facts *f = &p->r->regions->facts;
    fputs("patient ", p->to);
    page_text(p->to, f->patient);
    fputs(", study ", p->to);
    page_text(p->to, f->study);
    fputs(", scan ", p->to);
    page_text(p->to, f->scan);
    fputs(" (", p->to);
    page_text(p->to, f->source);
    fprintf(p->to, "); threshold %.2f", p->model->recipe.threshold);
}

static void rule_cell(FILE *to, double v, const char *format)
{
    fputs("<td>", to);
    if (isfinite(v))
        fprintf(to, strcmp(format, "0") == 0 ? "%.0f" : "%.2f", v);
    else
        fputs("not known", to);
    fputs("</td>", to);
}

static void rules(const void *of)
{
    const struct reading *p = of;
    const struct scan_quantities *s = &p->r->scan;
    fputs("<table id=\"rules\"><tr><th>rule</th><th>threshold, SUV</th><th>TMTV, ml</th><th>TLG, "
          "g</th><th>lesions</th></tr>",
          p->to);
    for (enum rule r = 0; r < RULES; r++) {
        fprintf(p->to, "<tr><td>%s<br><small>", rule_ending(r));
        page_text(p->to, rule_how(r));
        fputs("</small></td>", p->to);
        if (r == RULE_OWN || r == RULE_RELATIVE_41)
            fputs("<td>each region's own</td>", p->to);
        else
            rule_cell(p->to, s->threshold_suv_by[r], "2");
        rule_cell(p->to, s->tmtv_ml_by[r], "2");
        rule_cell(p->to, s->tlg_g_by[r], "2");
        rule_cell(p->to, s->lesions_by[r], "0");
        fputs("</tr>", p->to);
    }
    fputs("</table>", p->to);
}

/* One region's cells, or with record NULL the titles. */
static void region_row(FILE *to, const struct region_quantities *record)
{
    char column[64], meaning[300];
    for (size_t q = 0; q < region_quantity_count; q++) {
        const struct quantity *row = &region_quantity_table[q];
        for (size_t i = quantity_first(row); i < quantity_end(row); i++) {
            quantity_column(row, i, column, sizeof column);
            const char *more = is_shown(column) ? "" : " data-more hidden";
            if (record) {
                bool const tumour = strcmp(column, "tumour") == 0;
                fprintf(to, "<td%s%s data-v=\"", more,
                        !tumour              ? ""
                        : record->tumour > 0 ? " class=\"t\""
                                             : " class=\"o\"");
                quantity_print(row, i, record, to);
                fputs("\">", to);
                if (tumour)
                    fputs(record->tumour > 0 ? "tumour" : "other", to);
                else
                    put_value(to, row, i, record);
                fputs("</td>", to);
                continue;
            }
            quantity_meaning(row, i, meaning, sizeof meaning);
            fprintf(to, "<th%s title=\"", more);
            page_text(to, meaning);
            fprintf(to, "\">%s", column);
            if (*row->unit && strcmp(row->unit, "1") != 0)
                fprintf(to, "<br><small>%s</small>", row->unit);
            fputs("</th>", to);
        }
    }
}

static void regions(const void *of)
{
    const struct reading *p = of;
    fputs("<table class=\"sorts\"><thead><tr>", p->to);
    region_row(p->to, NULL);
    fputs("</tr></thead><tbody>", p->to);
    for (size_t i = 0; i < p->r->regions->count; i++) {
        fprintf(p->to, "<tr data-region=\"%d\">", p->r->regions->region[i].component);
        region_row(p->to, &p->r->quantity[i]);
        fputs("</tr>\n", p->to);
    }
    fputs("</tbody></table>", p->to);
}

static void scan(const void *of)
{
    const struct reading *p = of;
    char column[64], meaning[300];
    fputs("<table><tr><th>quantity</th><th>value</th><th>unit</th><th>what it is</th></tr>", p->to);
    for (size_t q = 0; q < scan_quantity_count; q++) {
        const struct quantity *row = &scan_quantity_table[q];
        for (size_t i = quantity_first(row); i < quantity_end(row); i++) {
            double const v = quantity_number(row, i, &p->r->scan);
            if (row->each != QUANTITY_ONE && strcmp(row->name, "threshold_suv") != 0 && row->each == QUANTITY_RULED)
                continue; /* they stand by their rules */
            quantity_column(row, i, column, sizeof column);
            quantity_meaning(row, i, meaning, sizeof meaning);
            fprintf(p->to, "<tr><td>%s</td><td>", column);
            if (row->kind != QUANTITY_WORD ? isfinite(v) : *quantity_word(row, i, &p->r->scan) != '\0')
                put_value(p->to, row, i, &p->r->scan);
            else
                fputs("<small>not known</small>", p->to);
            fprintf(p->to, "</td><td>%s</td><td>", strcmp(row->unit, "1") == 0 ? "" : row->unit);
            page_text(p->to, meaning);
            fputs("</td></tr>", p->to);
        }
    }
    fputs("</table>", p->to);
}

static void columns_of(FILE *to, const struct quantity *table, size_t count)
{
    char column[64], meaning[300];
    for (size_t q = 0; q < count; q++)
        for (size_t i = quantity_first(&table[q]); i < quantity_end(&table[q]); i++) {
            quantity_column(&table[q], i, column, sizeof column);
            quantity_meaning(&table[q], i, meaning, sizeof meaning);
            fprintf(to, "<tr><td>%s</td><td>%s</td><td>%s</td><td>", column, table[q].unit, table[q].ibsi);
            page_text(to, meaning);
            fputs("</td><td>", to);
            page_text(to, table[q].how);
            fputs("</td></tr>", to);
        }
}

static void columns(const void *of)
{
    FILE *to = ((const struct reading *)of)->to;
    fputs("<table><tr><th>column</th><th>unit</th><th>IBSI</th><th>what it is</th><th>how</th></tr>", to);
    columns_of(to, region_quantity_table, region_quantity_count);
    columns_of(to, scan_quantity_table, scan_quantity_count);
    fputs("</table>", to);
}

static void made(const void *of)
{
    const struct reading *p = of;
    fputs("<table>", p->to);
    for (size_t c = 0; c < origin_count; c++) {
        char *text = NULL;
        size_t size = 0;
        FILE *bare = open_memstream(&text, &size);
        if (!bare)
            die(EX_OSERR, "out of memory");
        origin_table[c].print(&p->origin, bare);
        fclose(bare);
        fprintf(p->to, "<tr><td title=\"%s\">%s</td><td style=\"white-space:normal;text-align:left\">", "",
                origin_table[c].name);
        page_text(p->to, text);
        fputs("</td></tr>", p->to);
        free(text);
    }
    fputs("</table>", p->to);
}

static const struct page_slot slots[] = {{"name", name},       {"css", css},          {"js", js},
                                         {"data", data},       {"cells", cells},      {"of_cohort", of_cohort},
                                         {"rules", rules},     {"regions", regions},  {"scan", scan},
                                         {"columns", columns}, {"made", made},        {"simulated", simulated},
                                         {"origin", origin},   {"headline", headline}};

int page_write(const struct result *r, const struct model *model, const char *dir, struct error *e)
{
    char *cells_text = NULL, *path = path_join(dir, "reading.html"), *json = result_json(r, model, dir, e);
    size_t size = 0;
    FILE *memory = open_memstream(&cells_text, &size);
    if (!memory)
        die(EX_OSERR, "out of memory");
    int rc = json ? cells_json(r, memory, e) : -1;
    fclose(memory);
    struct publish out;
    if (rc == 0 && (rc = publish_open(&out, path, e)) == 0) {
        struct reading const p = {out.to, r, model, {&r->regions->facts, model, path_base(dir)}, json, cells_text};
        page_fill((const char *)reading_html, slots, COUNT_OF(slots), &p, out.to);
        rc = publish_commit(&out, e);
    }
    free(cells_text);
    free(json);
    free(path);
    return rc;
}
