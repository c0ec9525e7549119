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
    bool placed;        /* the header says where it lies (sform or qform) */
    bool sized;         /* ... and how large its voxels are */
    double forms_apart; /* sform, which is taken, and qform say different places: voxels between them; 0: they do not */
    size_t nan;         /* voxels that are no numbers; none is infinite */
    float *voxel;       /* owned */
};
/* nifti_read refuses voxels that are no numbers; all others here count them and leave them in. */
int nifti_read(const char *path, size_t max_bytes, struct nifti *image, struct error *e) MUST_USE;
/* The same; *data_file gets the second file of a pair, the caller's; NULL: there is none. */
int nifti_read_files(const char *path, size_t max_bytes, struct nifti *image, char **data_file,
                     struct error *e) MUST_USE;
/* Fills image->nan. -1: a voxel is infinite. */
int nifti_count_nan(struct nifti *image, const char *path, struct error *e) MUST_USE;
#endif
