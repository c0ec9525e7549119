/* SPDX-License-Identifier: Apache-2.0 */
/* write -- one simulated patient's files, in autoPET's layout or as DICOM.   scanner -> [write]
 *
 *   OUT/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz      Bq/mL, float32
 *                                      SEG.nii.gz      truth, uint8
 *                                      ORGANS.nii.gz   organs by the labels of anatomy.h, uint8
 *                                      CTres.nii.gz    CT in HU on the PET's grid, int16, where it was asked for
 *                                      SUV.nii.gz, CT.nii.gz   and these where all of autoPET's layout was: float32; int16, rows
 *                                                              and columns half as far apart
 *                                      PET/ CT/ SEG/   DICOM series (series.h) in place of the images, where asked for
 *                                      regions.tsv     the truth a region: lesions, other hot spots, organs
 *                                      PET.json        dose, weight, times (BIDS-PET names); written last: it marks completion
 *
 * SUV.nii.gz is left out otherwise: petrel-load prefers it to PET.nii.gz, and would not see how SUV came about. */
#ifndef PETREL_SIMULATE_WRITE_H
#define PETREL_SIMULATE_WRITE_H
#include "common/file.h"
#include "datasets/simulate/lesion.h"
#include "datasets/simulate/scanner.h"

/* Where to, and what. cohort: what was asked for, in words; with it DICOM UIDs are made. */
struct output {
    const char *dir, *cohort;
    bool ct, autopet, dicom;
};
char *patient_dir(const char *out, const struct patient *p) MUST_USE;
/* Complete already? Then there is nothing to do: the same seed makes the same bytes. */
bool patient_written(const char *out, const struct patient *p);
int patient_write(const struct output *o, const struct patient *p, const struct phantom *ph,
                  const struct lesion *lesions, size_t count, struct error *e) MUST_USE;
/* OUT/metadata.csv, with autoPET's columns: a row a series. Open it, add each patient, commit. */
int metadata_open(struct publish *table, const char *out, struct error *e) MUST_USE;
void metadata_add(struct publish *table, const struct output *o, const struct patient *p);
#endif
