/* SPDX-License-Identifier: Apache-2.0 */
/* keep -- regions that somebody drew, with what is no tumour taken out.   result -> [keep]
 *
 *     OUT/SCAN/kept.nii.gz (kept.nii where it came unpacked)     the map's own grid, axes and labels; 0 where a part was taken out
 *     OUT/SCAN/taken_out.nii.gz                                  the same of what was taken out
 *
 * A part is taken out where the region it became is not called tumour, or was left out as an organ's. A part that became no region (no
 * voxel of the scan's body is in it) was not judged and stays. Of an RTSTRUCT or SEG
 * petrel-export makes kept.dcm of both (stages/export/kept.h). */
#ifndef PETREL_CLASSIFY_KEEP_H
#define PETREL_CLASSIFY_KEEP_H
#include "stages/classify/result.h"

/* Fills given_* , kept_*, taken_out_*, unjudged_parts and fpv_* of *s; all unknown where the regions were not given. */
void keep_measure(const struct regions_message *m, const bool *tumour, struct scan_quantities *s);
/* Into dir. -1: the regions were not given (EX_USAGE), or it cannot be written. */
int keep_write(const struct result *r, const char *dir, struct error *e) MUST_USE;
#endif
