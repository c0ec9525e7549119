/* SPDX-License-Identifier: Apache-2.0 */
/* bids -- findings as a BIDS derivative: a tree that others' tools walk by its names.   findings -> [bids]
 *
 *   DIR/dataset_description.json                        DatasetType derivative, GeneratedBy
 *   DIR/sub-P/ses-S/pet/sub-P_ses-S[_rec-R]_desc-regions_dseg.nii.gz   labels, uint16, on the scan's own grid
 *                         ..._desc-regions_dseg.tsv         index, name, and what was measured; columns are explained in the
 *                         ..._desc-regions_dseg.json        sidecar
 *                         ..._desc-tumour_mask.nii.gz, .json   uint8: 1 where a region was called tumour
 *                         ..._desc-probability_probseg.nii.gz, .json  float32: in each region, its probability of being tumour
 * P, S and R are patient, study and scan as petrel-classify names them (hashes unless --keep-identifiers), letters and digits alone. Names are
 * those of BIDS 1.9.0, "Imaging data type derivatives"; descriptions say "simulated" where the scan is. */
#ifndef PETREL_EXPORT_BIDS_H
#define PETREL_EXPORT_BIDS_H
#include "stages/findings.h"

/* -1 also where the tree holds another dataset, or the names of another scan come out the same. */
int bids_write(const char *dir, const struct findings *f, struct error *e) MUST_USE;
#endif
