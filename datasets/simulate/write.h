/* write -- one simulated patient's files, in autoPET's layout.   scanner -> [write]
 *
 *   OUT/SIMULATED_0001/SIMULATED_PETCT/PET.nii.gz   Bq/mL, float32
 *                                      SEG.nii.gz   truth, uint8
 *                                      ORGANS.nii.gz   organs by the labels of anatomy.h, uint8
 *                                      regions.tsv  the lesions painted
 *                                      PET.json     dose, weight, times (BIDS-PET names); written last: it marks completion */
#ifndef PETREL_SIMULATE_WRITE_H
#define PETREL_SIMULATE_WRITE_H
#include "datasets/simulate/lesion.h"
#include "datasets/simulate/scanner.h"

char *patient_dir(const char *out, const struct patient *p) MUST_USE;
/* Complete already? Then there is nothing to do: the same seed makes the same bytes. */
bool patient_written(const char *out, const struct patient *p);
int patient_write(const char *out, const struct patient *p, const struct phantom *ph, const struct lesion *lesions,
                  size_t count, struct error *e) MUST_USE;
#endif
