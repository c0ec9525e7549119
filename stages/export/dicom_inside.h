/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_inside -- what the C++ files behind dicom.h share; DCMTK's own headers stay in them.   dicom_source, _seg, _sr, _rtstruct */
#ifndef PETREL_EXPORT_DICOM_INSIDE_H
#define PETREL_EXPORT_DICOM_INSIDE_H
#include "stages/export/dicom.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/* SNOMED CT, DICOM and other codes, as they stand in an object. */
struct dicom_code {
    const char *value, *scheme, *meaning;
};
/* What a region is said to be: (SegmentedPropertyCategory, SegmentedPropertyType). */
extern const dicom_code CODE_MORPHOLOGY, CODE_FUNCTION, CODE_ANATOMY, CODE_NEOPLASM, CODE_UPTAKE;
const dicom_code &property_category(const finding &g), &property_type(const finding &g);
/* The organ of proto/organ.h; NULL: none known. */
const dicom_code *organ_code(int organ);

/* A step of DCMTK's that must go well. */
inline void must(const OFCondition &c)
{
    if (c.bad())
        throw std::runtime_error(c.text());
}
/* "12.5", at most 16 characters: a DS. */
std::string decimal(double value);

/* Attributes of one item, plainly; throws at the first that cannot be written. */
class ItemWriter
{
  public:
    explicit ItemWriter(DcmItem *to) : item(to)
    {
    }
    void text(const DcmTagKey &tag, const std::string &value)
    {
        must(item->putAndInsertString(tag, value.c_str()));
    }
    void whole(const DcmTagKey &tag, long value)
    {
        text(tag, std::to_string(value));
    }
    void reals(const DcmTagKey &tag, const double *value, size_t count);
    void code(const DcmTagKey &sequence, const dicom_code &c);
    ItemWriter within(const DcmTagKey &sequence, long which = -2); /* -2: a new item at the end */
    DcmItem *item;
};

/* Patient, study and frame of reference of the series, as its file has them, over what stands there; who made the object, its UIDs, and
 * dates and times, which are the series'. */
void identity_write(DcmItem *to, const dicom_object *o, object_kind kind, const char *modality, const char *description);
/* Codec-free: the dataset as explicit little endian, published at path. */
int object_publish(DcmFileFormat &file, const char *path, struct error *e);
/* Every DICOM file of a file or folder, and of all below it. */
void dicom_files_each(const std::string &path, const std::function<void(const char *)> &visit, int depth = 0);
/* Its header up to a tag; nullptr: it cannot be read. */
std::unique_ptr<DcmFileFormat> header_read(const char *path, const DcmTagKey &until);
/* A text without what fills it up; "": none. Numbers; false: not all are there. */
OFString text_at(DcmItem *item, const DcmTagKey &tag);
bool reals_at(DcmItem *item, const DcmTagKey &tag, unsigned long count, double *to);
/* Item 0 of a sequence of the frame's own functional groups, else of the shared ones; frame < 0: the file itself, which has none. */
DcmItem *group_of(DcmItem *set, long frame, const DcmTagKey &sequence);
/* Once: no log of DCMTK's own, and its dictionary must be there. */
void dcmtk_start_once();
/* For each number of the label map the planes that hold it, in the object's order: by rising place. */
std::vector<std::vector<size_t>> planes_of_all(const dicom_object *o);

/* Run a writer; whatever it throws becomes a sentence. */
template <class Writer> int guarded(const char *path, struct error *e, Writer writer)
{
    try {
        dcmtk_start_once();
        return writer();
    } catch (const std::exception &thrown) {
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': %s", path, thrown.what());
    }
}
#endif
