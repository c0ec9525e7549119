/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_rt -- an RTSTRUCT as a plain struct, and what an RTSTRUCT or SEG refers to.   find, rtstruct -> [dicom_rt]
 *
 * Nothing is left out without being counted: contours that enclose no area, of types nobody knows, and those of a ROI that nobody
 * named. Whether that matters is for rtstruct.c to say. */
#include "stages/load/dicom_inside.h"
#include "stages/load/dicom_stream.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace
{

/* Every item of a sequence, if it is there. */
template <class Visit> void items_each(DcmItem *of, const DcmTagKey &name, Visit visit)
{
    DcmSequenceOfItems *sequence = nullptr;
    if (of->findAndGetSequence(name, sequence).bad() || sequence == nullptr)
        return;
    for (DcmObject *item = sequence->nextInContainer(nullptr); item != nullptr; item = sequence->nextInContainer(item))
        visit(static_cast<DcmItem *>(item));
}

/* Adds the UID if it is none and not there already. */
void uid_add(DcmItem *from, const DcmTagKey &tag, char (**uids)[DICOM_UID], size_t *count)
{
    char uid[DICOM_UID];
    dicom_text_of(from, tag, uid, sizeof uid);
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*uids)[i], uid) == 0)
            return;
    if (uid[0] == '\0')
        return;
    *uids = static_cast<char(*)[DICOM_UID]>(xresize(*uids, *count + 1, DICOM_UID));
    memcpy((*uids)[(*count)++], uid, sizeof uid);
}

void series_add(DcmItem *item, const DcmTagKey &sequence, struct dicom_references *r)
{
    items_each(item, sequence,
               [&](DcmItem *series) { uid_add(series, DCM_SeriesInstanceUID, &r->series, &r->series_count); });
}

/* The first image that an item of the sequence names, if none is known yet. */
void instance_note(DcmItem *of, const DcmTagKey &sequence, struct dicom_references *r)
{
    DcmItem *image = nullptr;
    if (r->instance[0] == '\0' && of->findAndGetSequenceItem(sequence, image, 0).good() && image != nullptr)
        dicom_text_of(image, DCM_ReferencedSOPInstanceUID, r->instance, sizeof r->instance);
}

/* Any frame, any study, any series: an RTSTRUCT of several. */
void references_structures(DcmDataset *set, struct dicom_references *r)
{
    items_each(set, DCM_ReferencedFrameOfReferenceSequence, [&](DcmItem *frame) {
        uid_add(frame, DCM_FrameOfReferenceUID, &r->frame, &r->frame_count);
        items_each(frame, DCM_RTReferencedStudySequence,
                   [&](DcmItem *study) { series_add(study, DCM_RTReferencedSeriesSequence, r); });
    });
    items_each(set, DCM_StructureSetROISequence,
               [&](DcmItem *roi) { uid_add(roi, DCM_ReferencedFrameOfReferenceUID, &r->frame, &r->frame_count); });
    items_each(set, DCM_ROIContourSequence, [&](DcmItem *roi) {
        items_each(roi, DCM_ContourSequence,
                   [&](DcmItem *contour) { instance_note(contour, DCM_ContourImageSequence, r); });
    });
}

void references_segments(DcmDataset *set, struct dicom_references *r)
{
    uid_add(set, DCM_FrameOfReferenceUID, &r->frame, &r->frame_count);
    series_add(set, DCM_ReferencedSeriesSequence, r);
    items_each(set, DCM_StudiesContainingOtherReferencedInstancesSequence,
               [&](DcmItem *study) { series_add(study, DCM_ReferencedSeriesSequence, r); });
    instance_note(set, DCM_SourceImageSequence, r);
    for (auto const &groups : {DCM_PerFrameFunctionalGroupsSequence, DCM_SharedFunctionalGroupsSequence})
        items_each(set, groups, [&](DcmItem *frame) {
            items_each(frame, DCM_DerivationImageSequence,
                       [&](DcmItem *derived) { instance_note(derived, DCM_SourceImageSequence, r); });
        });
}

