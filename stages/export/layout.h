/* SPDX-License-Identifier: Apache-2.0 */
/* layout -- how the slices of a series lie in a label map.   dicom_source, findings -> [layout] -> dicom_seg, dicom_sr, dicom_rtstruct */
#ifndef PETREL_EXPORT_LAYOUT_H
#define PETREL_EXPORT_LAYOUT_H
#include "stages/export/dicom.h"

/* Fills o->place, o->plane and o->slice_mm for o->series and o->findings; layout_free() them. Every voxel of the map must be one pixel of one
 * slice, to a twentieth of a voxel. -1 and a sentence without its subject: the series is another's. */
int layout_make(struct dicom_object *o, struct error *e) MUST_USE;
void layout_free(struct dicom_object *o);
#endif
