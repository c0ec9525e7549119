/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_sr -- what was measured, as a structured report: TID 1500 Measurement Report, by DCMTK's dcmsr and cmr.   layout -> [dicom_sr]
 *
 * A Volumetric ROI Measurements group (TID 1411) a region and one Measurement Group (TID 1501) of the whole scan. Concepts:
 *   SUV         (126401, DCM, SUVbw), g/ml{SUVbw}; derivations Maximum, Mean (SCT), Peak Value Within ROI (126031, DCM)
 *   volume      (118565006, SCT, Volume), cm3: the sum of the region's voxels
 *   glycolysis  (126033, DCM, Total Lesion Glycolysis), g
 *   tumour      (111047, DCM, Probability of cancer), %
 *   whole scan  (126032, DCM, Metabolic Volume) and Total Lesion Glycolysis, both Total (SCT); (246206008, SCT, Number of lesions) */
#include "stages/export/dicom_inside.h"

#include <dcmtk/dcmsr/cmr/tid1500.h>
#include <dcmtk/dcmsr/dsrdoc.h>

#include <cmath>
#include <cstring>
#include <set>

namespace
{

using Quantity = CID7469_GenericIntensityAndSizeMeasurements;
using Unit = CID7181_AbstractMultiDimensionalImageModelComponentUnits;
using Derivation = CID7464_GeneralRegionOfInterestMeasurementModifiers;
using Report = TID1500_MeasurementReport;

DSRCodedEntryValue entry(const char *value, const char *scheme, const char *meaning)
{
    return DSRCodedEntryValue(value, scheme, meaning);
}

DSRCodedEntryValue entry(const dicom_code &c)
{
    return entry(c.value, c.scheme, c.meaning);
}

template <class Group>
void measure(Group &group, const Quantity &what, double value, const DSRCodedEntryValue &unit,
             const Derivation &derivation = Derivation())
{
    if (std::isnan(value))
        return;
    must(group.addMeasurement(what, typename Group::MeasurementValue(decimal(value).c_str(), Unit(unit)), OFTrue));
    if (derivation.hasSelectedValue())
        must(group.getMeasurement().setDerivation(derivation));
}

const DSRCodedEntryValue suv_unit("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight");
const DSRCodedEntryValue cm3("cm3", "UCUM", "cubic centimeter"), gram("g", "UCUM", "gram"),
    percent_unit("%", "UCUM", "Percent"), none("1", "UCUM", "no units");

void region_add(Report &report, const dicom_object *o, const finding &g, Uint16 segment, const char *seg_uid)
{
    must(report.addVolumetricROIMeasurements());
    auto &group = report.getVolumetricROIMeasurements();
    must(group.setTrackingIdentifier(g.tracking_id));
    must(group.setTrackingUniqueIdentifier(g.tracking_uid));
    must(group.setFinding(entry(property_type(g))));
    DSRImageReferenceValue reference(UID_SegmentationStorage, seg_uid);
    reference.getSegmentList().addItem(segment);
    must(group.setReferencedSegment(reference));
    must(group.setSourceSeriesForSegmentation(o->series->series_uid));
    if (const dicom_code *organ = organ_code(g.organ); organ != nullptr)
        must(group.addFindingSite(entry(*organ)));
    measure(group, Quantity(Quantity::SUVbw), g.suv_max, suv_unit, Derivation(Derivation::Maximum));
    measure(group, Quantity(Quantity::SUVbw), g.suv_mean, suv_unit, Derivation(Derivation::Mean));
    measure(group, Quantity(Quantity::SUVbw), g.suv_peak, suv_unit, Derivation(Derivation::PeakValueWithinROI));
    measure(group, Quantity(Quantity::Volume), g.ml, cm3);
    measure(group, Quantity(entry("126033", "DCM", "Total Lesion Glycolysis")), g.tlg_g, gram);
    measure(group, Quantity(entry("111047", "DCM", "Probability of cancer")), 100 * g.probability, percent_unit);
}

void scan_add(Report &report, const dicom_object *o)
{
    const findings *f = o->findings;
    char uid[UID_SIZE];
    dicom_uid(o, OBJECT_REPORT, "whole scan", uid);
    must(report.addIndividualMeasurements());
    auto &group = report.getIndividualMeasurements();
    must(group.setTrackingIdentifier("whole scan"));
    must(group.setTrackingUniqueIdentifier(uid));
    must(group.setFinding(entry(CODE_NEOPLASM)));
    must(group.addFindingSite(entry("38266002", "SCT", "Entire body")));
    Derivation const total(Derivation::Total);
    measure(group, Quantity(entry("126032", "DCM", "Metabolic Volume")), f->tmtv_ml, cm3, total);
    measure(group, Quantity(entry("126033", "DCM", "Total Lesion Glycolysis")), f->tlg_g, gram, total);
    measure(group, Quantity(entry("246206008", "SCT", "Number of lesions")), static_cast<double>(f->tumours), none);
}

/* Everything the report rests on: the segmentation, and every slice. */
void evidence_add(DSRDocument &document, const dicom_object *o, const char *seg_uid)
{
    const dicom_series *s = o->series;
    DSRSOPInstanceReferenceList &evidence = document.getCurrentRequestedProcedureEvidence();
    if (*seg_uid) {
        char seg_series[UID_SIZE];
        dicom_uid(o, OBJECT_SEGMENTS, "series", seg_series);
        must(evidence.addItem(s->study_uid, seg_series, UID_SegmentationStorage, seg_uid));
    }
    std::set<std::string> seen;
    for (size_t i = 0; i < s->plane_count; i++)
        if (seen.insert(s->plane[i].sop_instance).second)
            must(evidence.addItem(s->study_uid, s->series_uid, s->plane[i].sop_class, s->plane[i].sop_instance));
}

int write(const char *path, const dicom_object *o, struct error *e)
{
    const findings *f = o->findings;
    char seg_uid[UID_SIZE] = "", device[UID_SIZE];
    Report report(
        CID7021_MeasurementReportDocumentTitles(CID7021_MeasurementReportDocumentTitles::ImagingMeasurementReport));
    must(report.setLanguage(CID5000_Languages(CID5000_Languages::English)));
    uid_derive((std::string("petrel-classify|") + f->version + "|" + f->model_sha256).c_str(), device);
    must(report.getObservationContext().addDeviceObserver(device, "petrel-classify", "Petrel", "petrel-classify",
                                                          f->version));
    must(report.addProcedureReported(
        CID100_QuantitativeDiagnosticImagingProcedures(CID100_QuantitativeDiagnosticImagingProcedures::PETWholeBody)));
    Uint16 segment = 0;
    for (size_t i = 0; i < f->count; i++)
        if (dicom_takes(o, &f->finding[i])) {
            if (segment == 0)
                dicom_uid(o, OBJECT_SEGMENTS, "object", seg_uid);
            region_add(report, o, f->finding[i], ++segment, seg_uid);
        }
    scan_add(report, o);
    DSRDocument document(DSRTypes::DT_EnhancedSR);
    must(document.setTreeFromRootTemplate(report, OFTrue));
    must(document.createNewSeriesInStudy(o->series->study_uid));
    evidence_add(document, o, seg_uid);
    must(document.completeDocument());
    DcmFileFormat file;
    must(document.write(*file.getDataset()));
    identity_write(file.getDataset(), o, OBJECT_REPORT, "SR", "Petrel: measurements of regions of high uptake");
    return object_publish(file, path, e);
}

} // namespace

extern "C" int dicom_sr_write(const char *path, const struct dicom_object *o, struct error *e)
{
    return guarded(path, e, [&] { return write(path, o, e); });
}
