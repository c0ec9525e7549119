/* SPDX-License-Identifier: Apache-2.0 */
/* dicom -- one DICOM file as a plain struct: the only door to DCMTK.   find, series, rtstruct -> [dicom]
 *
 * Nothing is judged here: values come as the file has them, unknown numbers as NAN, unknown texts as "".
 * Whoever assembles a scan of them (series.c) decides what is needed and says what is missing, by tag. */
#ifndef PETREL_STAGES_LOAD_DICOM_H
#define PETREL_STAGES_LOAD_DICOM_H
#include "common/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DICOM_UID = 65 };

/* What a file is, for sorting a folder; stops reading long before the pixels. */
struct dicom_probe {
    char modality[17], series_uid[DICOM_UID], study_uid[DICOM_UID], frame_uid[DICOM_UID];
    char sop_class[DICOM_UID], sop_instance[DICOM_UID], patient_id[65];
    char image_type[129], corrected[129];  /* (0008,0008), (0028,0051): PET alone */
    double position_mm[3], orientation[6]; /* NAN: not said */
    bool localiser;                        /* (0008,0008) ImageType says so */
};
/* 0: a DICOM file; 1: none (and no error); -1: it cannot be opened, or begins as DICOM and cannot be read. */
int dicom_probe(const char *path, struct dicom_probe *p, struct error *e) MUST_USE;

/* One image's attributes. */
struct dicom_image {
    char sop_class[DICOM_UID]; /* (0008,0016): what kind of image */
    char modality[17], study_uid[DICOM_UID], series_uid[DICOM_UID], frame_uid[DICOM_UID];
    char patient_id[65], sex[17], age[17]; /* "059Y" */
    char vendor[65], model[65], tracer[65];
    char units[17], suv_type[17], decay_correction[17]; /* (0054,1001) (0054,1006) (0054,1102) */
    char corrected[257];                                /* (0028,0051), backslash separated */
    char attenuation[65];                               /* (0054,1101) AttenuationCorrectionMethod */
    char study_date[17], series_date[17], series_time[17], acquisition_date[17], acquisition_time[17];
    char acquisition_datetime[33], zone[17];         /* (0008,002A) (0008,0201) */
    char injection_time[17], injection_datetime[33]; /* (0018,1072) (0018,1078) */
    char corrected_to[33];                           /* (0018,9701) DecayCorrectionDateTime */
    char ge_scan_start[33], siemens_scan_start[33];  /* (0009,xx0D) (0071,xx22) of their own block: date and time */
    char nuclide_code[17], nuclide_meaning[65];      /* (0054,0300): (0008,0100) (0008,0104) */
    char unread[256]; /* texts that stand for numbers of the table and are none: "(0010,1030) PatientWeight '155lb'; ..." */
    double weight_kg, height_m, dose_bq, half_life_s;
    double philips_suv, philips_bqml;             /* (7053,xx00) (7053,xx09) of its own block: what a count is worth */
    double frame_reference_ms, frame_duration_ms; /* (0054,1300) (0018,1242) */
    double position_mm[3], orientation[6];        /* LPS; along a row (columns growing), then down a column */
    double pixel_spacing_mm[2];                   /* between rows, between columns */
    double slice_thickness_mm, slope, intercept;
    double rows, columns, frames, samples, bits_allocated, bits_stored, high_bit, is_signed;
    /* what kind of image it is, and which of how many */
    char sop_instance[DICOM_UID], image_type[129], series_type[33], photometric[17]; /* (0054,1000) */
    double slices_said, image_index; /* (0054,0081) NumberOfSlices, (0054,1330) ImageIndex: from 1 */
    size_t frame;                    /* of several in its file, from 1; 0: it is alone */
    char stack[17];                  /* (0020,9056) StackID */
    double time_index;               /* (0020,9128) TemporalPositionIndex */
    double part, parts;              /* (0020,9162) InConcatenationNumber, (0020,9163) InConcatenationTotalNumber */
    double injections;               /* items of (0054,0016) RadiopharmaceuticalInformationSequence; NAN: not there */
    struct dicom_pixels *pixels;     /* where its voxels lie, if plain words; owned, may be NULL */
};
int dicom_read_image(const char *path, struct dicom_image *image, struct error *e) MUST_USE;
/* Enhanced PET and Legacy Converted Enhanced PET: many slices in one file. */
bool dicom_is_enhanced(const char *sop_class);
/* "SecondaryCaptureImageStorage"; the UID itself where it is not known. */
const char *dicom_class_name(const char *uid);
/* The same of a file that may hold several: the frames of an Enhanced PET file, else the one image. *image: the caller's, also on failure,
 * when *count may be less than there are. */
