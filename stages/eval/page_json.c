/* SPDX-License-Identifier: Apache-2.0 */
/* page_json -- what report.html's script knows, as JSON.   evaluation -> [page_json] -> page */
#include "proto/organ.h"
#include "stages/base64.h"
#include "stages/eval/page_data.h"
#include "stages/eval/representation.h"
#include "stages/eval/statistics/nearest.h"
#include "stages/eval/tsne.h"
#include "stages/picture.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* To a ten thousandth: for coordinates, volumes and uptakes that are only looked at. */
static json_t *rounded(double v)
{
    return number(round(v * 1e4) / 1e4);
}

static json_t *list_json(const char *name, const struct figures *f, const float *probability)
{
    json_t *p = json_array(), *froc = json_array();
    for (size_t i = 0; i < f->n; i++)
        json_array_append_new(p, json_real((double)probability[i]));
    for (size_t k = 0; k < FROC_RATES; k++)
        json_array_append_new(froc, number(f->froc[k]));
    return json_pack("{s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", name, "threshold", f->threshold,
                     "chosen", number(f->chosen.threshold), "matched", number(f->transferred[MATCHED - 1].threshold),
                     "temperature", number(f->temperature), "brier", number(f->calibration.brier), "ece",
                     number(f->calibration.ece), "slope", number(f->calibration.slope), "intercept",
                     number(f->calibration.intercept), "froc", froc, "p", p);
}

