/* SPDX-License-Identifier: Apache-2.0 */
/* findings -- what petrel-classify found in one scan, read back from its folder.   classify ═> [findings] -> export, followup */
#ifndef PETREL_STAGES_FINDINGS_H
#define PETREL_STAGES_FINDINGS_H
#include "common/uid.h"
#include "common/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One region. Numbers that its table does not have are NAN. */
struct finding {
    int32_t number; /* its value in the label map, from 1 */
    bool tumour;
    int32_t organ; /* proto/organ.h; 0: none known */
    int64_t voxels;
    double probability; /* of being tumour, 0..1; NAN: no model looked */
    double suv_max, suv_mean, suv_peak, sul_peak, ml, tlg_g;
    double centroid_mm[3];       /* RAS */
    char tracking_uid[UID_SIZE]; /* the lesion's, through all of a patient's scans */
    char tracking_id[40];        /* "lesion 7" */
};
enum { FINDINGS_RULES = 16 };
struct findings_rule {
    char name[40]; /* "fixed_4" */
    double tmtv_ml, tlg_g;
};
struct findings {
    char *dir; /* the folder; the three names below are its own */
    char patient[64], study[64], scan[64];
    char program[80], version[64];           /* "petrel-classify 0.1.0", its version */
    char model_sha256[65];                   /* "": not said */
    char source_sha256[65];                  /* of the scan's files */
    char given_format[16], given_sha256[65]; /* of the regions that somebody drew (common/given.h); "": none were */
    char settings[1100];                     /* with which regions were made: a record (proto/recipe.h) */
    char cohort[160];                        /* simulated cohort the model was trained on; "": none, or not said */
    bool simulated;                          /* the scan is no patient's */
    double threshold;                        /* a region is called a tumour from this probability on */
    size_t count;
    struct finding *finding; /* by number */
    double tmtv_ml, tlg_g;   /* of all called tumour */
    size_t tumours;
    double liver_mean, liver_sd; /* SUV; NAN: no liver known */
    size_t rule_count;           /* the scan by other rules, as petrel-classify has them */
    struct findings_rule rule[FINDINGS_RULES];
    struct grid grid; /* of the label map, the order of the scan's file */
    uint16_t *label;
    char label_sha256[65];
};
/* Reads DIR/regions.json and DIR/labels.nii.gz, which must agree: every region has the voxels its row says. findings_free() it. */
int findings_read(const char *dir, struct findings *f, struct error *e) MUST_USE;
void findings_free(struct findings *f);
/* What a follow-up said of its regions: the names of lesions that an earlier scan knows, in place of their own; nothing where there was none. */
int findings_read_tracking(const char *dir, struct findings *f, struct error *e) MUST_USE;
/* Its half: the regions, who, by what and how (findings_json.c). */
int findings_read_table(const char *dir, struct findings *f, struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
