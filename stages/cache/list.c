/* SPDX-License-Identifier: Apache-2.0 */
/* list -- a cache's scans as a table, and its patients divided.   directory -> [list] */
#include "common/log.h"
#include "stages/cache/cache.h"
#include <stdio.h>
#include <string.h>

const char *cohort_words(const struct cache *c)
{
    return c->simulated == 0 ? "" : c->simulated == 1 ? "; simulated cohort" : "; some scans are simulated";
}

static void table_print(const struct cache *c)
{
    bool told = false;
    printf("%-40s %-18s %8s %8s %8s %-10s %8s\n", "scan", "patient", "regions", "tumours", "outside*", "split",
           "SUVmax");
    for (size_t i = 0; i < c->shard_count; i++) {
        const struct shard_entry *s = &c->shard[i];
        struct scan_facts facts;
        struct error e = {0};
        char name[140], large[24] = "?";
        int64_t outside;
        if (cache_read_facts(c, i, &facts, &e) || cache_read_outside(c, i, &outside, &e))
            die_of(&e);
        if (outside >= 0)
            format_into(large, sizeof large, "%lld", (long long)outside);
        told |= outside != 0;
        format_into(name, sizeof name, "%s/%s", s->study, s->scan);
        printf("%-40s %-18s %8lld %8lld %8s %-10s %8.2f\n", name, s->patient, (long long)s->regions,
               (long long)s->tumours, large, cache_split_name(s->split), facts.suv_max);
    }
    if (told)
        printf(
            "* regions of which less than half lies in their box of %d voxels a side: the network sees their middle\n",
            BOX_SIDE);
    for (size_t i = c->shard_count; i < c->shard_count + c->refused_count; i++)
        printf("refused by %s: %s: %s\n", c->shard[i].refusal->stage, c->shard[i].refusal->scan,
               c->shard[i].refusal->sentence);
    printf("%zu scans, %zu regions, %zu tumours, %zu refused%s\n", c->shard_count, c->regions, c->tumours,
           c->refused_count, cohort_words(c));
}

int cache_list(const char *dir, const struct cache_options *o, const struct opts_common *common)
{
    (void)o;
    struct cache c;
    struct error e = {0};
    int code = EX_OK;
    if (cache_open(&c, dir, &e))
        die_of(&e);
    if (common->json)
        code = cache_list_json(&c);
    else
        table_print(&c);
    cache_close(&c);
    return code;
}

/* ---- split */

struct share {
    size_t patients, scans, regions, tumours;
};

static struct share share_of(const struct cache *c, enum split split)
{
    struct share n = {.patients = cache_patients(c, split)};
    for (size_t i = 0; i < c->shard_count; i++) {
        const struct shard_entry *s = &c->shard[i];
        if (s->split != split)
            continue;
        n.scans++;
        n.regions += (size_t)s->regions;
        n.tumours += (size_t)s->tumours;
    }
    return n;
}

int cache_divide(const char *dir, const struct cache_options *o, const struct opts_common *common)
{
    struct cache c;
    struct error e = {0};
    if (cache_open(&c, dir, &e) ||
        cache_split(&c, o->validation, o->test, (uint64_t)common->seed,
                    o->force  ? SPLIT_REPLACE
                    : o->keep ? SPLIT_KEEP
                              : SPLIT_REFUSE,
                    &e) ||
        cache_rows_publish(&c, &e))
        die_of(&e);
    if (!common->json)
        printf("%-10s %8s %8s %8s %8s %8s\n", "split", "patients", "scans", "regions", "tumours", "share");
    for (enum split s = SPLIT_TRAIN; s <= SPLIT_TEST; s++) {
        struct share n = share_of(&c, s);
        printf(common->json ? "{\"split\": \"%s\", \"patients\": %zu, \"scans\": %zu, \"regions\": %zu, "
                              "\"tumours\": %zu, \"share\": %.4f}\n"
                            : "%-10s %8zu %8zu %8zu %8zu %8.4f\n",
               cache_split_name(s), n.patients, n.scans, n.regions, n.tumours,
               n.regions ? (double)n.tumours / (double)n.regions : 0.0);
    }
    cache_close(&c);
    return EX_OK;
}
