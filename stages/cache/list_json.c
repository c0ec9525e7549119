/* SPDX-License-Identifier: Apache-2.0 */
/* list_json -- a cache's scans as one JSON object, every fact of every scan.   directory -> [list_json] */
#include "stages/cache/cache.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* Texts that are not UTF-8, and reals that are not known, are null. */
static json_t *text_or_null(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_null();
}

static json_t *fact_json(const struct scan_facts *facts, const struct fact_field *f)
{
    const void *at = (const char *)facts + f->offset;
    switch (f->kind) {
    case FACT_TEXT: return text_or_null(at);
    case FACT_INT: return json_integer(*(const int64_t *)at);
    case FACT_REAL: return isfinite(*(const double *)at) ? json_real(*(const double *)at) : json_null();
    }
    return json_null();
}

static json_t *shard_json(const struct cache *c, size_t i)
{
    const struct shard_entry *s = &c->shard[i];
    struct scan_facts facts;
    struct error e = {0};
    int64_t outside;
    if (cache_read_facts(c, i, &facts, &e) || cache_read_outside(c, i, &outside, &e))
        die_of(&e);
    json_t *about = json_object();
    for (size_t k = 0; k < scan_fact_count; k++)
        json_object_set_new(about, scan_fact_fields[k].name, fact_json(&facts, &scan_fact_fields[k]));
    return json_pack("{s:s, s:I, s:I, s:o, s:s, s:s, s:o}", "file", s->file, "regions", (json_int_t)s->regions,
                     "tumours", (json_int_t)s->tumours, "outside",
                     outside < 0 ? json_null() : json_integer((json_int_t)outside), "split", cache_split_name(s->split),
                     "sha256", s->sha256, "facts", about);
}

int cache_list_json(const struct cache *c)
{
    json_t *scans = json_array(), *refused = json_array();
    for (size_t i = 0; i < c->shard_count; i++)
        json_array_append_new(scans, shard_json(c, i));
    for (size_t i = c->shard_count; i < c->shard_count + c->refused_count; i++) {
        const struct refusal_message *r = c->shard[i].refusal;
        json_array_append_new(refused, json_pack("{s:o, s:o, s:i, s:o}", "scan", text_or_null(r->scan), "stage",
                                                 text_or_null(r->stage), "code", r->code, "sentence",
                                                 text_or_null(r->sentence)));
    }
    json_t *all =
        json_pack("{s:s, s:I, s:I, s:i, s:o, s:o}", "digest", c->digest, "regions", (json_int_t)c->regions, "tumours",
                  (json_int_t)c->tumours, "simulated", c->simulated, "scans", scans, "refused", refused);
    int result = json_dumpf(all, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(all);
    return result ? EX_IOERR : EX_OK;
}
