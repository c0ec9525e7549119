/* SPDX-License-Identifier: Apache-2.0 */
/* merge -- several caches become one: the parts that tasks of a cluster made.   caches -> [merge] -> directory */
#include "common/log.h"
#include "stages/cache/cache.h"
#include <stdio.h>

int cache_gather(char *const *dir, size_t count, const struct cache_options *o, const struct opts_common *common)
{
    struct cache c;
    struct error e = {0};
    struct progress bar;
    if (cache_writer_open(&c, dir[0], &e))
        die_of(&e);
    progress_begin(&bar, "merge", "caches", 0, count - 1);
    for (size_t i = 1; i < count; i++) {
        struct cache from;
        size_t brought;
        if (cache_open(&from, dir[i], &e) || cache_merge(&c, &from, o->link, &brought, &e))
            die_of(&e);
        log_record("merged", metric_text("cache", dir[i]), metric_number("scans", "%.0f", (double)from.shard_count),
                   metric_number("new", "%.0f", (double)brought),
                   metric_number("refused", "%.0f", (double)from.refused_count));
        progress_update(&bar, i, "%s", dir[i]);
        cache_close(&from);
    }
    if (cache_rows_publish(&c, &e))
        die_of(&e);
    progress_end(&bar);
    for (size_t i = c.shard_count; i < c.shard_count + c.refused_count; i++)
        log_warn("refused by %s: '%s': %s", c.shard[i].refusal->stage, c.shard[i].refusal->scan,
                 c.shard[i].refusal->sentence);
    if (common->json)
        printf("{\"scans\": %zu, \"regions\": %zu, \"tumours\": %zu, \"refused\": %zu, \"digest\": \"%s\"}\n",
               c.shard_count, c.regions, c.tumours, c.refused_count, c.digest);
    else
        printf("%zu scans, %zu regions, %zu tumours, %zu refused\ndigest %s\n", c.shard_count, c.regions, c.tumours,
               c.refused_count, c.digest);
    int code = c.refused_count ? EX_DATAERR : EX_OK;
    cache_close(&c);
    return code;
}
