/* SPDX-License-Identifier: Apache-2.0 */
/* result -- one scan's regions with the model's word on each, as files.   roi -> [result] */
#include "stages/classify/result.h"
#include "common/file.h"
#include "common/log.h"
#include "proto/sampling.h"
#include "proto/standardise.h"
#include "stages/classify/body_map.h"
#include "stages/classify/keep.h"
#include "stages/classify/page.h"
#include "stages/classify/tables.h"
#include "stages/model_patients.h"
#include "stages/picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Leaves the first channels of every box, those the model was made for. */
static void channels_keep(struct regions_message *m, int channels)
{
    size_t from = (size_t)m->channels * BOX_VOXELS, to = (size_t)channels * BOX_VOXELS;
    if (m->channels <= channels)
        return;
    for (size_t i = 1; i < m->count; i++)
        memmove(m->box + i * to, m->box + i * from, to * sizeof *m->box);
    m->channels = channels;
}

/* A model learned from regions of its own method; those that somebody drew it is asked about all the same, and that is said. */
static void given_allow(struct model *as, const struct regions_message *m)
{
    static const char *const ways[] = {"labels", "components"};
    if (!m->scan.given && !strstr(m->facts.made_with, "roi_method=given"))
        return;
    if (strcmp(as->recipe.roi_method, "given") != 0)
        log_note("scan '%s': regions are as given; the model learned from those of roi-method %s", m->facts.scan,
                 as->recipe.roi_method);
    as->recipe.roi_method = "given";
    as->recipe.given_parts = "auto";
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        char word[32];
        format_into(word, sizeof word, "given_parts=%s", ways[i]);
        if (strstr(m->facts.made_with, word))
            as->recipe.given_parts = ways[i];
    }
}

int result_make(struct result *r, struct regions_message *m, struct model *model, struct error *e)
{
    *r = (struct result){.regions = m};
    if (m->count > 0 && m->channels < model->channels)
        return fail_as(e, EX_CONFIG,
                       "scan '%s' has boxes of %s, the model takes %s: find the regions with the model's own settings "
                       "(petrel-classify settings)",
                       m->facts.scan, box_channel_names(m->channels), box_channel_names(model->channels));
    char *whose = xprintf("scan '%s'", m->facts.scan);
    struct model as = *model;
    given_allow(&as, m);
    int suits = model_suits(&as, m->facts.made_with, whose, e);
    free(whose);
    if (suits)
        return -1;
    r->seen = model_patients_has(model->patients[0], m->facts.patient) ? "the model learned from this patient"
              : model_patients_has(model->patients[1], m->facts.patient)
                  ? "this patient was among those by whom the model was chosen (validation)"
                  : "";
    if (*r->seen)
        log_warn("scan '%s': %s: its answers say nothing of patients it has not seen", m->facts.scan, r->seen);
    channels_keep(m, model->channels);
    const struct volume_scale scale = facts_scale(&m->facts);
    enum position_form form = sampling_position_form(&model->recipe);
    float *position = xalloc(m->count * POSITION_SIZE + 1, sizeof *position);
    r->probability = xalloc(m->count + 1, sizeof *r->probability);
    r->tumour = xalloc(m->count + 1, sizeof *r->tumour);
    for (size_t i = 0; i < m->count; i++) {
        box_standardise(m->box + i * (size_t)m->channels * BOX_VOXELS, &model->recipe, m->channels, &scale);
        memcpy(position + i * POSITION_SIZE, m->region[i].position[form], sizeof m->region[i].position[form]);
    }
    int rc = m->count > 0 ? model_predict(model, m->box, position, m->count, r->probability, NULL, e) : 0;
    for (size_t i = 0; i < m->count && rc == 0; i++) {
        r->tumour[i] = (double)r->probability[i] >= model->recipe.threshold;
        r->tumours += r->tumour[i];
        r->tumour_ml += r->tumour[i] ? m->region[i].ml : 0.0;
        r->glycolysis_g += r->tumour[i] ? m->region[i].ml * m->region[i].suv_mean : 0.0;
    }
    free(position);
    r->quantity = xalloc(m->count + 1, sizeof *r->quantity);
    if (rc < 0 || quantities_measure(m, r->probability, r->tumour, r->quantity, &r->scan, e) < 0)
        return -1;
    keep_measure(m, r->tumour, &r->scan);
    return 0;
}

void result_free(struct result *r)
{
    free(r->quantity);
    free(r->probability);
    free(r->tumour);
    *r = (struct result){0};
}

static int write_table(const struct result *r, const struct model *model, const char *path, struct error *e)
{
    const struct regions_message *m = r->regions;
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    if (model->simulated)
        fprintf(out.to, "# the model was trained on a %s: this shows that the program works, not what is tumour\n",
                model->cohort);
    if (*r->seen)
        fprintf(out.to, "# %s\n", r->seen);
    fprintf(out.to, "# scan '%s'%s\n", m->facts.source, m->facts.simulated ? ", simulated" : "");
    fprintf(out.to, "# petrel-classify %s; research software, no medical device\n", program_version());
    fprintf(out.to, "# metabolic tumour volume %.2f ml, total lesion glycolysis %.2f g, threshold %.2f\n", r->tumour_ml,
            r->glycolysis_g, model->recipe.threshold);
    fprintf(out.to,
            "region\tprobability\ttumour\tsuv_max\tsuv_mean\tsuv_peak\tml\tvoxels\tx_mm\ty_mm\tz_mm\tclipped\ttruth\n");
    for (size_t i = 0; i < m->count; i++) {
        const struct region *g = &m->region[i];
        fprintf(out.to, "%d\t%.4f\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%lld\t%.1f\t%.1f\t%.1f\t%d\t", g->component,
                (double)r->probability[i], r->tumour[i], g->suv_max, g->suv_mean, g->suv_peak, g->ml,
                (long long)g->voxels, g->centroid_mm[0], g->centroid_mm[1], g->centroid_mm[2], g->clipped);
        fprintf(out.to, g->label < 0 ? "\n" : "%d\n", g->label);
    }
    return publish_commit(&out, e);
}

