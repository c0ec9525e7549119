/* dicom_inside -- what the C++ files behind dicom.h share; DCMTK's own headers stay in them.   dicom, dicom_seg */
#ifndef PETREL_STAGES_LOAD_DICOM_INSIDE_H
#define PETREL_STAGES_LOAD_DICOM_INSIDE_H
#include "stages/load/dicom.h"
#include <exception>

class DcmDataset;
class DcmItem;
class DcmTagKey;

/* Codecs and dictionary, once. */
void dicom_start_once();
/* Values of one element, backslash separated, without the padding DICOM puts round them; "" where there is none. */
void dicom_text_of(DcmItem *item, const DcmTagKey &tag, char *to, size_t size);
/* The which-th number of one element, or NAN. */
double dicom_real_of(DcmItem *item, const DcmTagKey &tag, unsigned long which);

/* Run a reader; whatever it throws becomes a sentence. */
template <class Reader> int dicom_guarded(const char *path, struct error *e, Reader reader)
{
    try {
        dicom_start_once();
        return reader();
    } catch (const std::exception &thrown) {
        return fail(e, "cannot open '%s': %s", path, thrown.what());
    }
}
#endif
