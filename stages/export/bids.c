/* SPDX-License-Identifier: Apache-2.0 */
/* bids -- findings as a BIDS derivative.   findings -> [bids] */
#include "common/file.h"
#include "stages/export/bids_internal.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct bids_column bids_columns[] = {
    {"index", "", "value in the label map"},
    {"name", "", "name of the region"},
    {"tumour", "", "1: called tumour"},
    {"probability", "1", "of being tumour, by the model"},
    {"suv_max", "g/mL", "largest SUVbw"},
    {"suv_mean", "g/mL", "mean SUVbw"},
    {"suv_peak", "g/mL", "mean SUVbw of a 1 ml sphere, where it is highest"},
    {"volume", "mL", "sum of the voxels"},
    {"tlg", "g", "total lesion glycolysis: SUVmean times volume"},
    {"voxels", "1", "how many"},
};
const size_t bids_column_count = COUNT_OF(bids_columns);

/* A BIDS label: letters and digits of a name. The caller's. */
static char *label_of(const char *name)
{
    char *label = xalloc(strlen(name) + 2, 1);
    size_t n = 0;
    for (; *name; name++)
        if (isalnum((unsigned char)*name) && (unsigned char)*name < 0x80)
            label[n++] = *name;
    if (n == 0)
        label[0] = '0';
    return label;
}

static void print_number(FILE *to, double v)
{
    if (isnan(v))
        fputs("\tn/a", to);
    else
        fprintf(to, "\t%.6g", v);
}

static int table_write(const char *path, const struct findings *f, struct error *e)
{
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    for (size_t i = 0; i < bids_column_count; i++)
        fprintf(out.to, "%s%s", i ? "\t" : "", bids_columns[i].name);
    fputc('\n', out.to);
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *g = &f->finding[i];
        fprintf(out.to, "%d\tregion%d%s\t%d", g->number, g->number, g->tumour ? "Tumour" : "", g->tumour);
        double const value[] = {g->probability, g->suv_max, g->suv_mean, g->suv_peak, g->ml, g->tlg_g};
        for (size_t k = 0; k < COUNT_OF(value); k++)
            print_number(out.to, value[k]);
        fprintf(out.to, "\t%lld\n", (long long)g->voxels);
    }
    return publish_commit(&out, e);
}

/* The image of findings, on the scan's grid. The caller's. */
static void *image_make(const struct findings *f, enum bids_image image)
{
    size_t const n = grid_voxels(&f->grid);
    struct of_label {
        uint8_t tumour;
        float probability;
    } *of = xalloc(UINT16_MAX + 1, sizeof *of);
    for (size_t i = 0; i < f->count; i++)
        of[f->finding[i].number] = (struct of_label){
            f->finding[i].tumour, isnan(f->finding[i].probability) ? 0 : (float)f->finding[i].probability};
    void *made = xalloc(n, image == BIDS_TUMOUR ? 1 : image == BIDS_REGIONS ? 2 : 4);
    for (size_t i = 0; i < n; i++)
        switch (image) {
        case BIDS_TUMOUR: ((uint8_t *)made)[i] = of[f->label[i]].tumour; break;
        case BIDS_PROBABILITY: ((float *)made)[i] = of[f->label[i]].probability; break;
        default: ((uint16_t *)made)[i] = f->label[i];
        }
    free(of);
    return made;
}

/* STEM_desc-regions_dseg.nii.gz and its sidecar, which comes last. */
static int image_write(const char *stem, enum bids_image image, const struct findings *f, struct error *e)
{
    static const struct {
        const char *ending, *describe;
        int type;
    } images[BIDS_IMAGES] = {{"desc-regions_dseg", "petrel regions", 512},
                             {"desc-tumour_mask", "petrel: 1 where a region was said to be tumour", 2},
                             {"desc-probability_probseg", "petrel: probability of tumour", 16}};
    char *nifti = xprintf("%s_%s.nii.gz", stem, images[image].ending),
         *json = xprintf("%s_%s.json", stem, images[image].ending);
    void *voxel = image_make(f, image);
    int rc = nifti_write(nifti, &f->grid, images[image].type, voxel, images[image].describe, e);
    if (rc == 0)
        rc = bids_describe_image(json, image, f, e);
    free(voxel);
    free(json);
    free(nifti);
    return rc;
}

/* Names keep letters and digits alone, so two scans may get one. */
static int claim(const char *stem, const struct findings *f, struct error *e)
{
    char *json = xprintf("%s_desc-regions_dseg.json", stem), before[65];
    bids_sidecar_digest(json, before);
    free(json);
    if (*before && strcmp(before, f->source_sha256) != 0)
        return fail(e, "'%s' is another scan's already: give each a name of its own in letters and digits", stem);
    return 0;
}

int bids_write(const char *dir, const struct findings *f, struct error *e)
{
    char *sub = label_of(f->patient), *ses = label_of(f->study), *rec = label_of(f->scan);
    char *folder = xprintf("%s/sub-%s/ses-%s/pet", dir, sub, ses);
    char *stem = xprintf("%s/sub-%s_ses-%s_rec-%s", folder, sub, ses, rec),
         *table = xprintf("%s_desc-regions_dseg.tsv", stem);
    int rc = dir_make(folder, e);
    if (rc == 0)
        rc = bids_describe_dataset(dir, f, e);
    if (rc == 0)
        rc = claim(stem, f, e);
    if (rc == 0)
        rc = table_write(table, f, e);
    for (enum bids_image i = 0; i < BIDS_IMAGES && rc == 0; i++)
        rc = image_write(stem, i, f, e);
    if (rc == 0)
        printf("%s\n", folder);
    free(table);
    free(stem);
    free(folder);
    free(rec);
    free(ses);
    free(sub);
    return rc;
}
