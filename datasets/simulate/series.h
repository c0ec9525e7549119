/* SPDX-License-Identifier: Apache-2.0 */
/* series -- one simulated patient as DICOM: a PET, a CT and a SEG series.   write -> [series] -> dicom_write
 *
 *   DIR/PET/0001.dcm ...   Bq/mL, 16 bits a pixel, a slope a slice
 *   DIR/CT/0001.dcm ...    HU, on the PET's grid
 *   DIR/SEG/SEG.dcm        truth: the slices with a lesion; an empty one where there is none
 * UIDs are 2.25.N with N a hash of cohort, patient and what it names: the same cohort, the same UIDs. */
#ifndef PETREL_SIMULATE_SERIES_H
#define PETREL_SIMULATE_SERIES_H
#include "datasets/simulate/patient.h"
#include "datasets/simulate/phantom.h"

/* ph->suv holds Bq/mL; hu: the CT on the same grid. */
int series_write(const char *dir, const char *cohort, const struct patient *p, const struct phantom *ph,
                 const int16_t *hu, struct error *e) MUST_USE;
#endif
