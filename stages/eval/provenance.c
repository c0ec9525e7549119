/* SPDX-License-Identifier: Apache-2.0 */
/* provenance -- what a result was made by and of.   evaluation -> [provenance] -> every output of petrel-eval */
#include "stages/eval/provenance.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

void settings_digest(const struct model *m, char hex[65])
{
    bytes_sha256(m->settings, strlen(m->settings), hex);
}

char *provenance_of_cache(const char *cache_digest, const char *split)
{
    return xprintf("petrel-eval %s, %s split, cache %.12s", program_version(), split, cache_digest);
}

char *provenance_of_model(const char *name, const char *file_digest, const struct model *m)
{
    char settings[65];
    settings_digest(m, settings);
    return xprintf("%s: file %.12s, settings %.12s, recipe %s, seed %llu, by petrel %s of cache %.12s", name,
                   file_digest, settings, m->recipe_name, (unsigned long long)m->seed, m->version, m->cache_digest);
}

void provenance_notes(const struct report *r, const struct dress *d, FILE *to)
{
    char *line = provenance_of_cache(r->cache->digest, split_name[r->split]);
    dress_note(d, line, to);
    free(line);
    for (size_t i = 0; i < r->models; i++) {
        line = provenance_of_model(r->model[i].name, r->model[i].digest, &r->model[i].model);
        dress_note(d, line, to);
        free(line);
    }
}

void provenance_cells(const struct report *r, const struct evaluation *v, FILE *to)
{
    char settings[65];
    settings_digest(&v->model, settings);
    fprintf(to, "%s,%s,%s,%s,%s,%s,%s,%s", split_name[r->split], program_version(), r->cache->digest, v->digest,
            settings, v->model.recipe_name, v->model.version, v->model.cache_digest);
}
