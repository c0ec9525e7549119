/* SPDX-License-Identifier: Apache-2.0 */
/* facts -- what a cache knows of each region and scan, beside boxes and labels.   cache ═▶ [facts] -> baselines, strata, patients, page */
#include "stages/eval/facts.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

int facts_read(struct facts *f, const struct cache *c, struct error *e)
{
    *f = (struct facts){xalloc(c->regions + 1, sizeof *f->region),
                        xalloc(c->shard_count + 1, sizeof *f->scan),
                        xalloc(c->shard_count + 1, sizeof *f->grid),
                        xalloc(c->shard_count + 1, sizeof *f->lesions),
                        NULL,
                        c->shard_count};
    for (size_t i = 0; i < c->shard_count; i++) {
        struct regions_message m;
        if (cache_read_shard(c, i, false, &m, e) < 0) {
            facts_free(f);
            return -1;
        }
        memcpy(f->region + c->shard[i].first_row, m.region, m.count * sizeof *m.region);
        f->scan[i] = m.facts;
        f->grid[i] = m.grid;
        f->lesions[i] = m.lesions;
        m.lesions = (struct lesions){0};
        regions_message_free(&m);
    }
    return 0;
}

static int take_site(struct facts *f, const struct cache *c, char *line, const char *path, size_t number,
                     struct error *e)
{
    char *site = line, *patient = strsep(&site, "\t");
    bool found = false;
    if (site == NULL || strchr(site, '\t') != NULL || strlen(site) >= sizeof f->site[0])
        return fail(e, "cannot read '%s': line %zu is not a patient, a tab and a site of at most %zu letters", path,
                    number, sizeof f->site[0] - 1);
    for (size_t i = 0; i < c->shard_count; i++)
        if (strcmp(c->shard[i].patient, patient) == 0) {
            format_into(f->site[i], sizeof f->site[i], "%s", site);
            found = true;
        }
    return found || number == 1
               ? 0
               : fail(e, "'%s' names patient '%s' (line %zu), whom the cache does not hold", path, patient, number);
}

int facts_sites(struct facts *f, const struct cache *c, const char *path, struct error *e)
{
    struct buffer text = {0};
    if (file_read(path, (size_t)1 << 26, &text, e) < 0)
        return -1;
    f->site = xalloc(f->shards + 1, sizeof *f->site);
    char *rest = (char *)text.data, *line;
    size_t number = 0;
    int rc = 0;
    while (rc == 0 && (line = strsep(&rest, "\n")) != NULL) {
        number++;
        if (*line != '\0' && *line != '#')
            rc = take_site(f, c, line, path, number, e);
    }
    buffer_free(&text);
    return rc;
}

void facts_free(struct facts *f)
{
    free(f->site);
    for (size_t i = 0; i < f->shards; i++)
        lesions_free(&f->lesions[i]);
    free(f->lesions);
    free(f->region);
    free(f->scan);
    free(f->grid);
    memset(f, 0, sizeof *f);
}

double facts_height(const struct facts *f, size_t row, int32_t shard)
{
    int64_t slices = f->grid[shard].dim[0]; /* z grows to the head */
    return slices > 1 ? f->region[row].centroid[0] / (double)(slices - 1) : 0.5;
}
