/* SPDX-License-Identifier: Apache-2.0 */
/* tables_json -- a result as JSON: the scan, its regions, and what made them.   result -> [tables] */
#include "common/file.h"
#include "common/given.h"
#include "stages/classify/tables.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* As the tables print it, so that both say the same number. */
static json_t *value_json(const struct quantity *q, size_t i, const void *record)
{
    double const value = quantity_number(q, i, record);
    if (q->kind == QUANTITY_WORD) {
        const char *word = quantity_word(q, i, record);
        return *word ? json_string(word) : json_null();
    }
    if (!isfinite(value))
        return json_null();
    if (q->kind == QUANTITY_WHOLE)
        return json_integer((json_int_t)value);
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

static json_t *record_json(const struct quantity *table, size_t count, const void *record)
{
    json_t *object = json_object();
    char name[64];
    for (size_t q = 0; q < count; q++)
        for (size_t i = quantity_first(&table[q]); i < quantity_end(&table[q]); i++) {
            quantity_column(&table[q], i, name, sizeof name);
            json_object_set_new(object, name, value_json(&table[q], i, record));
        }
    return object;
}

static json_t *columns_json(const struct quantity *table, size_t count)
{
    json_t *object = json_object();
    char name[64], help[300];
    for (size_t q = 0; q < count; q++)
        for (size_t i = quantity_first(&table[q]); i < quantity_end(&table[q]); i++) {
            quantity_column(&table[q], i, name, sizeof name);
            quantity_meaning(&table[q], i, help, sizeof help);
            json_object_set_new(object, name,
                                json_pack("{s:s, s:s, s:s, s:s}", "unit", table[q].unit, "ibsi", table[q].ibsi,
                                          "meaning", help, "how", table[q].how));
        }
    return object;
}

static json_t *origin_json(const struct origin *o)
{
    json_t *object = json_object();
    for (size_t c = 0; c < origin_count; c++) {
        char *text = NULL;
        size_t size = 0;
        FILE *to = open_memstream(&text, &size);
        if (!to)
            die(EX_OSERR, "out of memory");
        origin_table[c].print(o, to);
        fclose(to);
        json_object_set_new(object, origin_table[c].name, json_string(text));
        free(text);
    }
    return object;
}

char *result_json(const struct result *r, const struct model *model, const char *dir, struct error *e)
{
    const struct origin o = {&r->regions->facts, model, path_base(dir)};
    json_t *regions = json_array(), *rules = json_object();
    for (size_t i = 0; i < r->regions->count; i++)
        json_array_append_new(regions, record_json(region_quantity_table, region_quantity_count, &r->quantity[i]));
    for (enum rule k = 0; k < RULES; k++)
        json_object_set_new(rules, rule_ending(k), json_string(rule_how(k)));
    json_t *whole =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:{s:o, s:o}}", "use", "research use only, no medical device", "origin",
                  origin_json(&o), "scan", record_json(scan_quantity_table, scan_quantity_count, &r->scan), "regions",
                  regions, "rules", rules, "columns", "scan", columns_json(scan_quantity_table, scan_quantity_count),
                  "region", columns_json(region_quantity_table, region_quantity_count));
    const struct given *given = r->regions->scan.given;
    if (whole && given)
        json_object_set_new(
            whole, "given",
            json_pack("{s:s, s:s, s:s}", "file", given->path, "format", given->format, "sha256", given->sha256));
    char *text = whole ? json_dumps(whole, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(whole);
    if (!text)
        fail_as(e, EX_SOFTWARE, "cannot write the regions of '%s' as JSON", r->regions->facts.scan);
    return text;
}

int result_json_write(const struct result *r, const struct model *model, const char *dir, struct error *e)
{
    char *text = result_json(r, model, dir, e);
    if (!text)
        return -1;
    char *path = path_join(dir, "regions.json");
    int rc = publish_bytes(path, text, strlen(text), e);
    free(path);
    free(text);
    return rc;
}
