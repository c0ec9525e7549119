/* write -- one simulated patient's files, in autoPET's layout.   scanner -> [write] */
#include "datasets/simulate/write.h"
#include "datasets/simulate/ct.h"
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

static int write_lesions(const char *path, const struct lesion *l, size_t count, struct error *e)
{
    struct publish out;
    if (publish_open(&out, path, e) < 0)
        return -1;
    fprintf(out.to, "# SIMULATED lesions; place: mm from the liver's centroid\n");
    fprintf(out.to, "site\tleft_mm\tfront_mm\tup_mm\tsuv\tdiameter_mm\tvoxels\tsite_number\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out.to, "%s\t%.1f\t%.1f\t%.1f\t%.2f\t%.1f\t%zu\t%zu\n", l[i].site, l[i].centre.left, l[i].centre.front,
                l[i].centre.up, l[i].suv, l[i].diameter_mm, l[i].voxels, l[i].site_number);
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

static int write_ct(const char *path, const struct phantom *ph, const struct patient *p, struct error *e)
{
    int16_t *hu = ct_make(ph, p);
    int rc = nifti_write(path, &ph->grid, 4, hu, "SIMULATED CT, HU (petrel-simulate)", e);
    free(hu);
    return rc;
}

int patient_write(const char *out, const struct patient *p, const struct phantom *ph, const struct lesion *lesions,
                  size_t count, bool with_ct, struct error *e)
{
    char *dir = patient_dir(out, p), *pet = path_join(dir, "PET.nii.gz"), *seg = path_join(dir, "SEG.nii.gz");
    char *organs = path_join(dir, "ORGANS.nii.gz"), *ct = path_join(dir, "CTres.nii.gz");
    char *table = path_join(dir, "regions.tsv"), *facts = path_join(dir, "PET.json");
    int rc = dir_make(dir, e);
    if (rc == 0)
        rc = nifti_write(pet, &ph->grid, 16, ph->suv, "SIMULATED FDG-PET, Bq/mL (petrel-simulate)", e);
    if (rc == 0)
        rc = nifti_write(seg, &ph->grid, 2, ph->lesion, "SIMULATED lesions (petrel-simulate)", e);
    if (rc == 0)
        rc = write_organs(organs, ph, e);
    if (rc == 0 && with_ct)
        rc = write_ct(ct, ph, p, e);
    if (rc == 0)
        rc = write_lesions(table, lesions, count, e);
    if (rc == 0)
        rc = write_facts(facts, p, e);
    free(facts);
    free(table);
    free(ct);
    free(organs);
    free(seg);
    free(pet);
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

void metadata_add(struct publish *table, const struct patient *p, bool with_ct)
{
    static const struct { const char *modality, *name; } series[] = {{"PT", "PET"}, {"SEG", "SEG"}, {"CT", "CTres"}};
    for (size_t i = 0; i < (with_ct ? 3 : 2); i++)
        fprintf(table->to,
                "%s.%s.%s,SIMULATED,%s,%s.%s,SIMULATED,2000-01-01,SIMULATED %s,%s,./%s/%s/%s.nii.gz,%s,%03.0fY,%s\n",
                p->id, p->study, series[i].modality, p->id, p->id, p->study, series[i].name, series[i].modality, p->id,
                p->study, series[i].name, p->diseased ? "MELANOMA" : "NEGATIVE", p->age_y, p->male ? "M" : "F");
}
