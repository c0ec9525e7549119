/* SPDX-License-Identifier: Apache-2.0 */
/* nifti -- read a NIfTI file that may be anything.   common
 *
 * Every size the file declares is checked against the bytes that are there before anything is allocated. nifti_write is in
 * volume.h. */
#ifndef PETREL_COMMON_NIFTI_H
#define PETREL_COMMON_NIFTI_H
#include "common/volume.h"

/* A NIfTI-1 or -2 file in its own order (slowest axis first), values stored*slope+intercept: .nii, or a pair named by its .hdr, either
 * one packed or not. Refused if it unpacks to much more than max_bytes, or its voxels as floats need more than half of that (they will
 * be copied to be turned and sent). */
struct nifti {
    struct grid grid;
    bool placed;  /* the header says where it lies (sform or qform) */
    float *voxel; /* owned */
};
int nifti_read(const char *path, size_t max_bytes, struct nifti *image, struct error *e) MUST_USE;
/* The same; *data_file gets the second file of a pair, the caller's; NULL: there is none. */
int nifti_read_files(const char *path, size_t max_bytes, struct nifti *image, char **data_file,
                     struct error *e) MUST_USE;
#endif
