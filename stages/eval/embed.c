/* SPDX-License-Identifier: Apache-2.0 */
/* embed -- the representation of every region, for whoever looks further.   score, tsne -> [embed] ═▶ TSV, HDF5 */
#include "stages/eval/embed.h"
#include "common/file.h"
#include "common/store.h"
#include "stages/eval/provenance.h"
#include "stages/eval/statistics/nearest.h"
#include "stages/eval/tsne.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENT = sizeof((struct shard_entry *)0)->patient, CHUNK_ROWS = 1024 };

/* What goes out beside the scores themselves. */
struct embedded {
    const struct scores *s;
    const struct cache *c;
    const struct model *m;
    const char *model_path;
    char digest[65]; /* of its file */
    double *tsne;
    struct neighbour *nearest;
    size_t neighbours;
};

static int write_text(const struct embedded *d, const char *path, struct error *e)
{
    const struct scores *s = d->s;
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    char *made = provenance_of_model("model", d->digest, d->m);
    fprintf(out.to,
            "# %s%spetrel-eval %s, cache %.12s, model %s; %s\nrow\tpatient\tlabel\tprobability\ttsne_x\ttsne_y%s",
            d->m->cohort, d->m->cohort[0] ? "; " : "", program_version(), d->c->digest, d->model_path, made,
            d->neighbours > 0 ? "\tnearest" : "");
    free(made);
    for (size_t k = 0; k < s->width; k++)
        fprintf(out.to, "\te%zu", k);
    fputc('\n', out.to);
    for (size_t i = 0; i < s->n; i++) {
        fprintf(out.to, "%zu\t%s\t%d\t", s->row[i], d->c->shard[s->shard[i]].patient, s->label[i]);
        if (s->probability != NULL)
            fprintf(out.to, "%.6f", (double)s->probability[i]);
        fprintf(out.to, "\t%.4f\t%.4f", d->tsne[2 * i], d->tsne[2 * i + 1]);
        for (size_t k = 0; k < d->neighbours; k++) {
            const struct neighbour *near = &d->nearest[i * d->neighbours + k];
            fprintf(out.to, "%c%zu:%.6g", k == 0 ? '\t' : ',', s->row[near->index], sqrt((double)near->square));
        }
        for (size_t k = 0; k < s->width; k++)
            fprintf(out.to, "\t%.7g", (double)s->embedding[i * s->width + k]);
        fputc('\n', out.to);
    }
    return publish_commit(&out, e);
}

static int write_array(struct store *to, const char *name, enum store_type type, size_t n, size_t columns,
                       const void *data, struct error *e)
{
    const uint64_t dim[2] = {n, columns};
    return store_write(to, name, type, columns > 0 ? 2 : 1, dim, n < CHUNK_ROWS ? n : CHUNK_ROWS, data, e);
}

static int write_arrays(struct store *to, const struct embedded *d, struct error *e)
{
    const struct scores *s = d->s;
    int64_t *row = xalloc(s->n * (1 + d->neighbours) + 1, sizeof *row), *nearest_row = row + s->n;
    float *distance = xalloc(s->n * d->neighbours + 1, sizeof *distance);
    uint8_t *patient = xalloc(s->n + 1, PATIENT);
    for (size_t i = 0; i < s->n; i++) {
        row[i] = (int64_t)s->row[i];
        memcpy(patient + i * PATIENT, d->c->shard[s->shard[i]].patient, strlen(d->c->shard[s->shard[i]].patient));
        for (size_t k = i * d->neighbours; k < (i + 1) * d->neighbours; k++) {
            nearest_row[k] = (int64_t)s->row[d->nearest[k].index];
            distance[k] = sqrtf(d->nearest[k].square);
        }
    }
    int rc = -1;
    if (write_array(to, "/row", STORE_I64, s->n, 0, row, e) == 0 &&
        write_array(to, "/label", STORE_I32, s->n, 0, s->label, e) == 0 &&
        write_array(to, "/patient", STORE_U8, s->n, PATIENT, patient, e) == 0 &&
        write_array(to, "/tsne", STORE_F64, s->n, 2, d->tsne, e) == 0 &&
        write_array(to, "/embedding", STORE_F32, s->n, s->width, s->embedding, e) == 0 &&
        (s->probability == NULL || write_array(to, "/probability", STORE_F32, s->n, 0, s->probability, e) == 0) &&
        (d->neighbours == 0 || (write_array(to, "/nearest_row", STORE_I64, s->n, d->neighbours, nearest_row, e) == 0 &&
                                write_array(to, "/nearest_distance", STORE_F32, s->n, d->neighbours, distance, e) == 0)))
        rc = 0;
    free(patient);
    free(distance);
    free(row);
    return rc;
}

static int write_store(const struct embedded *d, const char *path, struct error *e)
{
    struct store *to;
    char settings[65];
    settings_digest(d->m, settings);
    if (store_create(&to, path, e) < 0)
        return -1;
    if (write_arrays(to, d, e) < 0 || store_set_text(to, "/", "version", program_version(), e) < 0 ||
        store_set_text(to, "/", "cohort", d->m->cohort, e) < 0 ||
        store_set_text(to, "/", "model", d->model_path, e) < 0 ||
        store_set_text(to, "/", "model_sha256", d->digest, e) < 0 ||
        store_set_text(to, "/", "settings", d->m->settings, e) < 0 ||
        store_set_text(to, "/", "settings_sha256", settings, e) < 0 ||
        store_set_text(to, "/", "trained_by", d->m->version, e) < 0 ||
        store_set_text(to, "/", "trained_on", d->m->cache_digest, e) < 0 ||
        store_set_text(to, "/", "cache", d->c->digest, e) < 0 ||
        store_set_int(to, "/", "seed", (int64_t)d->m->seed, e) < 0) {
        store_close(&to);
        return -1;
    }
    return store_commit(&to, e);
}

int embed_write(const struct scores *s, const struct cache *c, const struct model *m, const char *model_path,
                size_t neighbours, const char *path, struct error *e)
{
    if (neighbours > 0 && neighbours + 1 > s->n)
        return fail_as(e, EX_USAGE, "--neighbours %zu of %zu regions cannot be had: ask for fewer", neighbours, s->n);
    if (s->n == 0 && ends_with(path, ".h5"))
        return fail(e, "no region is in the split: '%s' would be empty", path);
    struct embedded d = {s,
                         c,
                         m,
                         model_path,
                         "",
                         xalloc(2 * s->n + 1, sizeof(double)),
                         xalloc(s->n * neighbours + 1, sizeof(struct neighbour)),
                         neighbours};
    if (file_sha256(model_path, d.digest, e) < 0) {
        free(d.nearest);
        free(d.tsne);
        return -1;
    }
    tsne_run(s->embedding, s->n, s->width, d.tsne);
    if (neighbours > 0)
        nearest_find(s->embedding, s->n, s->width, s->embedding, s->n, neighbours, true, d.nearest);
    int rc = ends_with(path, ".h5") || ends_with(path, ".hdf5") ? write_store(&d, path, e) : write_text(&d, path, e);
    free(d.nearest);
    free(d.tsne);
    return rc;
}