int dicom_read_images(const char *path, struct dicom_image **image, size_t *count, struct error *e) MUST_USE;
void dicom_image_free(struct dicom_image *image); /* what it owns */
/* Its voxels, stored*slope+intercept, image being what was read of this file: rows * columns of them, 8 or 16 bits each, plain or
 * packed in any transfer syntax DCMTK or OpenJPEG unpacks. */
int dicom_read_voxels(const char *path, const struct dicom_image *image, float *voxel, struct error *e) MUST_USE;

/* UIDs an RTSTRUCT or SEG refers to, each once. */
struct dicom_references {
    char (*series)[DICOM_UID], (*frame)[DICOM_UID]; /* of images; of frames of reference; owned */
    size_t series_count, frame_count;
    char instance[DICOM_UID]; /* one image (SOPInstanceUID), for files that name no series; "" */
};
int dicom_read_references(const char *path, bool segments, struct dicom_references *r, struct error *e) MUST_USE;
/* The series, or (unless NULL) the frame of reference, is among them. */
bool dicom_refers_to(const struct dicom_references *r, const char *series_uid, const char *frame_uid);
void dicom_references_free(struct dicom_references *r);

/* An RTSTRUCT: regions drawn as closed planar contours. */
struct dicom_contour {
    size_t count;     /* points */
    double *point_mm; /* [count][3] LPS; owned */
    bool exclusive;   /* CLOSEDPLANAR_XOR: what two of them enclose is outside */
};
enum dicom_left_out { CONTOUR_POINT, CONTOUR_OPEN, CONTOUR_UNKNOWN, CONTOUR_FEW, CONTOUR_LEFT_OUT };
struct dicom_roi {
    char name[193];
    size_t contour_count;
    struct dicom_contour *contour;
    double number;                 /* (3006,0022); NAN */
    char frame_uid[DICOM_UID];     /* its own frame of reference; "" */
    char type[17];                 /* (3006,00A4) RTROIInterpretedType: "GTV", "EXTERNAL", ... */
    size_t left[CONTOUR_LEFT_OUT]; /* contours that enclose no area: points, open, of no known type, of one or two points */
};
struct dicom_structures {
    struct dicom_references refers;
    size_t roi_count;
    struct dicom_roi *roi; /* several of one number: the contours are with the first; none: nothing is named */
    size_t stray;          /* contours of numbers that no ROI has */
};
int dicom_read_structures(const char *path, struct dicom_structures *s, struct error *e) MUST_USE;
void dicom_structures_free(struct dicom_structures *s);

/* A SEG: frames, each a slice of one segment or (LABELMAP) of all. */
enum dicom_seg_kind { SEG_BITS, SEG_FRACTIONS, SEG_LABELS };
struct dicom_segment {
    unsigned number;
    char label[193];
    char type[17]; /* what its category is: "TUMOUR", "ORGAN", "OBJECT", "" */
};
struct dicom_seg_frame {
    unsigned segment;      /* its number; SEG_LABELS: 0 */
    double position_mm[3]; /* LPS of its first pixel */
};
struct dicom_segmentation {
    struct dicom_references refers;
    enum dicom_seg_kind kind;
    double orientation[6], pixel_spacing_mm[2];
    double slice_mm; /* from one slice to the next, as it says; NAN: it does not */
    size_t rows, columns, segment_count, frame_count;
    struct dicom_segment *segment;
    struct dicom_seg_frame *frame;
    unsigned bits;       /* a pixel: 1 (the next pixel is the next bit), 8 or 16 */
    double most;         /* SEG_FRACTIONS: the value of a whole pixel */
    unsigned background; /* SEG_LABELS: what stands where there is nothing, beside 0 */
    uint8_t *data;       /* NULL unless asked for */
};
int dicom_read_segmentation(const char *path, bool with_pixels, struct dicom_segmentation *s, struct error *e) MUST_USE;
/* The number of the segment that pixel (row * columns + column) of a frame is of: its bit is set, more than half of it is, or its
 * label says so. 0: none. */
unsigned dicom_segmentation_at(const struct dicom_segmentation *s, size_t frame, size_t pixel);
void dicom_segmentation_free(struct dicom_segmentation *s);

#ifdef __cplusplus
}
#endif
#endif
