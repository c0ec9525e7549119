/* SPDX-License-Identifier: Apache-2.0 */
/* table -- the rows of quantities.def as a table, and how its values are named and written.   quantities -> [table] */
#include "stages/classify/quantities/quantities.h"
#include <string.h>

#define REGION(kind, each, field, unit, ibsi, help, how)
#define SCAN(kind, each, field, unit, ibsi, help, how)                                                                 \
    {#field,                                                                                                           \
     unit,                                                                                                             \
     ibsi,                                                                                                             \
     help,                                                                                                             \
     how,                                                                                                              \
     QUANTITY_##kind,                                                                                                  \
     QUANTITY_##each,                                                                                                  \
     QUANTITY_AT_##each(struct scan_quantities, field)},
#define QUANTITY_AT_ONE(record, field)    offsetof(record, field)
#define QUANTITY_AT_RULED(record, field)  offsetof(record, field##_by)
#define QUANTITY_AT_OTHERS(record, field) offsetof(record, field##_by)
#define QUANTITY_AT_SITED(record, field)  offsetof(record, field##_at)
const struct quantity scan_quantity_table[] = {
#include "stages/classify/quantities/quantities.def"
};
#undef SCAN
#undef REGION
#define SCAN(kind, each, field, unit, ibsi, help, how)
#define REGION(kind, each, field, unit, ibsi, help, how)                                                               \
    {#field,                                                                                                           \
     unit,                                                                                                             \
     ibsi,                                                                                                             \
     help,                                                                                                             \
     how,                                                                                                              \
     QUANTITY_##kind,                                                                                                  \
     QUANTITY_##each,                                                                                                  \
     QUANTITY_AT_##each(struct region_quantities, field)},
const struct quantity region_quantity_table[] = {
#include "stages/classify/quantities/quantities.def"
};
const size_t region_quantity_count = COUNT_OF(region_quantity_table),
             scan_quantity_count = COUNT_OF(scan_quantity_table);

static const struct {
    const char *ending, *how;
} rules[RULES] = {
#define RULE(name, ending, how) [RULE_##name] = {#ending, how},
#include "stages/classify/quantities/rules.def"
#undef RULE
};
static const char *const sites[SITES] = {
#define SITE(name, ending, top_mm) [SITE_##name] = #ending,
#include "stages/classify/quantities/sites.def"
#undef SITE
};

const char *rule_ending(enum rule r)
{
    return rules[r].ending;
}

const char *rule_how(enum rule r)
{
    return rules[r].how;
}

const char *site_ending(enum site s)
{
    return sites[s];
}

enum site site_of(const char *word)
{
    for (enum site s = 0; s < SITES; s++)
        if (strcmp(word, sites[s]) == 0)
            return s;
    return SITE_UNPLACED;
}

size_t quantity_first(const struct quantity *q)
{
    return q->each == QUANTITY_OTHERS;
}

size_t quantity_end(const struct quantity *q)
{
    return q->each == QUANTITY_ONE ? 1 : q->each == QUANTITY_SITED ? (size_t)SITES : (size_t)RULES;
}

static const char *ending(const struct quantity *q, size_t i)
{
    return q->each == QUANTITY_ONE ? "" : q->each == QUANTITY_SITED ? sites[i] : rules[i].ending;
}

void quantity_column(const struct quantity *q, size_t i, char *name, size_t size)
{
    format_into(name, size, "%s%s%s", q->name, q->each == QUANTITY_ONE ? "" : "_", ending(q, i));
}

void quantity_meaning(const struct quantity *q, size_t i, char *text, size_t size)
{
    if (q->each == QUANTITY_ONE)
        format_into(text, size, "%s", q->help);
    else if (q->each == QUANTITY_SITED)
        format_into(text, size, "%s: %s", q->help, sites[i]);
    else
        format_into(text, size, "%s: %s", q->help, rules[i].how);
}

double quantity_number(const struct quantity *q, size_t i, const void *record)
{
    double value = NAN;
    if (q->kind != QUANTITY_WORD)
        memcpy(&value, (const char *)record + q->offset + i * sizeof value, sizeof value);
    return value;
}

const char *quantity_word(const struct quantity *q, size_t i, const void *record)
{
    const char *word = "";
    if (q->kind == QUANTITY_WORD)
        memcpy(&word, (const char *)record + q->offset + i * sizeof word, sizeof word);
    return word ? word : "";
}

void quantity_print(const struct quantity *q, size_t i, const void *record, FILE *to)
{
    double const value = quantity_number(q, i, record);
    if (q->kind == QUANTITY_WORD)
        fputs(quantity_word(q, i, record), to);
    else if (isfinite(value))
        fprintf(to, q->kind == QUANTITY_WHOLE ? "%.0f" : "%.6g", value);
}