/* The label maps and the map of probabilities, turned back to the axes of the scan's file. */
static int write_masks(const struct result *r, const char *dir, struct error *e)
{
    const struct regions_message *m = r->regions;
    size_t voxels = grid_voxels(&m->grid);
    uint32_t *label = xalloc(voxels, sizeof *label);
    if (labels_decode(&m->label_runs, label, voxels, e) < 0) {
        free(label);
        return -1;
    }
    uint32_t most = 0;
    for (size_t i = 0; i < m->count; i++)
        most = (uint32_t)m->region[i].component > most ? (uint32_t)m->region[i].component : most;
    uint8_t *is_tumour = xalloc((size_t)most + 1, 1);
    float *its_probability = xalloc((size_t)most + 1, sizeof *its_probability);
    for (size_t i = 0; i < m->count; i++) {
        is_tumour[m->region[i].component] = r->tumour[i];
        its_probability[m->region[i].component] = r->probability[i];
    }
    void *number = xalloc(voxels, sizeof(uint16_t)), *tumour = xalloc(voxels, 1),
         *probability = xalloc(voxels, sizeof(float));
    for (size_t i = 0; i < voxels; i++) {
        ((uint16_t *)number)[i] = (uint16_t)label[i];
        ((uint8_t *)tumour)[i] = label[i] <= most ? is_tumour[label[i]] : 0;
        ((float *)probability)[i] = label[i] <= most ? its_probability[label[i]] : 0;
    }
    free(is_tumour);
    free(its_probability);
    free(label);
    struct grid as_number = m->grid, as_tumour = m->grid, as_probability = m->grid;
    volume_turn_back(&as_number, &m->turned, &number, sizeof(uint16_t));
    volume_turn_back(&as_tumour, &m->turned, &tumour, 1);
    volume_turn_back(&as_probability, &m->turned, &probability, sizeof(float));
    char *numbers = path_join(dir, "labels.nii.gz"), *tumours = path_join(dir, "tumour.nii.gz"),
         *probabilities = path_join(dir, "probability.nii.gz");
    int rc = nifti_write(numbers, &as_number, 512, number, "petrel regions, numbers as in regions.tsv", e);
    if (rc == 0)
        rc = nifti_write(tumours, &as_tumour, 2, tumour, "petrel: 1 where a region was said to be tumour", e);
    if (rc == 0)
        rc = nifti_write(probabilities, &as_probability, 16, probability, "petrel: each region's probability of tumour",
                         e);
    free(probabilities);
    free(probability);
    free(tumours);
    free(numbers);
    free(tumour);
    free(number);
    return rc;
}

static int write_picture(const struct result *r, const char *path, struct error *e)
{
    struct buffer png;
    mip_picture(r->regions, 0, 3, r->tumour, true, &png);
    int rc = publish_bytes(path, png.data, png.size, e);
    buffer_free(&png);
    return rc;
}

/* What was followed up was another answer. */
static void followup_drop(const char *dir)
{
    static const char *const name[] = {"followup.csv", "followup.json"};
    for (size_t i = 0; i < COUNT_OF(name); i++) {
        char *path = path_join(dir, name[i]);
        unlink(path);
        free(path);
    }
}

static char *result_dir(const struct result *r, const char *out)
{
    const struct scan_facts *f = &r->regions->facts;
    return xprintf("%s/%s_%s_%s", out, f->patient, f->study, f->scan); /* a study may hold several scans */
}

int result_write(const struct result *r, const struct model *model, const char *out, bool keep, struct after *after,
                 struct error *e)
{
    char *dir = result_dir(r, out);
    char *table = path_join(dir, "regions.tsv"), *picture = path_join(dir, "mip.png");
    int rc = dir_make(dir, e);
    if (rc == 0)
        rc = write_masks(r, dir, e);
    if (rc == 0)
        rc = body_map_write(&r->regions->scan, dir, e);
    if (rc == 0 && r->regions->mip_angles > 0)
        rc = write_picture(r, picture, e);
    if (rc == 0 && keep)
        rc = keep_write(r, dir, e);
    if (rc == 0)
        rc = tables_write(r, model, dir, e);
    followup_drop(dir);
    if (rc == 0 && after)
        rc = after_result(after, dir, r->regions->scan.given, e);
    if (rc == 0)
        rc = page_write(r, model, dir, e);
    if (rc == 0)
        rc = write_table(r, model, table, e);
    if (rc == 0)
        printf("%s\t%zu regions\t%zu tumours\t%.1f ml tumour\t%s%s%s%s\n", dir, r->regions->count, r->tumours,
               r->tumour_ml, model->simulated ? "model of a " : "", model->simulated ? model->cohort : "",
               *r->seen && model->simulated ? "; " : "", r->seen);
    free(picture);
    free(table);
    free(dir);
    return rc;
}
