/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_write -- slices and masks as DICOM files.   write -> [dicom_write]
 *
 * Attributes: the PET Image, CT Image and Segmentation storage classes of DICOM part 3. C++ stops at this file. */
#include "datasets/simulate/dicom_write.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace
{

const char *const sop_class[DICOM_KINDS] = {"1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.2",
                                            "1.2.840.10008.5.1.4.1.1.66.4"};
const char *const modality[DICOM_KINDS] = {"PT", "CT", "SEG"};
const char *const description[DICOM_KINDS] = {"SIMULATED FDG-PET", "SIMULATED CT", "SIMULATED lesions"};

/* Attributes of one item; throws at the first that cannot be written. */
class Writer
{
  public:
    explicit Writer(DcmItem *to) : item(to)
    {
    }
    void text(const DcmTagKey &tag, const char *value)
    {
        note(item->putAndInsertString(tag, value));
    }
    void real(const DcmTagKey &tag, double value)
    {
        reals(tag, &value, 1);
    }
    void reals(const DcmTagKey &tag, const double *value, size_t count)
    {
        std::string joined;
        for (size_t i = 0; i < count; i++) { /* DS holds 16 characters */
            char one[40];
            for (int digits = 15; digits > 4; digits--)
                if (snprintf(one, sizeof one, "%.*g", digits, value[i]) <= 16)
                    break;
            joined += i == 0 ? one : std::string("\\") + one;
        }
        text(tag, joined.c_str());
    }
    void whole(const DcmTagKey &tag, long value)
    {
        text(tag, std::to_string(value).c_str());
    }
    void word(const DcmTagKey &tag, long value)
    {
        note(item->putAndInsertUint16(tag, static_cast<Uint16>(value)));
    }
    void time(const DcmTagKey &tag, double s)
    {
        char hms[16];
        int const all = static_cast<int>(s);
        snprintf(hms, sizeof hms, "%02d%02d%02d", all / 3600 % 24, all / 60 % 60, all % 60);
        text(tag, hms);
    }
    void code(const DcmTagKey &sequence, const char *value, const char *scheme, const char *meaning)
    {
        Writer w = within(sequence);
        w.text(DCM_CodeValue, value);
        w.text(DCM_CodingSchemeDesignator, scheme);
        w.text(DCM_CodeMeaning, meaning);
    }
    Writer within(const DcmTagKey &sequence, long which = 0)
    {
        DcmItem *made = nullptr;
        note(item->findOrCreateSequenceItem(sequence, made, which));
        if (made == nullptr)
            throw std::runtime_error("no item in a sequence");
        return Writer(made);
    }
    void note(const OFCondition &c)
    {
        if (c.bad())
            throw std::runtime_error(c.text());
    }
    DcmItem *item;
};

void write_who(Writer &w, const struct dicom_facts *f, const char *uid)
{
    w.text(DCM_SOPClassUID, sop_class[f->kind]);
    w.text(DCM_SOPInstanceUID, uid);
    w.text(DCM_StudyInstanceUID, f->study_uid);
    w.text(DCM_SeriesInstanceUID, f->series_uid);
    w.text(DCM_FrameOfReferenceUID, f->frame_uid);
    w.text(DCM_PositionReferenceIndicator, "");
    w.text(DCM_Modality, modality[f->kind]);
    w.text(DCM_Manufacturer, "SIMULATED");
    w.text(DCM_ManufacturerModelName, "petrel-simulate");
    w.text(DCM_DeviceSerialNumber, "SIMULATED");
    w.text(DCM_SoftwareVersions, "SIMULATED");
    w.text(DCM_SeriesDescription, description[f->kind]);
    w.text(DCM_StudyDescription, "SIMULATED: no real patient");
    w.text(DCM_ImageComments, "SIMULATED by petrel-simulate: no real patient");
    w.text(DCM_PatientName, "SIMULATED^PATIENT");
    w.text(DCM_PatientID, f->patient_id);
    w.text(DCM_PatientBirthDate, "");
    w.text(DCM_PatientSex, f->sex);
    char age[8];
    snprintf(age, sizeof age, "%03dY", static_cast<int>(f->age_y));
    w.text(DCM_PatientAge, age);
    w.real(DCM_PatientWeight, f->weight_kg);
    w.real(DCM_PatientSize, f->height_m);
    w.text(DCM_StudyID, f->study_id);
    w.text(DCM_AccessionNumber, "");
    w.text(DCM_ReferringPhysicianName, "");
    for (DcmTagKey const &date : {DCM_StudyDate, DCM_SeriesDate, DCM_ContentDate})
        w.text(date, f->day);
    for (DcmTagKey const &time : {DCM_StudyTime, DCM_SeriesTime, DCM_ContentTime})
        w.time(time, f->series_s);
    w.whole(DCM_SeriesNumber, 1 + f->kind);
    w.word(DCM_SamplesPerPixel, 1);
    w.text(DCM_PhotometricInterpretation, "MONOCHROME2");
    w.word(DCM_Rows, f->rows);
    w.word(DCM_Columns, f->columns);
    w.word(DCM_PixelRepresentation, 0);
}

/* What made the PET: everything SUV needs. */
void write_pet(Writer &w, const struct dicom_facts *f, const struct dicom_slice *s)
{
    w.text(DCM_ImageType, "ORIGINAL\\PRIMARY");
    w.text(DCM_Units, "BQML");
    w.text(DCM_DecayCorrection, "START");
    w.text(DCM_CorrectedImage, "ATTN\\DECY\\SCAT");
    w.text(DCM_SeriesType, "WHOLE BODY\\IMAGE");
    w.text(DCM_CountsSource, "EMISSION");
    w.text(DCM_RandomsCorrectionMethod, "DLYD");
    w.text(DCM_AttenuationCorrectionMethod, "SIMULATED: CT at another moment of the breath");
    w.text(DCM_ReconstructionMethod, "SIMULATED");
    w.text(DCM_CollimatorType, "NONE");
    w.text(DCM_PatientPosition, "HFS");
    w.word(DCM_NumberOfSlices, f->slices);
    w.word(DCM_ImageIndex, s->number);
    w.text(DCM_AcquisitionDate, f->day);
    w.time(DCM_AcquisitionTime, f->series_s);
    w.whole(DCM_ActualFrameDuration, 150000);
    w.real(DCM_FrameReferenceTime, 0);
    w.real(DCM_DecayFactor, 1);
    Writer tracer = w.within(DCM_RadiopharmaceuticalInformationSequence);
    tracer.text(DCM_Radiopharmaceutical, "Fluorodeoxyglucose");
    tracer.time(DCM_RadiopharmaceuticalStartTime, f->injection_s);
    tracer.real(DCM_RadionuclideTotalDose, f->dose_bq);
    tracer.real(DCM_RadionuclideHalfLife, f->half_life_s);
    tracer.real(DCM_RadionuclidePositronFraction, 0.967);
    tracer.code(DCM_RadionuclideCodeSequence, "C-111A1", "SRT", "^18^Fluorine");
    tracer.code(DCM_RadiopharmaceuticalCodeSequence, "C-B1031", "SRT", "Fluorodeoxyglucose F^18^");
}

void write_ct(Writer &w, const struct dicom_facts *f)
{
    w.text(DCM_ImageType, "ORIGINAL\\PRIMARY\\AXIAL");
    w.text(DCM_RescaleType, "HU");
    w.text(DCM_KVP, "120");
    w.text(DCM_PatientPosition, "HFS");
    w.text(DCM_AcquisitionDate, f->day);
    w.time(DCM_AcquisitionTime, f->series_s);
    w.whole(DCM_AcquisitionNumber, 1);
}

void write_segment(Writer &w, const struct dicom_facts *f, const struct dicom_mask *m)
{
    const char *const dimensions = "2.25.314159265358979"; /* of the one order of frames there is here */
    w.text(DCM_ImageType, "DERIVED\\PRIMARY");
    w.text(DCM_ContentLabel, "SIMULATED");
    w.text(DCM_ContentDescription, "SIMULATED lesions: the truth");
    w.text(DCM_ContentCreatorName, "SIMULATED");
    w.whole(DCM_InstanceNumber, 1);
    w.text(DCM_SegmentationType, "BINARY");
    w.text(DCM_LossyImageCompression, "00");
    w.whole(DCM_NumberOfFrames, static_cast<long>(m->count));
    w.word(DCM_BitsAllocated, 1);
    w.word(DCM_BitsStored, 1);
    w.word(DCM_HighBit, 0);
    Writer organisation = w.within(DCM_DimensionOrganizationSequence);
    organisation.text(DCM_DimensionOrganizationUID, dimensions);
    Writer index = w.within(DCM_DimensionIndexSequence);
    index.text(DCM_DimensionOrganizationUID, dimensions);
    index.note(index.item->putAndInsertTagKey(DCM_DimensionIndexPointer, DCM_ImagePositionPatient));
    index.note(index.item->putAndInsertTagKey(DCM_FunctionalGroupPointer, DCM_PlanePositionSequence));
    Writer segment = w.within(DCM_SegmentSequence);
    segment.word(DCM_SegmentNumber, 1);
    segment.text(DCM_SegmentLabel, "SIMULATED lesion");
    segment.text(DCM_SegmentAlgorithmType, "AUTOMATIC");
    segment.text(DCM_SegmentAlgorithmName, "petrel-simulate");
    segment.code(DCM_SegmentedPropertyCategoryCodeSequence, "49755003", "SCT", "Morphologically Altered Structure");
    segment.code(DCM_SegmentedPropertyTypeCodeSequence, "108369006", "SCT", "Neoplasm");
    Writer shared = w.within(DCM_SharedFunctionalGroupsSequence), measures = shared.within(DCM_PixelMeasuresSequence);
    measures.real(DCM_SliceThickness, f->spacing_mm[0]);
    measures.real(DCM_SpacingBetweenSlices, f->spacing_mm[0]);
    measures.reals(DCM_PixelSpacing, f->spacing_mm + 1, 2);
    shared.within(DCM_PlaneOrientationSequence).reals(DCM_ImageOrientationPatient, f->orientation, 6);
    Writer series = w.within(DCM_ReferencedSeriesSequence);
    series.text(DCM_SeriesInstanceUID, m->of_series_uid);
    for (size_t i = 0; i < m->count; i++) {
        long const at = static_cast<long>(i);
        Writer image = series.within(DCM_ReferencedInstanceSequence, at);
        image.text(DCM_ReferencedSOPClassUID, sop_class[DICOM_PET]);
        image.text(DCM_ReferencedSOPInstanceUID, m->frame[i].uid);
        Writer frame = w.within(DCM_PerFrameFunctionalGroupsSequence, at);
        Uint32 const place = static_cast<Uint32>(i + 1);
        Writer content = frame.within(DCM_FrameContentSequence);
        content.note(content.item->putAndInsertUint32Array(DCM_DimensionIndexValues, &place, 1));
        frame.within(DCM_PlanePositionSequence).reals(DCM_ImagePositionPatient, m->frame[i].position_mm, 3);
        frame.within(DCM_SegmentIdentificationSequence).word(DCM_ReferencedSegmentNumber, 1);
    }
}

template <class Fill> int save(const char *path, struct error *e, Fill fill)
{
    try {
        static bool started = false;
        if (!started) {
            started = true;
            OFLog::configure(OFLogger::OFF_LOG_LEVEL);
            if (!dcmDataDict.isDictionaryLoaded())
                die(EX_UNAVAILABLE, "DCMTK has no data dictionary: set DCMDICTPATH to its dicom.dic");
        }
        DcmFileFormat file;
        Writer w(file.getDataset());
        fill(w);
        OFCondition const saved = file.saveFile(path, EXS_LittleEndianExplicit);
        if (saved.bad())
            return fail_as(e, EX_CANTCREAT, "cannot write '%s': %s", path, saved.text());
        return 0;
    } catch (const std::exception &thrown) {
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': %s", path, thrown.what());
    }
}

} // namespace