int load(const char *path, DcmFileFormat &file, struct error *e)
{
    FileStream from(path);
    return dicom_load(from, file, e);
}

/* ---- contours ---- */

enum kind { KIND_CLOSED, KIND_XOR, KIND_POINT, KIND_OPEN, KIND_UNKNOWN };

kind contour_kind(DcmItem *item)
{
    static const struct {
        const char *name;
        enum kind kind;
    } kinds[] = {{"CLOSED_PLANAR", KIND_CLOSED}, {"CLOSEDPLANAR_XOR", KIND_XOR}, {"CLOSED_PLANAR_XOR", KIND_XOR},
                 {"POINT", KIND_POINT},          {"OPEN_PLANAR", KIND_OPEN},     {"OPEN_NONPLANAR", KIND_OPEN}};
    char type[33];
    dicom_text_of(item, DCM_ContourGeometricType, type, sizeof type);
    for (auto const &row : kinds)
        if (strcmp(type, row.name) == 0)
            return row.kind;
    return KIND_UNKNOWN;
}

int read_contour(DcmItem *item, const char *path, struct dicom_roi *roi, struct error *e)
{
    kind const what = contour_kind(item);
    if (what == KIND_POINT || what == KIND_OPEN || what == KIND_UNKNOWN) {
        roi->left[what == KIND_POINT ? CONTOUR_POINT : what == KIND_OPEN ? CONTOUR_OPEN : CONTOUR_UNKNOWN]++;
        return 0;
    }
    DcmElement *data = nullptr;
    char *numbers = nullptr; /* as it stands: asking DCMTK for value after value takes the square of the time */
    if (item->findAndGetElement(DCM_ContourData, data).bad() || data->getString(numbers).bad() || numbers == nullptr)
        return fail(e, "cannot open '%s': a contour of ROI '%s' has no (3006,0050) ContourData", path, roi->name);
    size_t count = 1;
    for (const char *c = numbers; *c != '\0'; c++)
        count += *c == '\\';
    if (count % 3 != 0)
        return fail(e, "cannot open '%s': (3006,0050) ContourData of ROI '%s' has %zu numbers: not a multiple of 3",
                    path, roi->name, count);
    if (count < 9) {
        roi->left[CONTOUR_FEW]++;
        return 0;
    }
    struct dicom_contour *contour = &roi->contour[roi->contour_count];
    contour->point_mm = static_cast<double *>(try_alloc(e, count, sizeof(double)));
    if (contour->point_mm == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    roi->contour_count++;
    contour->exclusive = what == KIND_XOR;
    contour->count = count / 3;
    const char *at = numbers;
    for (size_t i = 0; i < count; i++) {
        char *end = nullptr;
        contour->point_mm[i] = strtod(at, &end);
        if (end == at || !std::isfinite(contour->point_mm[i]))
            return fail(e, "cannot open '%s': (3006,0050) ContourData of ROI '%s' holds something that is no number",
                        path, roi->name);
        while (*end == ' ')
            end++;
        at = *end == '\\' ? end + 1 : end;
    }
    return 0;
}

/* Contours of one item of ROIContourSequence, behind those the ROI has already. */
int read_drawn(DcmItem *item, const char *path, struct dicom_roi *roi, struct error *e)
{
    DcmSequenceOfItems *contours = nullptr;
    if (item->findAndGetSequence(DCM_ContourSequence, contours).bad() || contours == nullptr || contours->card() == 0)
        return 0;
    size_t const room = roi->contour_count + contours->card();
    struct dicom_contour *more = static_cast<struct dicom_contour *>(try_alloc(e, room, sizeof *more));
    if (more == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    if (roi->contour_count > 0)
        memcpy(more, roi->contour, roi->contour_count * sizeof *more);
    free(roi->contour);
    roi->contour = more;
    for (DcmObject *one = contours->nextInContainer(nullptr); one != nullptr; one = contours->nextInContainer(one))
        if (read_contour(static_cast<DcmItem *>(one), path, roi, e) < 0)
            return -1;
    return 0;
}

/* The first ROI of this number; NULL: nobody named it. */
struct dicom_roi *roi_numbered(struct dicom_structures *s, double number)
{
    for (size_t i = 0; i < s->roi_count; i++)
        if (s->roi[i].number == number)
            return &s->roi[i];
    return nullptr;
}

int read_structures(const char *path, struct dicom_structures *s, struct error *e)
{
    DcmFileFormat file;
    if (load(path, file, e) < 0)
        return -1;
    DcmDataset *set = file.getDataset();
    references_structures(set, &s->refers);
    DcmSequenceOfItems *names = nullptr;
    if (set->findAndGetSequence(DCM_StructureSetROISequence, names).bad() || names == nullptr || names->card() == 0)
        return 0;
    s->roi = static_cast<struct dicom_roi *>(try_alloc(e, names->card(), sizeof *s->roi));
    if (s->roi == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    items_each(set, DCM_StructureSetROISequence, [&](DcmItem *item) {
        struct dicom_roi *roi = &s->roi[s->roi_count++];
        roi->number = dicom_real_of(item, DCM_ROINumber, 0);
        dicom_text_of(item, DCM_ROIName, roi->name, sizeof roi->name);
        dicom_text_of(item, DCM_ReferencedFrameOfReferenceUID, roi->frame_uid, sizeof roi->frame_uid);
    });
    items_each(set, DCM_RTROIObservationsSequence, [&](DcmItem *item) {
        struct dicom_roi *roi = roi_numbered(s, dicom_real_of(item, DCM_ReferencedROINumber, 0));
        if (roi != nullptr && roi->type[0] == '\0')
            dicom_text_of(item, DCM_RTROIInterpretedType, roi->type, sizeof roi->type);
    });
    int rc = 0;
    items_each(set, DCM_ROIContourSequence, [&](DcmItem *item) {
        struct dicom_roi *roi = roi_numbered(s, dicom_real_of(item, DCM_ReferencedROINumber, 0));
        if (rc == 0 && roi != nullptr)
            rc = read_drawn(item, path, roi, e);
        else if (roi == nullptr)
            items_each(item, DCM_ContourSequence, [&](DcmItem *) { s->stray++; });
    });
    return rc;
}

int read_references(const char *path, bool segments, struct dicom_references *r, struct error *e)
{
    DcmFileFormat file;
    if (load(path, file, e) < 0)
        return -1;
    (segments ? references_segments : references_structures)(file.getDataset(), r);
    return 0;
}

} // namespace

void dicom_references_segments(DcmDataset *set, struct dicom_references *r)
{
    references_segments(set, r);
}

extern "C" int dicom_read_references(const char *path, bool segments, struct dicom_references *r, struct error *e)
{
    memset(r, 0, sizeof *r);
    int result = dicom_guarded(path, e, [&] { return read_references(path, segments, r, e); });
    if (result < 0)
        dicom_references_free(r);
    return result;
}

extern "C" bool dicom_refers_to(const struct dicom_references *r, const char *series_uid, const char *frame_uid)
{
    for (size_t i = 0; i < r->series_count; i++)
        if (strcmp(r->series[i], series_uid) == 0)
            return true;
    for (size_t i = 0; frame_uid != nullptr && i < r->frame_count; i++)
        if (strcmp(r->frame[i], frame_uid) == 0)
            return true;
    return false;
}

extern "C" void dicom_references_free(struct dicom_references *r)
{
    free(r->series);
    free(r->frame);
    memset(r, 0, sizeof *r);
}

extern "C" int dicom_read_structures(const char *path, struct dicom_structures *s, struct error *e)
{
    memset(s, 0, sizeof *s);
    int result = dicom_guarded(path, e, [&] { return read_structures(path, s, e); });
    if (result < 0)
        dicom_structures_free(s);
    return result;
}

extern "C" void dicom_structures_free(struct dicom_structures *s)
{
    for (size_t i = 0; i < s->roi_count; i++) {
        for (size_t j = 0; j < s->roi[i].contour_count; j++)
            free(s->roi[i].contour[j].point_mm);
        free(s->roi[i].contour);
    }
    free(s->roi);
    dicom_references_free(&s->refers);
    memset(s, 0, sizeof *s);
}
