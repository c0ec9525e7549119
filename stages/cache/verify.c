/* SPDX-License-Identifier: Apache-2.0 */
/* verify -- everything in a cache read back, every sum held against the data.   directory -> [verify] */
#include "common/file.h"
#include "common/log.h"
#include "stages/cache/cache.h"
#include <stdio.h>
#include <string.h>

/* A shard that no line names: its writer was killed between the two. Harmless, and said. */
static void strays_say(const struct cache *c)
{
    struct names names;
    struct error e = {0};
    if (dir_list(c->dir, &names, &e))
        die_of(&e);
    for (size_t i = 0; i < names.count; i++)
        if (ends_with(names.name[i], ".h5") && !cache_names(c, names.name[i]))
            log_warn("'%s/%s' is in no line of the manifest: left by a collect that was stopped; collecting again "
                     "takes it in",
                     c->dir, names.name[i]);
    names_free(&names);
}

int cache_verify(const char *dir, const struct cache_options *o, const struct opts_common *common)
{
    (void)o;
    struct cache c;
    struct error e = {0};
    struct progress bar;
    size_t bad = 0;
    if (cache_open(&c, dir, &e))
        die_of(&e);
    strays_say(&c);
    progress_begin(&bar, "verify", "scans", 0, c.shard_count);
    for (size_t i = 0; i < c.shard_count; i++) {
        if (cache_verify_shard(&c, i, &e)) {
            log_warn("%s", e.text);
            bad++;
        }
        progress_update(&bar, i + 1, "%s", c.shard[i].file);
    }
    progress_end(&bar);
    if (common->json)
        printf("{\"scans\": %zu, \"regions\": %zu, \"tumours\": %zu, \"refused\": %zu, \"damaged\": %zu, "
               "\"digest\": \"%s\"}\n",
               c.shard_count, c.regions, c.tumours, c.refused_count, bad, c.digest);
    else
        printf("%zu scans, %zu regions, %zu tumours, %zu refused; %zu damaged\ndigest %s\n", c.shard_count, c.regions,
               c.tumours, c.refused_count, bad, c.digest);
    cache_close(&c);
    return bad ? EX_DATAERR : EX_OK;
}
