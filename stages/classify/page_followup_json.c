/* SPDX-License-Identifier: Apache-2.0 */
/* page_followup_json -- what became of the lesions, on the page: petrel-followup's answer, where there is one.   followup ═> [page] */
#include "stages/classify/page.h"
#include "stages/page.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *from, const char *key)
{
    const char *text = json_string_value(json_object_get(from, key));
    return text ? text : "";
}

static void put_number(FILE *to, const json_t *from, const char *key, const char *format)
{
    const json_t *value = json_object_get(from, key);
    char text[40];
    fputs("<td data-v=\"", to);
    if (json_is_number(value))
        fprintf(to, "%.6g", json_number_value(value));
    fputs("\">", to);
    if (json_is_number(value)) {
        double const v = json_number_value(value);
        snprintf(text, sizeof text, strcmp(format, "%") == 0 ? "%+.0f %%" : fabs(v) >= 1000 ? "%.0f" : "%.3g", v);
        fputs(text, to);
    } else {
        fputs("<small>-</small>", to);
    }
    fputs("</td>", to);
}

static void put_regions(FILE *to, const json_t *list)
{
    fputs("<td>", to);
    for (size_t i = 0; i < json_array_size(list); i++)
        fprintf(to, "%s%lld", i ? ", " : "", (long long)json_integer_value(json_array_get(list, i)));
    fputs("</td>", to);
}

static void put_headline(FILE *to, const json_t *all)
{
    const json_t *response = json_object_get(all, "response"), *lesions = json_object_get(response, "lesions");
    const char *category = text_of(response, "category"), *key;
    json_t *count;
    bool first = true;
    fputs("<p><b>", to);
    page_text(to, *category ? category : "not evaluable");
    fputs("</b>: ", to);
    page_text(to, text_of(response, "why"));
    fputs(". Lesions called tumour in either scan: ", to);
    json_object_foreach((json_t *)(uintptr_t)lesions, key, count)
    {
        if (json_integer_value(count) == 0)
            continue;
        fprintf(to, "%s%lld ", first ? "" : ", ", (long long)json_integer_value(count));
        page_text(to, key);
        first = false;
    }
    fputs(first ? "none.</p><p>" : ".</p><p>", to);
    page_text(to, text_of(response, "rule"));
    fputs(". ", to);
    page_text(to, text_of(response, "told"));
    if (json_is_true(json_object_get(all, "patients_differ")))
        fputs("<b>The two scans go by two patients' names; that they are one was taken on a user's word.</b> ", to);
    fprintf(to, "Earlier scan: ");
    page_text(to, text_of(json_object_get(all, "earlier"), "folder"));
    fprintf(to, "; laid on this one by a rigid motion (correlation %.3f).</p>",
            json_number_value(json_object_get(json_object_get(all, "alignment"), "correlation")));
}

static void put_burden(FILE *to, const json_t *burden)
{
    fputs("<div class=\"scroll\"><table><tr><th>rule</th><th>TMTV before, ml</th><th>now, "
          "ml</th><th>change</th><th>TLG before, g</th><th>now, "
          "g</th><th>change</th></tr>",
          to);
    for (size_t i = 0; i < json_array_size(burden); i++) {
        const json_t *row = json_array_get(burden, i);
        fputs("<tr><td>", to);
        page_text(to, text_of(row, "rule"));
        fputs("</td>", to);
        put_number(to, row, "earlier_tmtv_ml", "");
        put_number(to, row, "later_tmtv_ml", "");
        put_number(to, row, "tmtv_change_percent", "%");
        put_number(to, row, "earlier_tlg_g", "");
        put_number(to, row, "later_tlg_g", "");
        put_number(to, row, "tlg_change_percent", "%");
        fputs("</tr>", to);
    }
    fputs("</table></div>", to);
}

static void put_lesions(FILE *to, const json_t *lesions)
{
    static const struct {
        const char *key, *title, *format;
    } columns[] = {{"earlier_ml", "ml before", ""},
                   {"later_ml", "ml now", ""},
                   {"earlier_suv_peak", "SUVpeak before", ""},
                   {"later_suv_peak", "SUVpeak now", ""},
                   {"suv_peak_change_percent", "change", "%"},
                   {"earlier_tlg_g", "TLG before, g", ""},
                   {"later_tlg_g", "TLG now, g", ""},
                   {"tlg_change_percent", "change", "%"},
                   {"dice", "overlap (Dice)", ""},
                   {"moved_mm", "apart, mm", ""}};
    fputs("<div class=\"scroll\"><table class=\"sorts\"><thead><tr><th>lesion</th><th>change</th><th>regions "
          "before</th><th>regions now</th>",
          to);
    for (size_t c = 0; c < COUNT_OF(columns); c++)
        fprintf(to, "<th>%s</th>", columns[c].title);
    fputs("</tr></thead><tbody>", to);
    for (size_t i = 0; i < json_array_size(lesions); i++) {
        const json_t *row = json_array_get(lesions, i);
        fputs("<tr><td title=\"", to);
        page_text(to, text_of(row, "tracking_uid"));
        fputs("\">", to);
        page_text(to, text_of(row, "tracking_id"));
        fputs("</td><td>", to);
        page_text(to, text_of(row, "change"));
        fputs("</td>", to);
        put_regions(to, json_object_get(row, "earlier_regions"));
        put_regions(to, json_object_get(row, "later_regions"));
        for (size_t c = 0; c < COUNT_OF(columns); c++)
            put_number(to, row, columns[c].key, columns[c].format);
        fputs("</tr>\n", to);
    }
    fputs("</tbody></table></div>", to);
}

void page_followup(const char *dir, const char *of_cohort, FILE *to)
{
    char *path = path_join(dir, "followup.json");
    json_t *all = json_load_file(path, 0, NULL);
    free(path);
    if (all == NULL)
        return;
    fputs("<section id=\"followup\"><h2>Since the earlier scan", to);
    page_text(to, of_cohort);
    fputs("</h2>", to);
    put_headline(to, all);
    put_burden(to, json_object_get(all, "burden"));
    put_lesions(to, json_object_get(all, "lesions"));
    fputs("<p>grown, shrunk: by total lesion glycolysis. unfound: the other scan is as hot there, but has no region. "
          "outside: it did not look there. docs/followup.md "
          "says how lesions are "
          "matched.</p></section>",
          to);
    json_decref(all);
}