static json_t *models_json(const struct report *r)
{
    json_t *list = json_array();
    for (size_t m = 0; m < r->models; m++) {
        const struct evaluation *v = &r->model[m];
        json_t *one = list_json(v->name, &v->figures, v->splits.test.probability), *low = json_array(),
               *high = json_array();
        for (size_t g = 0; g < BANDS; g++) {
            json_array_append_new(low, rounded(v->figures.bootstrap.band[g].low));
            json_array_append_new(high, rounded(v->figures.bootstrap.band[g].high));
        }
        json_object_set_new(one, "band_low", low);
        json_object_set_new(one, "band_high", high);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *baselines_json(const struct baselines *b)
{
    json_t *list = json_array();
    for (size_t k = 0; k < b->count; k++)
        json_array_append_new(list, list_json(b->one[k].name, &b->one[k].figures, b->one[k].probability));
    return list;
}

static void put_regions(json_t *root, const struct report *r)
{
    static const char *const column[] = {"label", "patient", "component", "row", "ml", "suv", "organ"};
    const struct scores *s = &r->model[0].splits.test;
    json_t *to[COUNT_OF(column)], *patients = json_array();
    uint32_t *patient = xalloc(s->n + 1, sizeof *patient);
    size_t known = 0;
    patients_number(s->patient, s->n, patient);
    for (size_t k = 0; k < COUNT_OF(column); k++)
        json_object_set_new(root, column[k], to[k] = json_array());
    for (size_t i = 0; i < s->n; i++) {
        const struct region *g = &r->facts.region[s->row[i]];
        if (patient[i] == known) {
            json_array_append_new(patients, json_string(r->cache->shard[s->shard[i]].patient));
            known++;
        }
        json_array_append_new(to[0], json_integer(s->label[i]));
        json_array_append_new(to[1], json_integer(patient[i]));
        json_array_append_new(to[2], json_integer(g->component));
        json_array_append_new(to[3], json_integer((json_int_t)s->row[i]));
        json_array_append_new(to[4], rounded(g->ml));
        json_array_append_new(to[5], rounded(g->suv_max));
        json_array_append_new(to[6], json_string(g->organ_by == ORGAN_BY_NOTHING ? "" : organ_label_name(g->organ)));
    }
    /* as patients.h has them: in the same order, and after them those of whom there is no region */
    json_t *lesions = json_array(), *ml = json_array();
    for (size_t k = 0; k < r->patients.count; k++) {
        const struct patient_sums *one = &r->patients.one[k];
        if (k >= known)
            json_array_append_new(patients, json_string(one->name));
        json_array_append_new(lesions, isnan(one->lesions_ml) ? json_null() : json_integer((json_int_t)one->lesions));
        json_array_append_new(ml, rounded(one->lesions_ml));
    }
    json_object_set_new(root, "patients", patients);
    json_object_set_new(root, "lesions", lesions);
    json_object_set_new(root, "lesions_ml", ml);
    free(patient);
}

/* ---- pictures ---- */
struct shown {
    int32_t shard;
    size_t tumours, first, regions; /* rows of the split */
};

static int most_tumours_first(const void *a, const void *b)
{
    const struct shown *x = a, *y = b;
    if (x->tumours != y->tumours)
        return x->tumours < y->tumours ? 1 : -1;
    return x->shard - y->shard;
}

/* Scans the split's scores come from, those with the most tumours first. */
static size_t scans_of(const struct scores *s, struct shown **list)
{
    struct shown *l = xalloc(s->n + 1, sizeof *l);
    size_t count = 0;
    for (size_t i = 0; i < s->n; i++) { /* rows are in the order of shards */
        if (count == 0 || l[count - 1].shard != s->shard[i])
            l[count++] = (struct shown){s->shard[i], 0, i, 0};
        l[count - 1].tumours += s->label[i] == 1;
        l[count - 1].regions++;
    }
    qsort(l, count, sizeof *l, most_tumours_first);
    *list = l;
    return count;
}

static json_t *png_json(const uint8_t *grey, int width, int height)
{
    struct buffer png;
    png_encode(grey, width, height, 1, &png);
    char *text = base64_of("data:image/png;base64,", png.data, png.size);
    json_t *out = json_string(text);
    free(text);
    buffer_free(&png);
    return out;
}

static json_t *scan_json(const struct report *r, struct regions_message *m, const struct shown *scan, int frames)
{
    const struct scores *s = &r->model[0].splits.test;
    json_t *regions = json_array(), *marks = json_array();
    for (size_t i = scan->first; i < scan->first + scan->regions; i++) {
        json_t *of_angle = json_array();
        for (int a = 0; a < frames; a++) {
            struct mip_mark k = mip_mark(m, &m->region[s->row_in_shard[i]], a);
            json_array_append_new(of_angle, json_pack("[o, o, o, o]", rounded(k.across), rounded(k.down),
                                                      rounded(k.half_across), rounded(k.half_down)));
        }
        json_array_append_new(regions, json_integer((json_int_t)i));
        json_array_append_new(marks, of_angle);
    }
    mip_invert(m->mip, (size_t)frames * (size_t)m->mip_height * (size_t)m->mip_width);
    char name[200];
    format_into(name, sizeof name, "%s%s, %zu regions, %zu tumours", m->facts.patient,
                m->facts.simulated ? " (simulated)" : "", scan->regions, scan->tumours);
    return json_pack("{s:s, s:i, s:i, s:i, s:o, s:o, s:o}", "name", name, "w", (int)m->mip_width, "h",
                     (int)m->mip_height, "n", frames, "png", png_json(m->mip, m->mip_width, m->mip_height * frames),
                     "regions", regions, "marks", marks);
}

static int put_scans(json_t *root, const struct report *r, struct error *e)
{
    struct shown *scan;
    size_t scans = scans_of(&r->model[0].splits.test, &scan), shown = 0;
    json_t *list = json_array();
    int rc = 0;
    for (size_t i = 0; i < scans && shown < SCANS_SHOWN && rc == 0; i++) {
        struct regions_message m;
        rc = cache_read_shard(r->cache, (size_t)scan[i].shard, false, &m, e);
        if (rc == 0 && m.mip_angles > 0)
            json_array_append_new(list, scan_json(r, &m, &scan[i], shown++ < SCANS_TURNING ? m.mip_angles : 1));
        if (rc == 0)
            regions_message_free(&m);
    }
    json_object_set_new(root, "scans", list);
    free(scan);
    return rc;
}

/* ---- the representation ---- */
static void put_maps(json_t *root, const struct report *r)
{
    json_t *maps = json_array(), *distances = json_array(), *near = json_array();
    for (size_t m = 0; m < r->models && m < MAPS_SHOWN; m++) {
        const struct scores *s = &r->model[m].splits.test;
        double *y = xalloc(2 * s->n + 1, sizeof *y);
        uint8_t *grey;
        size_t others, side = distance_map(s, DISTANCES_SIDE, &grey, &others);
        json_t *axis[2] = {json_array(), json_array()};
        tsne_run(s->embedding, s->n, s->width, y);
        for (size_t i = 0; i < 2 * s->n; i++)
            json_array_append_new(axis[i % 2], rounded(y[i]));
        json_array_append_new(maps, json_pack("{s:s, s:o, s:o}", "name", r->model[m].name, "x", axis[0], "y", axis[1]));
        json_array_append_new(distances,
                              json_pack("{s:s, s:I, s:I, s:o}", "name", r->model[m].name, "side", (json_int_t)side,
                                        "others", (json_int_t)others, "png", png_json(grey, (int)side, (int)side)));
        free(grey);
        free(y);
    }
    const struct scores *s = &r->model[0].splits.test;
    size_t k = s->n > NEAR_SHOWN ? NEAR_SHOWN : s->n - 1;
    struct neighbour *found = xalloc(s->n * k + 1, sizeof *found);
    nearest_find(s->embedding, s->n, s->width, s->embedding, s->n, k, true, found);
    for (size_t i = 0; i < s->n; i++) {
        json_t *of_one = json_array();
        for (size_t j = 0; j < k; j++)
            json_array_append_new(of_one, json_integer(found[i * k + j].index));
        json_array_append_new(near, of_one);
    }
    free(found);
    json_object_set_new(root, "maps", maps);
    json_object_set_new(root, "distances", distances);
    json_object_set_new(root, "near", near);
}

static json_t *losses_json(const struct report *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->losses_count; i++) {
        const struct losses *c = &r->losses[i];
        json_t *epoch = json_array(), *train = json_array(), *validation = json_array();
        for (size_t k = 0; k < c->count; k++) {
            json_array_append_new(epoch, json_integer(c->point[k].epoch));
            json_array_append_new(train, number(c->point[k].train));
            json_array_append_new(validation, number(c->point[k].validation));
        }
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "title", c->title, "epoch", epoch, "train",
                                              train, "validation", validation, "floor", number(c->floor)));
    }
    return list;
}

char *page_data(const struct report *r, struct error *e)
{
    const struct figures *f = &r->model[0].figures;
    json_t *rates = json_array();
    for (size_t k = 0; k < FROC_RATES; k++)
        json_array_append_new(rates, json_real(froc_rate[k]));
    json_t *root = json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "cohort", r->cohort, "models", models_json(r),
                             "baselines", baselines_json(&r->baselines), "best_baseline",
                             r->baselines.count > 0 ? (json_int_t)r->baselines.best : (json_int_t)-1, "scans_in_all",
                             (json_int_t)f->truth.scans, "tumours_in_all", (json_int_t)(f->tumours + f->truth.missed),
                             "froc_rates", rates, "losses", losses_json(r));
    if (root == NULL) {
        (void)fail_as(e, EX_SOFTWARE, "a name in the report is no UTF-8");
        return NULL;
    }
    put_regions(root, r);
    put_maps(root, r);
    int rc = put_scans(root, r, e);
    /* '/' as '\/': no text in it can end the element it stands in */
    char *text = rc == 0 ? json_dumps(root, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (rc == 0 && text == NULL)
        (void)fail_as(e, EX_SOFTWARE, "a name in the report is no UTF-8");
    return text;
}
