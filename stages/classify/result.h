/* SPDX-License-Identifier: Apache-2.0 */
/* result -- one scan's regions with the model's word on each, as files.   roi -> [result]
 *
 *   OUT/SCAN/regions.tsv     a row a region: probability, tumour or not, place, volume, SUVs
 *   OUT/SCAN/labels.nii.gz   uint16, on the scan's own grid: each region's number as in regions.tsv
 *   OUT/SCAN/tumour.nii.gz   uint8, the same grid: 1 where a region said tumour
 *   OUT/SCAN/probability.nii.gz   float32, the same grid: each region's probability, 0 elsewhere
 *   OUT/SCAN/body.nii.gz     the scan in coarse cells (body_map.h), for petrel-followup
 *   OUT/SCAN/mip.png         maximum-intensity projection from the front, regions red (tumour) and blue
 *   and tables (tables.h), the page (page.h), regions that were given, less what is no tumour (keep.h)
 * Each is published atomically, regions.tsv last. */
#ifndef PETREL_CLASSIFY_RESULT_H
#define PETREL_CLASSIFY_RESULT_H
#include "proto/message.h"
#include "stages/classify/quantities/quantities.h"
#include "stages/model.h"

struct result {
    const struct regions_message *regions;
    float *probability; /* [count] */
    bool *tumour;       /* [count] */
    size_t tumours;
    const char *seen;    /* "": the model does not know the patient, or does not say; else what to tell people */
    double tumour_ml;    /* metabolic tumour volume: of all regions said tumour */
    double glycolysis_g; /* total lesion glycolysis: their sum of SUVmean * ml */
    struct region_quantities *quantity; /* [count] */
    struct scan_quantities scan;
};
/* Standardises the boxes of m in place and asks the model. */
int result_make(struct result *r, struct regions_message *m, struct model *model, struct error *e) MUST_USE;
/* keep: given regions are written back, too (keep.h). */
int result_write(const struct result *r, const struct model *model, const char *out, bool keep,
                 struct error *e) MUST_USE;
/* OUT/SCAN; the caller's. */
char *result_dir(const struct result *r, const char *out) MUST_USE;
void result_free(struct result *r);
#endif
