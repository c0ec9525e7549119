/* SPDX-License-Identifier: Apache-2.0 */
/* pictures -- each scan's maximum-intensity projection with its regions, as PNG.   directory -> [pictures] */
#include "common/file.h"
#include "common/log.h"
#include "stages/cache/cache.h"
#include "stages/picture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZOOM = 3 };

static int picture_write(const struct cache *c, size_t shard, const char *path, struct error *e)
{
    struct regions_message m;
    struct buffer png = {0};
    if (cache_read_shard(c, shard, false, &m, e))
        return -1;
    bool *tumour = xalloc(m.count + 1, sizeof *tumour);
    for (size_t i = 0; i < m.count; i++)
        tumour[i] = m.region[i].label == 1;
    int rc = 0;
    if (m.mip_angles > 0) {
        mip_picture(&m, 0, ZOOM, tumour, false, &png);
        rc = publish_bytes(path, png.data, png.size, e);
    }
    buffer_free(&png);
    free(tumour);
    regions_message_free(&m);
    return rc;
}

int cache_pictures(const char *dir, const struct cache_options *o, const struct opts_common *common)
{
    (void)o;
    struct cache c;
    struct error e = {0};
    struct progress bar;
    size_t drawn = 0;
    char *folder = path_join(dir, "pictures");
    if (cache_open(&c, dir, &e) || dir_make(folder, &e))
        die_of(&e);
    progress_begin(&bar, "pictures", "scans", 0, c.shard_count);
    for (size_t i = 0; i < c.shard_count; i++) {
        const char *name = c.shard[i].file;
        char *path = xprintf("%s/%.*s.png", folder, (int)(strlen(name) - strlen(".h5")), name);
        if (!file_exists(path)) { /* shards do not change */
            if (picture_write(&c, i, path, &e))
                die_of(&e);
            drawn++;
        }
        free(path);
        progress_update(&bar, i + 1, "%s", name);
    }
    progress_end(&bar);
    if (common->json)
        printf("{\"pictures\": %zu, \"drawn\": %zu}\n", c.shard_count, drawn);
    else if (!common->quiet)
        printf("%s: %zu pictures, %zu of them new; red: tumour by the truth mask, blue: other regions, green: left out "
               "as an organ's\n",
               folder, c.shard_count, drawn);
    free(folder);
    cache_close(&c);
    return EX_OK;
}
