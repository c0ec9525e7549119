/* SPDX-License-Identifier: Apache-2.0 */
/* write -- one simulated patient's files, in autoPET's layout.   scanner -> [write] */
#include "datasets/simulate/write.h"
#include "datasets/simulate/ct.h"
#include "datasets/simulate/series.h"
#include <math.h>
#include <stdlib.h>

char *patient_dir(const char *out, const struct patient *p)
{
    return xprintf("%s/%s/%s", out, p->id, p->study);
}

bool patient_written(const char *out, const struct patient *p)
{
    char *dir = patient_dir(out, p), *last = path_join(dir, "PET.json");
    bool there = file_exists(last);
    free(last);
    free(dir);
    return there;
}

static void write_time(FILE *to, const char *name, double s)
{
    int whole = (int)s;
    fprintf(to, "  \"%s\": \"%02d:%02d:%02d\",\n", name, whole / 3600, whole / 60 % 60, whole % 60);
}

static int write_facts(const char *path, const struct patient *p, struct error *e)
{
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    FILE *to = out.to;
    fprintf(to, "{\n  \"Simulated\": true,\n  \"Description\": \"SIMULATED by petrel-simulate: no real patient\",\n");
    fprintf(to, "  \"SimulationSeed\": %llu,\n", (unsigned long long)p->seed);
    fprintf(to, "  \"PatientID\": \"%s\",\n  \"StudyID\": \"%s\",\n", p->id, p->study);
    fprintf(to, "  \"PatientSex\": \"%s\",\n  \"PatientAge\": %.0f,\n", p->male ? "M" : "F", p->age_y);
    fprintf(to, "  \"Diagnosis\": \"%s\",\n", p->diseased ? "MELANOMA" : "NEGATIVE");
    fprintf(to, "  \"Manufacturer\": \"SIMULATED\",\n  \"ManufacturersModelName\": \"petrel-simulate\",\n");
    fprintf(to, "  \"Units\": \"Bq/mL\",\n  \"TracerRadionuclide\": \"F18\",\n");
    fprintf(to, "  \"InjectedRadioactivity\": %.0f,\n  \"InjectedRadioactivityUnits\": \"Bq\",\n", p->dose_bq);
    fprintf(to, "  \"BodyWeight\": %.3f,\n  \"BodyHeight\": %.3f,\n", p->weight_g / 1000.0, p->height_m);
    fprintf(to, "  \"RadionuclideHalfLife\": %.1f,\n", p->half_life_s);
    write_time(to, "InjectionTime", p->injection_s);
    write_time(to, "SeriesTime", p->series_s);
    write_time(to, "AcquisitionTime", p->series_s);
    fprintf(to, "  \"DecayCorrection\": \"START\",\n  \"CorrectedImage\": [\"ATTN\", \"DECY\", \"SCAT\"]\n}\n");
    return publish_commit(&out, e);
}

/* A row a region: lesions first, then what is hot and none. */
static int write_regions(const char *path, const struct phantom *ph, const struct lesion *l, size_t count,
                         struct error *e)
{
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    fprintf(out.to, "# SIMULATED regions; place: mm from the liver's centroid; site_number 0: no tumour\n");
    fprintf(out.to, "site\tleft_mm\tfront_mm\tup_mm\tsuv\tdiameter_mm\tvoxels\tsite_number\tkind\twhat\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out.to, "%s\t%.1f\t%.1f\t%.1f\t%.2f\t%.1f\t%zu\t%zu\tlesion\t%s\n", l[i].site, l[i].centre.left,
                l[i].centre.front, l[i].centre.up, l[i].suv, l[i].diameter_mm, l[i].voxels, l[i].site_number, l[i].what);
    for (size_t i = 0; i < ph->hots; i++) {
        const struct hot_spot *h = &ph->hot[i];
        fprintf(out.to, "%s\t%.1f\t%.1f\t%.1f\t%.2f\t%.1f\t%zu\t0\t%s\t%s\n",
                organ_name[phantom_organ_at(ph, h->centre)], h->centre.left, h->centre.front, h->centre.up, h->suv,
                h->diameter_mm, h->voxels, h->whole_organ ? "organ" : "no tumour", h->what);
    }
    return publish_commit(&out, e);
}

static int write_organs(const char *path, const struct phantom *ph, struct error *e)
{
    size_t n = grid_voxels(&ph->grid);
    uint8_t of[ORGANS], *label = xalloc(n, 1);
    for (int organ = 0; organ < ORGANS; organ++)
        of[organ] = anatomy_label(organ);
    for (size_t i = 0; i < n; i++)
        label[i] = of[ph->organ[i]];
    int rc = nifti_write(path, &ph->grid, 2, label, "SIMULATED organs (petrel-simulate)", e);
    free(label);
    return rc;
}

