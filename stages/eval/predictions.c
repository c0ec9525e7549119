/* SPDX-License-Identifier: Apache-2.0 */
/* predictions -- every region with every model's word on it, as a table.   evaluation -> [predictions] */
#include "stages/eval/predictions.h"
#include "common/file.h"
#include "stages/eval/provenance.h"
#include <stdlib.h>

/* A name as a column's head: no tab or line end may part it. */
static void put_name(FILE *to, const char *name)
{
    for (; *name != '\0'; name++)
        fputc((unsigned char)*name < 32 ? ' ' : *name, to);
}

int predictions_write(const struct report *r, const char *path, struct error *e)
{
    struct publish out;
    const struct scores *s = &r->model[0].splits.test;
    if (publish_open(&out, path, e) < 0)
        return -1;
    /* all of it in one line: what reads tables skips one */
    char *made = provenance_of_cache(r->cache->digest, split_name[r->split]);
    fprintf(out.to, "# %s%s%s", r->cohort, r->cohort[0] ? "; " : "", made);
    free(made);
    for (size_t m = 0; m < r->models; m++) {
        made = provenance_of_model(r->model[m].name, r->model[m].digest, &r->model[m].model);
        fputs("; ", out.to);
        put_name(out.to, made);
        free(made);
    }
    fputc('\n', out.to);
    fprintf(out.to, "row\tscan\tpatient\tregion\tx_mm\ty_mm\tz_mm\tml\tsuv_max\tlabel");
    for (size_t m = 0; m < r->models; m++) {
        fputc('\t', out.to);
        put_name(out.to, r->model[m].name);
    }
    for (size_t b = 0; b < r->baselines.count; b++)
        fprintf(out.to, "\t%s", r->baselines.one[b].name);
    fputc('\n', out.to);
    for (size_t i = 0; i < s->n; i++) {
        const struct region *g = &r->facts.region[s->row[i]];
        const struct shard_entry *shard = &r->cache->shard[s->shard[i]];
        fprintf(out.to, "%zu\t%s/%s\t%s\t%d\t%.2f\t%.2f\t%.2f\t%.4f\t%.4f\t%d", s->row[i], shard->study, shard->scan,
                shard->patient, g->component, g->centroid_mm[0], g->centroid_mm[1], g->centroid_mm[2], g->ml,
                g->suv_max, s->label[i]);
        for (size_t m = 0; m < r->models; m++)
            fprintf(out.to, "\t%.9g", (double)r->model[m].splits.test.probability[i]);
        for (size_t b = 0; b < r->baselines.count; b++)
            fprintf(out.to, "\t%.9g", (double)r->baselines.one[b].probability[i]);
        fputc('\n', out.to);
    }
    return publish_commit(&out, e);
}
