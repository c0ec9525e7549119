/* write -- one simulated patient's files, in autoPET's layout.   scanner -> [write]
 *
 *   OUT/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz   Bq/mL, float32
 *                                      SEG.nii.gz   truth, uint8
 *                                      ORGANS.nii.gz   organs by the labels of anatomy.h, uint8
 *                                      CTres.nii.gz    CT in HU on the PET's grid, int16, where it was asked for
 *                                      regions.tsv  the lesions painted
 *                                      PET.json     dose, weight, times (BIDS-PET names); written last: it marks completion
 * No SUV.nii.gz: a folder holds one scan, and which that is shall be no question. */
#ifndef PETREL_SIMULATE_WRITE_H
#define PETREL_SIMULATE_WRITE_H
#include "common/file.h"
#include "datasets/simulate/lesion.h"
#include "datasets/simulate/scanner.h"

char *patient_dir(const char *out, const struct patient *p) MUST_USE;
/* Complete already? Then there is nothing to do: the same seed makes the same bytes. */
bool patient_written(const char *out, const struct patient *p);
int patient_write(const char *out, const struct patient *p, const struct phantom *ph, const struct lesion *lesions,
                  size_t count, bool with_ct, struct error *e) MUST_USE;
/* OUT/metadata.csv, with autoPET's columns: a row a series. Open it, add each patient, commit. */
int metadata_open(struct publish *table, const char *out, struct error *e) MUST_USE;
void metadata_add(struct publish *table, const struct patient *p, bool with_ct);
#endif