static int write_ct(const char *path, const struct phantom *ph, const struct patient *p, int finer, struct error *e)
{
    struct grid g;
    int16_t *hu = ct_make(ph, p, finer, &g);
    int rc = nifti_write(path, &g, 4, hu, "SIMULATED CT, HU (petrel-simulate)", e);
    free(hu);
    return rc;
}

static int write_suv(const char *path, const struct phantom *ph, const struct patient *p, struct error *e)
{
    size_t n = grid_voxels(&ph->grid);
    double factor = 1.0 / patient_bqml_per_suv(p);
    float *suv = xalloc_aligned(n, sizeof *suv);
    for (size_t i = 0; i < n; i++)
        suv[i] = (float)((double)ph->suv[i] * factor);
    int rc = nifti_write(path, &ph->grid, 16, suv, "SIMULATED FDG-PET, SUVbw (petrel-simulate)", e);
    free(suv);
    return rc;
}

static int write_dicom(const char *dir, const struct output *o, const struct patient *p, const struct phantom *ph,
                       struct error *e)
{
    struct grid g;
    int16_t *hu = ct_make(ph, p, 1, &g);
    int rc = series_write(dir, o->cohort, p, ph, hu, e);
    free(hu);
    return rc;
}

/* One file of a patient's folder; which of them, `o` says. */
enum file { SUV, PET, SEG, ORGAN_MAP, CT_RESAMPLED, CT_FINE, SERIES, TABLE, FACTS, FILES };
static const char *const file_name[FILES] = {"SUV.nii.gz", "PET.nii.gz", "SEG.nii.gz",  "ORGANS.nii.gz", "CTres.nii.gz",
                                             "CT.nii.gz",  "",           "regions.tsv", "PET.json"};

static bool is_wanted(const struct output *o, enum file file)
{
    switch (file) {
    case SUV:
    case CT_FINE: return o->autopet;
    case PET:
    case SEG: return !o->dicom;
    case CT_RESAMPLED: return o->autopet || (o->ct && !o->dicom);
    case SERIES: return o->dicom;
    default: return true;
    }
}

int patient_write(const struct output *o, const struct patient *p, const struct phantom *ph,
                  const struct lesion *lesions, size_t count, struct error *e)
{
    char *dir = patient_dir(o->dir, p);
    int rc = dir_make(dir, e);
    for (enum file file = 0; rc == 0 && file < FILES; file++) {
        char *path = path_join(dir, file_name[file]);
        if (is_wanted(o, file))
            switch (file) {
            case SUV: rc = write_suv(path, ph, p, e); break;
            case PET:
                rc = nifti_write(path, &ph->grid, 16, ph->suv, "SIMULATED FDG-PET, Bq/mL (petrel-simulate)", e);
                break;
            case SEG: rc = nifti_write(path, &ph->grid, 2, ph->lesion, "SIMULATED lesions (petrel-simulate)", e); break;
            case ORGAN_MAP: rc = write_organs(path, ph, e); break;
            case CT_RESAMPLED: rc = write_ct(path, ph, p, 1, e); break;
            case CT_FINE: rc = write_ct(path, ph, p, 2, e); break;
            case SERIES: rc = write_dicom(dir, o, p, ph, e); break;
            case TABLE: rc = write_regions(path, ph, lesions, count, e); break;
            case FACTS: rc = write_facts(path, p, e); break;
            case FILES: break;
            }
        free(path);
    }
    free(dir);
    return rc;
}

int metadata_open(struct publish *table, const char *out, struct error *e)
{
    char *path = path_join(out, "metadata.csv");
    int rc = publish_open(table, path, e);
    free(path);
    if (rc == 0)
        fprintf(table->to,
                "Series UID,Collection,Subject ID,Study UID,Study Description,Study Date,Series Description,Modality,"
                "File Location,diagnosis,age,sex\n");
    return rc;
}

void metadata_add(struct publish *table, const struct output *o, const struct patient *p)
{
    static const struct {
        const char *modality, *name;
    } series[] = {{"PT", "PET"}, {"SEG", "SEG"}, {"CT", "CTres"}, {"PT", "SUV"}, {"CT", "CT"}};
    size_t count = o->autopet ? 5 : o->ct || o->dicom ? 3 : 2;
    for (size_t i = 0; i < count; i++) {
        const char *name = o->dicom && i == 2 ? "CT" : series[i].name;
        fprintf(table->to,
                "%s.%s.%s,SIMULATED,%s,%s.%s,SIMULATED,2000-01-01,SIMULATED %s,%s,./%s/%s/%s%s,%s,%03.0fY,%s\n", p->id,
                p->study, name, p->id, p->id, p->study, name, series[i].modality, p->id, p->study, name,
                o->dicom ? "" : ".nii.gz", p->diseased ? "MELANOMA" : "NEGATIVE", p->age_y, p->male ? "M" : "F");
    }
}
