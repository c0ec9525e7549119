/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_inside -- what the C++ files behind dicom.h share; DCMTK's own headers stay in them.   dicom, dicom_fragments, dicom_pixels, dicom_rt, dicom_seg */
#ifndef PETREL_STAGES_LOAD_DICOM_INSIDE_H
#define PETREL_STAGES_LOAD_DICOM_INSIDE_H
#include "stages/load/dicom.h"
#include <exception>
#include <memory>
#include <vector>

class DcmDataset;
class DcmFileFormat;
class DcmItem;
class DcmTagKey;
class FileStream;

/* Codecs and dictionary, once. */
void dicom_start_once();
/* Values of one element, backslash separated, without the padding DICOM puts round them; "" where there is none. */
void dicom_text_of(DcmItem *item, const DcmTagKey &tag, char *to, size_t size);
/* The which-th number of one element, or NAN. */
double dicom_real_of(DcmItem *item, const DcmTagKey &tag, unsigned long which);
/* Takes the pixels out of the dataset of an image that was read `from` a file, if they are plain words, as many as it wants; else NULL. */
struct dicom_pixels *dicom_pixels_take(DcmDataset *set, const FileStream &from, const struct dicom_image *image);

/* The bytes of one frame (from 0) of compressed pixels, its fragments joined (dicom_fragments.cc). */
int dicom_frame_code(DcmDataset *set, const char *path, size_t frame, std::vector<uint8_t> &code, struct error *e);
/* Before DCMTK unpacks a frame, or all: what its RLE or JPEG header says is what it has, and what the dataset says. */
int dicom_frame_check(DcmDataset *set, const char *path, size_t frame, struct error *e);
int dicom_frames_check(DcmDataset *set, const char *path, struct error *e);

/* Adds what a SEG refers to. */
void dicom_references_segments(DcmDataset *set, struct dicom_references *r);
/* What the item says, over what *image has: the rows of dicom.cc's tables, and of the injection. */
void dicom_attributes_read(DcmItem *item, struct dicom_image *image);
/* The frames of an Enhanced PET file (dicom_frames.cc); *image is owned by the caller, also on failure. */
int dicom_frames_read(std::shared_ptr<DcmFileFormat> const &file, const FileStream &from, const struct dicom_image *top,
                      struct dicom_image **image, size_t *count, struct error *e);
/* Gives each frame its pixels, which hold the file (dicom_pixels.cc). */
void dicom_frames_pixels(std::shared_ptr<DcmFileFormat> const &file, const FileStream &from, struct dicom_image *image,
                         size_t count);

/* Run a reader; whatever it throws becomes a sentence. */
template <class Reader> int dicom_guarded(const char *path, struct error *e, Reader reader)
{
    try {
        return reader();
    } catch (const std::exception &thrown) {
        return fail(e, "cannot open '%s': %s", path, thrown.what());
    }
}
#endif
