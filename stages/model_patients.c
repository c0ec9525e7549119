/* SPDX-License-Identifier: Apache-2.0 */
/* model_patients -- which patients a model has seen, as a list of digests.   train ═▶ [model] ═▶ eval, classify */
#include "stages/model_patients.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 16 };
struct digest {
    char hex[DIGITS + 1];
};

static struct digest digest_of(const char *patient)
{
    struct digest d;
    char hex[65];
    bytes_sha256(patient, strlen(patient), hex);
    memcpy(d.hex, hex, DIGITS);
    d.hex[DIGITS] = 0;
    return d;
}

static int in_order(const void *a, const void *b)
{
    return strcmp(((const struct digest *)a)->hex, ((const struct digest *)b)->hex);
}

char *model_patients_list(const struct cache *c, const bool *shard, const char *before)
{
    size_t count = 0, length = before ? strlen(before) : 0, written = 0;
    struct digest *all = xalloc(c->shard_count + length / (DIGITS + 1) + 2, sizeof *all);
    for (size_t i = 0; shard && i < c->shard_count; i++)
        if (shard[i])
            all[count++] = digest_of(c->shard[i].patient);
    for (size_t at = 0; at + DIGITS <= length; at += DIGITS + 1) {
        memcpy(all[count].hex, before + at, DIGITS);
        all[count++].hex[DIGITS] = 0;
    }
    qsort(all, count, sizeof *all, in_order);
    char *text = xalloc(count * (DIGITS + 1) + 1, 1);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !in_order(&all[i - 1], &all[i]))
            continue;
        if (written > 0)
            text[written++] = ' ';
        memcpy(text + written, all[i].hex, DIGITS);
        written += DIGITS;
    }
    text[written] = 0;
    free(all);
    return text;
}

bool model_patients_has(const char *list, const char *patient)
{
    return list && strstr(list, digest_of(patient).hex);
}
