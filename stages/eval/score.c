/* SPDX-License-Identifier: Apache-2.0 */
/* score -- a model's word on every region of a split.   cache, model -> [score] -> metrics, report */
#include "stages/eval/score.h"
#include "common/log.h"
#include "proto/sampling.h"
#include "proto/standardise.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const split_name[] = {"train", "validation", "test"};

enum split split_of(const char *name)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(name, split_name[i]) == 0)
            return (enum split)i;
    return SPLIT_NONE;
}

static bool wanted(const struct cache_row *row, const struct recipe *r, enum split which)
{
    if (!sampling_inside(r, row, true))
        return false;
    return which == SPLIT_NONE || (row->split == which && row->label >= 0);
}

static void scores_alloc(struct scores *s, size_t n, const struct model *m)
{
    s->n = n;
    s->width = (size_t)m->embedding;
    s->row = xalloc(n + 1, sizeof *s->row);
    s->label = xalloc(n + 1, sizeof *s->label);
    s->patient = xalloc(n + 1, sizeof *s->patient);
    s->shard = xalloc(n + 1, sizeof *s->shard);
    s->row_in_shard = xalloc(n + 1, sizeof *s->row_in_shard);
    s->probability = m->has_classifier ? xalloc(n + 1, sizeof *s->probability) : NULL;
    s->embedding = xalloc(n * s->width + 1, sizeof *s->embedding);
}

void scores_free(struct scores *s)
{
    free(s->row);
    free(s->label);
    free(s->patient);
    free(s->shard);
    free(s->row_in_shard);
    free(s->probability);
    free(s->embedding);
    memset(s, 0, sizeof *s);
}

static void scores_list(struct scores *s, const struct cache *c, const struct cache_row *rows, const struct model *m,
                        enum split which)
{
    size_t n = 0;
    for (size_t i = 0; i < c->regions; i++)
        n += wanted(&rows[i], &m->recipe, which);
    scores_alloc(s, n, m);
    for (size_t i = 0, k = 0; i < c->regions; i++)
        if (wanted(&rows[i], &m->recipe, which)) {
            s->row[k] = i;
            s->label[k] = rows[i].label;
            s->patient[k] = rows[i].patient;
            s->shard[k] = rows[i].shard;
            s->row_in_shard[k++] = rows[i].row_in_shard;
        }
}

enum { AT_ONCE = 256 };

/* Rows [first, first + count) of the list through the network. */
static int scores_batch(struct scores *s, struct model *m, struct box_reader *reader, const struct cache_row *rows,
                        size_t first, size_t count, float *box, float *position, struct error *e)
{
    size_t one = (size_t)m->channels * BOX_VOXELS;
    enum position_form form = sampling_position_form(&m->recipe);
    for (size_t i = 0; i < count; i++) {
        const struct cache_row *row = &rows[s->row[first + i]];
        if (box_read(reader, s->row[first + i], box + i * one, e) < 0)
            return -1;
        box_standardise(box + i * one, &m->recipe, m->channels, &row->scale);
        memcpy(position + i * POSITION_SIZE, row->position[form], sizeof row->position[form]);
    }
    if (s->probability != NULL)
        return model_predict(m, box, position, count, s->probability + first, s->embedding + first * s->width, e);
    model_embed(m, box, position, count, s->embedding + first * s->width);
    return 0;
}

/* What is no number is less than any threshold: it would be taken for "no tumour", which is mostly right. */
static int check_answers(const struct scores *s, const struct cache *c, struct error *e)
{
    for (size_t i = 0; s->probability != NULL && i < s->n; i++)
        if (!(s->probability[i] >= 0.0F && s->probability[i] <= 1.0F))
            return fail(
                e,
                "the model says %g of region %d of scan '%s', which is no probability: its training diverged, or its "
                "weights are damaged",
                isnan(s->probability[i]) ? fabs(NAN) : (double)s->probability[i], s->row_in_shard[i] + 1,
                c->shard[s->shard[i]].scan);
    for (size_t i = 0; i < s->n * s->width; i++)
        if (!isfinite(s->embedding[i]))
            return fail(
                e,
                "the model represents region %d of scan '%s' by %g, which is no number: its training diverged, or its "
                "weights are damaged",
                s->row_in_shard[i / s->width] + 1, c->shard[s->shard[i / s->width]].scan, (double)s->embedding[i]);
    return 0;
}

/* A model of one SUV says nothing of another's regions. */
static int check_settings(const struct cache *c, const struct model *m, struct error *e)
{
    struct cache_settings made;
    if (cache_settings(c, &made, e))
        return -1;
    char *whose = xprintf("cache '%s'", c->dir);
    int result = model_suits(m, made.record, whose, e);
    free(whose);
    return result;
}

int scores_make(struct scores *s, const struct cache *c, struct model *m, enum split which, struct error *e)
{
    memset(s, 0, sizeof *s);
    struct cache_row *rows = NULL;
    struct box_reader *reader = NULL;
    if (check_settings(c, m, e) || cache_rows(c, &rows, e) < 0)
        return -1;
    int rc = box_reader_open(&reader, c, m->channels, e);
    if (rc < 0)
        fail_in(e, "the model does not suit the cache");
    if (rc == 0) {
        scores_list(s, c, rows, m, which);
        float *box = xalloc_aligned((size_t)AT_ONCE * (size_t)m->channels * BOX_VOXELS, sizeof *box);
        float *position = xalloc((size_t)AT_ONCE * POSITION_SIZE, sizeof *position);
        struct progress bar;
        progress_begin(&bar, "score", "regions", 0, s->n);
        for (size_t first = 0; rc == 0 && first < s->n; first += AT_ONCE) {
            size_t count = s->n - first < AT_ONCE ? s->n - first : AT_ONCE;
            rc = scores_batch(s, m, reader, rows, first, count, box, position, e);
            progress_update(&bar, first + count, NULL);
        }
        progress_end(&bar);
        free(position);
        free(box);
        if (rc == 0)
            rc = check_answers(s, c, e);
    }
    box_reader_close(&reader);
    free(rows);
    if (rc < 0)
        scores_free(s);
    return rc;
}