extern "C" int dicom_write_slice(const char *path, const struct dicom_facts *f, const struct dicom_slice *s,
                                 struct error *e)
{
    return save(path, e, [&](Writer &w) {
        write_who(w, f, s->uid);
        if (f->kind == DICOM_PET)
            write_pet(w, f, s);
        else
            write_ct(w, f);
        w.whole(DCM_InstanceNumber, s->number);
        w.reals(DCM_ImagePositionPatient, s->position_mm, 3);
        w.reals(DCM_ImageOrientationPatient, f->orientation, 6);
        w.reals(DCM_PixelSpacing, f->spacing_mm + 1, 2);
        w.real(DCM_SliceThickness, f->spacing_mm[0]);
        w.real(DCM_SliceLocation, s->position_mm[2]);
        w.real(DCM_RescaleSlope, s->slope);
        w.real(DCM_RescaleIntercept, s->intercept);
        w.word(DCM_BitsAllocated, 16);
        w.word(DCM_BitsStored, 16);
        w.word(DCM_HighBit, 15);
        w.note(w.item->putAndInsertUint16Array(DCM_PixelData, s->stored,
                                               static_cast<unsigned long>(f->rows * f->columns)));
    });
}

extern "C" int dicom_write_mask(const char *path, const struct dicom_facts *f, const struct dicom_mask *m,
                                struct error *e)
{
    return save(path, e, [&](Writer &w) {
        write_who(w, f, m->uid);
        write_segment(w, f, m);
        size_t const bytes = (m->count * static_cast<size_t>(f->rows * f->columns) + 7) / 8;
        w.note(w.item->putAndInsertUint8Array(DCM_PixelData, m->bits, static_cast<unsigned long>(bytes)));
    });
}
