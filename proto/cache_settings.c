/* SPDX-License-Identifier: Apache-2.0 */
/* cache_settings -- with which SUV and region settings a cache was made.   proto */
#include "common/log.h"
#include "proto/cache.h"
#include <stdlib.h>
#include <string.h>

int cache_settings(const struct cache *c, struct cache_settings *s, struct error *e)
{
    struct scan_facts facts = {0};
    s->record[0] = '\0';
    if (!c->shard_count)
        return 0;
    if (cache_read_facts(c, 0, &facts, e))
        return -1;
    format_into(s->record, sizeof s->record, "%s", facts.made_with);
    return 0;
}

int cache_settings_check(const struct cache *c, uint64_t settings, const char *record, struct error *e)
{
    struct cache_settings own;
    char what[700];
    if (!c->shard_count || c->shard[0].settings == settings)
        return 0;
    if (cache_settings(c, &own, e))
        return -1;
    if (!record_compare(own.record, record, what, sizeof what))
        format_into(what, sizeof what, "what it says of them is damaged");
    return fail_as(e, EX_CONFIG, "cache '%s' was made with other settings (%s): name another directory, or use its own",
                   c->dir, what);
}

int cache_settings_adopt(const struct cache *c, struct recipe *r, const struct option *given, size_t rows,
                         struct error *e)
{
    struct cache_settings own;
    if (!c->shard_count)
        return 0;
    if (cache_settings(c, &own, e))
        return -1;
    if (!*own.record) {
        log_warn("cache '%s' is of version 0.1 and does not say with which SUV and region settings it was made", c->dir);
        return 0;
    }
    char *whose = xprintf("cache '%s'", c->dir);
    int result = record_adopt(r, own.record, RECIPE_SCAN, given, rows, whose, e);
    free(whose);
    return result;
}

int cache_overridden(const struct cache *c, char **text, struct error *e)
{
    *text = xstrdup("");
    for (size_t i = 0; i < c->shard_count; i++) {
        struct scan_facts facts = {0};
        if (cache_read_facts(c, i, &facts, e)) {
            free(*text);
            *text = NULL;
            return -1;
        }
        if (!*facts.overridden)
            continue;
        char *longer = xprintf("%s%s%s %s: %s", *text, **text ? "\n" : "", facts.patient, facts.scan, facts.overridden);
        free(*text);
        *text = longer;
    }
    return 0;
}
