/* SPDX-License-Identifier: Apache-2.0 */
/* dicom -- the series a scan was read from, and objects that join it in a PACS: this program's only door to DCMTK.   [dicom]
 *
 * Objects carry the patient's own identity (the patient, study and frame-of-reference modules of the series, bytes and character set as
 * they are), or they would not be the patient's. They have no clock and no counter: dates and times are the series', UIDs are derived
 * (dicom_uid below). So the same findings in the same series give the same bytes. C++ stops at the files behind this header. */
#ifndef PETREL_EXPORT_DICOM_H
#define PETREL_EXPORT_DICOM_H
#include "common/file.h"
#include "stages/findings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One slice of a series: a file, or one of its frames. */
struct dicom_plane {
    char sop_class[UID_SIZE], sop_instance[UID_SIZE];
    uint16_t frame;        /* from 1; 0: the file is one slice */
    double position_mm[3]; /* LPS of its first pixel */
};
struct dicom_series {
    char study_uid[UID_SIZE], series_uid[UID_SIZE],
        frame_uid[UID_SIZE];    /* frame_uid "": the series has no frame of reference */
    struct names file;          /* by path, copies once: as petrel-load has them */
    double orientation[6];      /* LPS: along a row (columns growing), then down a column */
    double pixel_spacing_mm[2]; /* between rows, between columns */
    size_t rows, columns;
    size_t plane_count;
    struct dicom_plane *plane;
    size_t repeated;   /* files that share their SOPInstanceUID with another that is no copy */
    char refused[200]; /* why it cannot be used; "" */
    void *header;      /* C++'s: of its first file */
};
/* All PET series in these files and folders, by SeriesInstanceUID. What is no DICOM is passed over. dicom_series_free() them. */
int dicom_series_find(char *const *path, size_t count, struct dicom_series **series, size_t *series_count,
                      struct error *e) MUST_USE;
void dicom_series_free(struct dicom_series *series, size_t count);

/* Where the pixels of a plane lie in the label map: pixel (row, column) is label[first + row * down + column * along]. */
struct dicom_place {
    int64_t first, down, along;
    double along_mm; /* of the plane, along the series' normal */
};
/* What an object is made of. */
struct dicom_object {
    const struct dicom_series *series;
    const struct findings *findings;
    const struct dicom_place *place; /* [plane_count] */
    const size_t *plane;             /* planes by rising place along the normal; [plane_count] */
    double slice_mm;                 /* from one to the next */
    bool tumours_only;
};
enum object_kind { OBJECT_SEGMENTS, OBJECT_PROBABILITY, OBJECT_REPORT, OBJECT_STRUCTURES, OBJECT_KINDS };
/* UID of the object, its series, ...: of (what, kind; the series' SOP instances; the label map, the table, model and settings). */
void dicom_uid(const struct dicom_object *o, enum object_kind kind, const char *what, char uid[UID_SIZE]);
/* The region goes into objects. */
static inline bool dicom_takes(const struct dicom_object *o, const struct finding *g)
{
    return g->voxels > 0 && (g->tumour || !o->tumours_only);
}

/* A segment a region, BINARY: segment numbers are 1.. in the findings' order of those taken. OBJECT_PROBABILITY: one segment, FRACTIONAL, in
 * each region its probability. At least one region must be taken. Published atomically. */
int dicom_seg_write(const char *path, const struct dicom_object *o, enum object_kind kind, struct error *e) MUST_USE;
/* TID 1500 with a TID 1411 a region, which refers to its segment in the object dicom_seg_write makes of the same, and a measurement group of
 * the whole scan. */
int dicom_sr_write(const char *path, const struct dicom_object *o, struct error *e) MUST_USE;
/* An ROI a region, as closed planar contours along the pixels' edges (contour.h). */
int dicom_rtstruct_write(const char *path, const struct dicom_object *o, struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
