/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_write -- slices and masks as DICOM files: this program's only door to DCMTK.   write -> [dicom_write]
 *
 * Files are explicit little endian; the same facts make the same bytes. Every one says SIMULATED in PatientName,
 * Manufacturer, SeriesDescription and ImageComments. They are written in place: whoever calls marks completion. */
#ifndef PETREL_SIMULATE_DICOM_WRITE_H
#define PETREL_SIMULATE_DICOM_WRITE_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { UID_ROOM = 65 };
enum dicom_kind { DICOM_PET, DICOM_CT, DICOM_SEG, DICOM_KINDS };

/* What all files of a series share. Times: seconds since midnight, whole. */
struct dicom_facts {
    enum dicom_kind kind;
    char study_uid[UID_ROOM], series_uid[UID_ROOM], frame_uid[UID_ROOM];
    const char *patient_id, *study_id, *sex, *day; /* day: YYYYMMDD */
    double age_y, weight_kg, height_m, dose_bq, half_life_s, injection_s, series_s;
    int64_t rows, columns, slices;
    double spacing_mm[3];  /* between slices, rows, columns */
    double orientation[6]; /* LPS; along a row, then down a column */
};
/* One slice: values are stored * slope + intercept. */
struct dicom_slice {
    char uid[UID_ROOM];
    int64_t number;        /* from 1 */
    double position_mm[3]; /* LPS of the first pixel */
    double slope, intercept;
    const uint16_t *stored; /* rows * columns */
};
int dicom_write_slice(const char *path, const struct dicom_facts *f, const struct dicom_slice *s,
                      struct error *e) MUST_USE;

/* A binary segmentation of one segment: count frames, each a slice of the series `of`. */
struct dicom_frame {
    char uid[UID_ROOM];
    double position_mm[3];
}; /* uid: the image's */
struct dicom_mask {
    char uid[UID_ROOM], of_series_uid[UID_ROOM];
    size_t count;
    const struct dicom_frame *frame;
    const uint8_t *bits; /* count * rows * columns bits, the next pixel is the next bit */
};
int dicom_write_mask(const char *path, const struct dicom_facts *f, const struct dicom_mask *m,
                     struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
