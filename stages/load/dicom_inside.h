/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_inside -- what the C++ files behind dicom.h share; DCMTK's own headers stay in them.   dicom, dicom_pixels, dicom_rt, dicom_seg */
#ifndef PETREL_STAGES_LOAD_DICOM_INSIDE_H
#define PETREL_STAGES_LOAD_DICOM_INSIDE_H
#include "stages/load/dicom.h"
#include <exception>

class DcmDataset;
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

/* Adds what a SEG refers to. */
void dicom_references_segments(DcmDataset *set, struct dicom_references *r);

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
