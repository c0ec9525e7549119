/* SPDX-License-Identifier: Apache-2.0 */
/* recall_json -- what regions hold of the truth's lesions, as one JSON object.   directory -> [recall_json] */
#include "stages/cache/recall.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>

static json_t *number_or_null(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *tally_json(const struct tally *t)
{
    double n = (double)t->lesions;
    return json_pack("{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "lesions_of", t->name, "lesions",
                     (json_int_t)t->lesions, "in_excluded_organs", (json_int_t)t->left_out, "in_a_region",
                     number_or_null(recall_share((double)t->found, n)), "in_a_region_of_its_own",
                     number_or_null(recall_share((double)t->alone, n)), "in_tumour_regions",
                     number_or_null(recall_share((double)t->tumour, n)), "own_apart_from_organs",
                     number_or_null(recall_share((double)t->alone, n - (double)t->left_out)), "voxels_in_regions",
                     number_or_null(recall_share(t->held, t->voxels)), "voxels_in_tumour_regions",
                     number_or_null(recall_share(t->in_tumours, t->voxels)));
}

int recall_json(const struct cache *c, const struct recall *r)
{
    json_t *rows = json_array();
    for (int i = 0; i < ROWS; i++)
        if (r->row[i].lesions)
            json_array_append_new(rows, tally_json(&r->row[i]));
    json_t *all = json_pack("{s:s, s:I, s:I, s:f, s:i, s:o}", "digest", c->digest, "scans", (json_int_t)r->scans,
                            "scans_without_truth", (json_int_t)r->unknown, "regions_a_scan",
                            (double)r->regions / (double)r->scans, "simulated", c->simulated, "rows", rows);
    int result = json_dumpf(all, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(all);
    return result ? EX_IOERR : EX_OK;
}
