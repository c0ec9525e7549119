/* SPDX-License-Identifier: Apache-2.0 */
/* collect -- regions published as shards, and only then acknowledged.   regions -> [collect] -> directory */
#include "common/log.h"
#include "proto/made_with.h"
#include "stages/cache/cache.h"
#include <stdlib.h>
#include <string.h>

/* A scan that cannot be kept is refused here and noted; anything else that fails stops the pipeline. */
static void scan_refuse(struct cache *c, struct item_key key, const char *scan, const struct error *why)
{
    struct refusal_message refusal = {.stage = "cache", .code = why->code};
    struct error e = {0};
    if (why->code != EX_DATAERR)
        die_of(why);
    format_into(refusal.scan, sizeof refusal.scan, "%s", scan);
    format_into(refusal.sentence, sizeof refusal.sentence, "%s", why->text);
    log_refused(scan, why->text);
    if (cache_refuse(c, key, &refusal, &e))
        die_of(&e);
}

static void refusal_keep(struct cache *c, const struct taken *item)
{
    struct refusal_message refusal;
    struct error e = {0};
    if (refusal_message_decode(&item->bytes, &refusal, &e))
        scan_refuse(c, item->key, "?", &e);
    else if (cache_refuse(c, item->key, &refusal, &e))
        die_of(&e);
}

static void regions_keep(struct cache *c, const struct taken *item, const struct recipe *recipe)
{
    struct regions_message m;
    struct error e = {0};
    if (cache_has(c, item->key)) {
        static double repeats;
        metric_gauge("repeats", ++repeats);
        return;
    }
    if (regions_message_decode(&item->bytes, &m, &e)) {
        scan_refuse(c, item->key, "?", &e);
        return;
    }
    if (!m.settings) /* whoever found them did not say; this pipeline's recipe does */
        made_with_write(&m, recipe);
    size_t tumours = 0, before = c->shard_count;
    for (size_t i = 0; i < m.count; i++)
        tumours += m.region[i].label == 1;
    if (cache_add(c, item->key, &m, &e))
        scan_refuse(c, item->key, m.facts.source, &e);
    else if (c->shard_count > before)
        log_record("cached", metric_text("scan", m.facts.source), metric_text("patient", m.facts.patient),
                   metric_text("vendor", *m.facts.vendor ? m.facts.vendor : "-"),
                   metric_number("factor", "%.6g", m.facts.suv_factor),
                   metric_number("suv_max", "%.2f", m.facts.suv_max), metric_number("regions", "%.0f", (double)m.count),
                   metric_number("tumours", "%.0f", (double)tumours));
    regions_message_free(&m);
}

static void refusals_list(const struct cache *c)
{
    for (size_t i = c->shard_count; i < c->shard_count + c->refused_count; i++) {
        const struct refusal_message *r = c->shard[i].refusal;
        log_warn("refused by %s: '%s': %s", r->stage, r->scan, r->sentence);
    }
}

/* A pipeline run again with other settings finds every scan there already and would find no new regions: say so. */
static void settings_check(const struct cache *c, const struct recipe *r, bool given)
{
    struct recipe defaults;
    struct error e = {0};
    recipe_defaults(&defaults);
    uint64_t asked = recipe_digest(r, RECIPE_SCAN);
    if (!c->shard_count || (!given && asked == recipe_digest(&defaults, RECIPE_SCAN)))
        return;
    char *record = recipe_record(r, RECIPE_SCAN);
    if (cache_settings_check(c, asked, record, &e))
        die_of(&e);
    free(record);
}

int cache_collect(const char *dir, const struct cache_options *o, const struct opts_common *common)
{
    struct cache c;
    struct stage st;
    struct taken item;
    struct progress bar;
    struct error e = {0};
    stage_open(&st, "cache", &o->ends, true, false);
    if (cache_writer_open(&c, dir, &e))
        die_of(&e);
    settings_check(&c, &o->recipe, common->recipe != NULL);
    progress_begin(&bar, "cache", "scans", c.shard_count, 0);
    while (stage_take(&st, &item)) {
        if (message_type_of(&item.bytes, &e) == MESSAGE_REFUSAL)
            refusal_keep(&c, &item);
        else
            regions_keep(&c, &item, &o->recipe);
        stage_done(&st, &item);
        progress_update(&bar, c.shard_count, "%zu regions, %zu tumours", c.regions, c.tumours);
    }
    progress_end(&bar);
    refusals_list(&c);
    size_t scans = c.shard_count, regions = c.regions, tumours = c.tumours, refused = c.refused_count;
    cache_close(&c);
    stage_close(&st, "%zu scans, %zu regions, %zu tumours, %zu refused, in '%s'", scans, regions, tumours, refused, dir);
    return refused ? EX_DATAERR : EX_OK;
}
