/* SPDX-License-Identifier: Apache-2.0 */
/* bids_json -- dataset_description.json and the images' sidecars.   bids -> [bids_json] */
#include "common/file.h"
#include "stages/export/bids_internal.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int publish_json(const char *path, json_t *made, struct error *e)
{
    char *text = json_dumps(made, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    char *line = xprintf("%s\n", text);
    int rc = publish_bytes(path, line, strlen(line), e);
    free(line);
    free(text);
    json_decref(made);
    return rc;
}

/* What a BIDS dataset has at its root besides its description. The standard's schema names segmentations of anat, func and dwi
 * alone: those of pet are ours, by the same pattern, so the validator is told to pass them over. */
static int root_files(const char *dir, struct error *e)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        {"README",
         "Regions of high FDG uptake and which of them are tumour, found by petrel-classify. Research software, no "
         "medical device.\n"
         "In sub-*/ses-*/pet: label map, tumour mask, probability, and a table of the regions; each has a sidecar.\n"},
        {".bidsignore", "*_dseg.*\n*_mask.*\n*_probseg.*\n"}};
    int rc = 0;
    for (size_t i = 0; i < COUNT_OF(files) && rc == 0; i++) {
        char *path = path_join(dir, files[i].name);
        if (!file_exists(path))
            rc = publish_bytes(path, files[i].text, strlen(files[i].text), e);
        free(path);
    }
    return rc;
}

int bids_describe_dataset(const char *dir, const struct findings *f, struct error *e)
{
    char *path = path_join(dir, "dataset_description.json");
    int rc = 0;
    if (file_exists(path)) {
        json_t *there = json_load_file(path, 0, NULL);
        const char *by =
            json_string_value(json_object_get(json_array_get(json_object_get(there, "GeneratedBy"), 0), "Name"));
        if (by == NULL || strcmp(by, "petrel-classify") != 0)
            rc = fail_as(
                e, EX_CANTCREAT,
                "cannot add to '%s': it is no derivative of petrel-classify (GeneratedBy); name another folder", dir);
        json_decref(there);
    } else {
        rc = publish_json(path,
                          json_pack("{s:s, s:s, s:s, s:[{s:s, s:s, s:s}]}", "Name", "Petrel: regions of high FDG uptake",
                                    "BIDSVersion", "1.9.0", "DatasetType", "derivative", "GeneratedBy", "Name",
                                    "petrel-classify", "Version", f->version, "Description",
                                    "finds regions of high uptake in FDG-PET and says which are tumour; research "
                                    "software, no medical device"),
                          e);
    }
    free(path);
    return rc < 0 ? rc : root_files(dir, e);
}

static json_t *columns_json(void)
{
    json_t *all = json_object();
    for (size_t i = 1; i < bids_column_count; i++) /* the first, index, is the standard's own */
        json_object_set_new(all, bids_columns[i].name,
                            *bids_columns[i].unit ? json_pack("{s:s, s:s}", "Description", bids_columns[i].help,
                                                              "Units", bids_columns[i].unit)
                                                  : json_pack("{s:s}", "Description", bids_columns[i].help));
    return all;
}

int bids_describe_image(const char *path, enum bids_image image, const struct findings *f, struct error *e)
{
    static const char *const what[BIDS_IMAGES] = {[BIDS_REGIONS] = "regions of high FDG uptake, by number",
                                                  [BIDS_TUMOUR] = "1 where a region is called tumour",
                                                  [BIDS_PROBABILITY] =
                                                      "in each region, the model's probability that it is tumour"};
    json_t *made = json_object();
    char *said = xprintf("%s%s", what[image], f->simulated ? "; SIMULATED scan: no real patient" : "");
    json_object_set_new(made, "Description", json_string(said));
    free(said);
    json_object_set_new(made, "SourceSHA256", json_string(f->source_sha256));
    json_object_set_new(made, "SpatialReference", json_string("orig"));
    json_object_set_new(made, "ModelSHA256", json_string(f->model_sha256));
    if (*f->cohort)
        json_object_set_new(made, "ModelTrainedOn", json_string(f->cohort));
    if (!isnan(f->threshold))
        json_object_set_new(made, "ProbabilityThreshold", json_real(f->threshold));
    json_object_set_new(made, "Settings", json_string(f->settings));
    if (image == BIDS_TUMOUR)
        json_object_set_new(made, "Type", json_string("Lesion"));
    if (image == BIDS_REGIONS) {
        json_object_set_new(made, "Manual", json_false());
        json_object_update_new(made, columns_json());
    }
    return publish_json(path, made, e);
}

void bids_sidecar_digest(const char *path, char sha256[65])
{
    json_t *there = json_load_file(path, 0, NULL);
    const char *text = json_string_value(json_object_get(there, "SourceSHA256"));
    snprintf(sha256, 65, "%s", text ? text : "");
    json_decref(there);
}
