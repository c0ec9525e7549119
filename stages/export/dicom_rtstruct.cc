/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_rtstruct -- regions as an RT Structure Set (PS3.3 A.19): closed planar contours, slice by slice.   layout, contour -> [dicom_rtstruct] */
#include "stages/export/contour.h"
#include "stages/export/dicom_inside.h"

#include <cmath>
#include <set>

namespace
{

void image_reference(ItemWriter to, const dicom_plane &plane)
{
    ItemWriter image = to.within(DCM_ContourImageSequence);
    image.text(DCM_ReferencedSOPClassUID, plane.sop_class);
    image.text(DCM_ReferencedSOPInstanceUID, plane.sop_instance);
    if (plane.frame > 0)
        image.whole(DCM_ReferencedFrameNumber, plane.frame);
}

void references_write(ItemWriter to, const dicom_object *o, const std::string &frame_uid)
{
    const dicom_series *s = o->series;
    ItemWriter frame = to.within(DCM_ReferencedFrameOfReferenceSequence);
    frame.text(DCM_FrameOfReferenceUID, frame_uid);
    ItemWriter study = frame.within(DCM_RTReferencedStudySequence);
    study.text(DCM_ReferencedSOPClassUID,
               "1.2.840.10008.3.1.2.3.1"); /* Detached Study Management: what the standard keeps here */
    study.text(DCM_ReferencedSOPInstanceUID, s->study_uid);
    ItemWriter series = study.within(DCM_RTReferencedSeriesSequence);
    series.text(DCM_SeriesInstanceUID, s->series_uid);
    std::set<std::string> seen;
    for (size_t i = 0; i < s->plane_count; i++)
        if (s->plane[i].frame > 0 || seen.insert(s->plane[i].sop_instance).second)
            image_reference(series, s->plane[i]);
}

/* LPS of the corner (row, column): half a pixel before the middle of the pixel of that index. */
void place_of(const dicom_series *s, const dicom_plane &plane, const corner &c, double mm[3])
{
    double const along = (c.column - 0.5) * s->pixel_spacing_mm[1], down = (c.row - 0.5) * s->pixel_spacing_mm[0];
    for (int i = 0; i < 3; i++)
        mm[i] = plane.position_mm[i] + along * s->orientation[i] + down * s->orientation[3 + i];
}

void contour_write(ItemWriter roi, const dicom_object *o, const dicom_plane &plane, const outline &line)
{
    std::string points;
    ItemWriter contour = roi.within(DCM_ContourSequence);
    image_reference(contour, plane);
    contour.text(DCM_ContourGeometricType, "CLOSED_PLANAR");
    contour.whole(DCM_NumberOfContourPoints, static_cast<long>(line.count));
    for (size_t i = 0; i < line.count; i++) {
        double mm[3];
        place_of(o->series, plane, line.corner[i], mm);
        for (double x : mm)
            points += (points.empty() ? "" : "\\") + decimal(std::round(x * 1e5) / 1e5);
    }
    contour.text(DCM_ContourData, points);
}

void roi_write(ItemWriter to, const dicom_object *o, const finding &g, long number, const std::vector<size_t> &planes,
               const std::string &frame_uid)
{
    std::vector<uint8_t> mask(o->series->rows * o->series->columns);
    ItemWriter named = to.within(DCM_StructureSetROISequence);
    named.whole(DCM_ROINumber, number);
    named.text(DCM_ReferencedFrameOfReferenceUID, frame_uid);
    named.text(DCM_ROIName, "region " + std::to_string(g.number) + (g.tumour ? ", tumour" : ""));
    named.text(DCM_ROIGenerationAlgorithm, "AUTOMATIC");
    ItemWriter drawn = to.within(DCM_ROIContourSequence);
    drawn.text(DCM_ROIDisplayColor, g.tumour ? "255\\0\\0" : "0\\0\\255");
    for (size_t k : planes) {
        const dicom_place &at = o->place[o->plane[k]];
        struct outlines lines;
        for (size_t r = 0, i = 0; r < o->series->rows; r++)
            for (size_t c = 0; c < o->series->columns; c++, i++)
                mask[i] =
                    o->findings->label[at.first + static_cast<int64_t>(r) * at.down + static_cast<int64_t>(c) * at.along] ==
                    g.number;
        outlines_find(mask.data(), o->series->rows, o->series->columns, &lines);
        for (size_t i = 0; i < lines.count; i++)
            contour_write(drawn, o, o->series->plane[o->plane[k]], lines.outline[i]);
        outlines_free(&lines);
    }
    drawn.whole(DCM_ReferencedROINumber, number);
    ItemWriter observed = to.within(DCM_RTROIObservationsSequence);
    observed.whole(DCM_ObservationNumber, number);
    observed.whole(DCM_ReferencedROINumber, number);
    observed.text(DCM_RTROIInterpretedType, "");
    observed.text(DCM_ROIInterpreter, "");
    observed.code(DCM_RTROIIdentificationCodeSequence, property_type(g));
}

int write(const char *path, const dicom_object *o, struct error *e)
{
    const findings *f = o->findings;
    DcmFileFormat file;
    ItemWriter w(file.getDataset());
    OFString frame_uid;
    w.text(DCM_SOPClassUID, UID_RTStructureSetStorage);
    identity_write(w.item, o, OBJECT_STRUCTURES, "RTSTRUCT", "Petrel: regions of high uptake");
    must(w.item->findAndGetOFString(DCM_FrameOfReferenceUID, frame_uid));
    w.text(DCM_OperatorsName, "");
    w.text(DCM_StructureSetLabel, "PETREL REGIONS");
    w.text(DCM_StructureSetDescription,
           "regions of high FDG uptake; red: called tumour. Research software, not for planning");
    w.text(DCM_ApprovalStatus, "UNAPPROVED");
    references_write(w, o, frame_uid.c_str());
    auto const planes = planes_of_all(o);
    long number = 0;
    for (size_t i = 0; i < f->count; i++)
        if (dicom_takes(o, &f->finding[i]))
            roi_write(w, o, f->finding[i], ++number, planes[static_cast<size_t>(f->finding[i].number)],
                      frame_uid.c_str());
    return object_publish(file, path, e);
}

} // namespace

extern "C" int dicom_rtstruct_write(const char *path, const struct dicom_object *o, struct error *e)
{
    return guarded(path, e, [&] { return write(path, o, e); });
}
