/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_common -- what every object has: whose it is, who made it, its UIDs, its dates; codes.   dicom_source -> [dicom_common] -> _seg, _sr, _rtstruct */
#include "proto/organ.h"
#include "stages/export/dicom_inside.h"

#include <dcmtk/dcmdata/dcostrma.h>
#include <dcmtk/dcmdata/dcwcache.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

/* Categories are of DICOM CID 7150, types of CID 7151 and 3116; organs of CID 7151 and 4031. A region that was not called a tumour is said to
 * be normal uptake, or its organ, where a map says which. */
const dicom_code CODE_MORPHOLOGY = {"49755003", "SCT", "Morphologically Abnormal Structure"};
const dicom_code CODE_FUNCTION = {"246464006", "SCT", "Function"};
const dicom_code CODE_ANATOMY = {"91723000", "SCT", "Anatomical Structure"};
const dicom_code CODE_NEOPLASM = {"108369006", "SCT", "Neoplasm"};
const dicom_code CODE_UPTAKE = {"428552000", "SCT", "Normal extracardiac tracer uptake"};

const dicom_code *organ_code(int organ)
{
    static const struct {
        int organ;
        dicom_code code;
    } organs[] = {
        {ORGAN_LABEL_SPLEEN, {"78961009", "SCT", "Spleen"}},    {ORGAN_LABEL_KIDNEYS, {"64033007", "SCT", "Kidney"}},
        {ORGAN_LABEL_LIVER, {"10200004", "SCT", "Liver"}},      {ORGAN_LABEL_BLADDER, {"89837001", "SCT", "Bladder"}},
        {ORGAN_LABEL_LUNGS, {"39607008", "SCT", "Lung"}},       {ORGAN_LABEL_BRAIN, {"12738006", "SCT", "Brain"}},
        {ORGAN_LABEL_HEART, {"80891009", "SCT", "Heart"}},      {ORGAN_LABEL_STOMACH, {"69695003", "SCT", "Stomach"}},
        {ORGAN_LABEL_PROSTATE, {"41216001", "SCT", "Prostate"}}};
    for (auto const &row : organs)
        if (row.organ == organ)
            return &row.code;
    return nullptr;
}

const dicom_code &property_category(const finding &g)
{
    return g.tumour ? CODE_MORPHOLOGY : organ_code(g.organ) != nullptr ? CODE_ANATOMY : CODE_FUNCTION;
}

const dicom_code &property_type(const finding &g)
{
    const dicom_code *const organ = organ_code(g.organ);
    return g.tumour ? CODE_NEOPLASM : organ != nullptr ? *organ : CODE_UPTAKE;
}

void dcmtk_start_once()
{
    static bool started = false;
    if (started)
        return;
    started = true;
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    if (!dcmDataDict.isDictionaryLoaded())
        die(EX_UNAVAILABLE, "DCMTK has no data dictionary: set DCMDICTPATH to its dicom.dic");
}

/* ---- values ---- */

std::string decimal(double value)
{
    char text[40];
    for (int digits = 15; digits > 4; digits--)
        if (snprintf(text, sizeof text, "%.*g", digits, value + 0.0) <= 16)
            break;
    return text;
}

void ItemWriter::reals(const DcmTagKey &tag, const double *value, size_t count)
{
    std::string joined;
    for (size_t i = 0; i < count; i++)
        joined += (i > 0 ? "\\" : "") + decimal(value[i]);
    text(tag, joined);
}

void ItemWriter::code(const DcmTagKey &sequence, const dicom_code &c)
{
    ItemWriter w = within(sequence);
    w.text(DCM_CodeValue, c.value);
    w.text(DCM_CodingSchemeDesignator, c.scheme);
    w.text(DCM_CodeMeaning, c.meaning);
}

ItemWriter ItemWriter::within(const DcmTagKey &sequence, long which)
{
    DcmItem *made = nullptr;
    must(item->findOrCreateSequenceItem(sequence, made, which));
    if (made == nullptr)
        throw std::runtime_error("no item in a sequence");
    return ItemWriter(made);
}

/* ---- UIDs ---- */

extern "C" void dicom_uid(const struct dicom_object *o, enum object_kind kind, const char *what, char uid[UID_SIZE])
{
    const struct findings *f = o->findings;
    std::string name = std::string(what) + "|" + std::to_string(kind) + "|" + std::to_string(o->tumours_only) + "|" +
                       o->series->series_uid + "|" + f->label_sha256 + "|" + f->model_sha256 + "|" + f->settings + "|" +
                       f->version + "|" + std::to_string(f->threshold);
    for (size_t i = 0; i < o->series->plane_count; i++)
        name += std::string("|") + o->series->plane[i].sop_instance;
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *g = &f->finding[i];
        name += "|" + std::to_string(g->number) + " " + std::to_string(g->tumour) + " " + decimal(g->probability) +
                " " + decimal(g->suv_max) + " " + decimal(g->suv_mean) + " " + decimal(g->suv_peak) + " " +
                decimal(g->ml) + " " + g->tracking_uid;
    }
    uid_derive(name.c_str(), uid);
}

/* ---- identity ---- */

namespace
{

/* Patient, clinical trial, patient study and general study modules (PS3.3 C.7.1, C.7.2), the character set and time zone all of these are
 * in. Those of type 2 are there in every object, if empty. */
const struct {
    DcmTagKey tag;
    bool always;
} identity[] = {{DCM_SpecificCharacterSet, false},
                {DCM_TimezoneOffsetFromUTC, false},
                {DCM_StudyDate, true},
                {DCM_StudyTime, true},
                {DCM_AccessionNumber, true},
                {DCM_IssuerOfAccessionNumberSequence, false},
                {DCM_ReferringPhysicianName, true},
                {DCM_StudyDescription, false},
                {DCM_ProcedureCodeSequence, false},
                {DCM_PatientName, true},
                {DCM_PatientID, true},
                {DCM_IssuerOfPatientID, false},
                {DCM_IssuerOfPatientIDQualifiersSequence, false},
                {DCM_TypeOfPatientID, false},
                {DCM_PatientBirthDate, true},
                {DCM_PatientBirthTime, false},
                {DCM_PatientSex, true},
                {DCM_OtherPatientIDsSequence, false},
                {DCM_PatientAge, false},
                {DCM_PatientSize, false},
                {DCM_PatientWeight, false},
                {DCM_EthnicGroup, false},
                {DCM_PatientIdentityRemoved, false},
                {DCM_DeidentificationMethod, false},
                {DCM_DeidentificationMethodCodeSequence, false},
                {DCM_ClinicalTrialSponsorName, false},
                {DCM_ClinicalTrialProtocolID, false},
                {DCM_ClinicalTrialProtocolName, false},
                {DCM_ClinicalTrialSiteID, false},
                {DCM_ClinicalTrialSiteName, false},
                {DCM_ClinicalTrialSubjectID, false},
                {DCM_ClinicalTrialSubjectReadingID, false},
                {DCM_ClinicalTrialTimePointID, false},
                {DCM_ClinicalTrialTimePointDescription, false},
                {DCM_StudyInstanceUID, true},
                {DCM_StudyID, true},
                {DCM_LongitudinalTemporalInformationModified, false}};

void identity_copy(DcmItem *from, DcmItem *to)
{
    for (auto const &row : identity) {
        DcmElement *element = nullptr;
        delete to->remove(row.tag);
        if (from->findAndGetElement(row.tag, element, OFFalse, OFTrue).good() && element != nullptr)
            must(to->insert(element, OFTrue));
        else if (row.always)
            must(to->insertEmptyElement(row.tag));
    }
}

/* The first of these the series says. */
std::string said(DcmItem *from, std::initializer_list<DcmTagKey> tags, const char *otherwise)
{
    for (auto const &tag : tags) {
        OFString value;
        if (from->findAndGetOFString(tag, value).good() && !value.empty())
            return value.c_str();
    }
    return otherwise;
}

const char *const series_number[OBJECT_KINDS] = {"9001", "9002", "9003", "9004"};

} // namespace

void identity_write(DcmItem *to, const dicom_object *o, object_kind kind, const char *modality, const char *description)
{
    DcmItem *const from = static_cast<DcmFileFormat *>(o->series->header)->getDataset();
    char uid[UID_SIZE];
    ItemWriter w(to);
    identity_copy(from, to);
    dicom_uid(o, kind, "object", uid);
    w.text(DCM_SOPInstanceUID, uid);
    dicom_uid(o, kind, "series", uid);
    w.text(DCM_SeriesInstanceUID, uid);
    w.text(DCM_SeriesNumber, series_number[kind]);
    w.text(DCM_InstanceNumber, "1");
    w.text(DCM_Modality, modality);
    w.text(DCM_SeriesDescription, description);
    w.text(DCM_Manufacturer, "Petrel");
    w.text(DCM_ManufacturerModelName, "petrel-classify");
    w.text(DCM_SoftwareVersions, o->findings->version);
    w.text(DCM_DeviceSerialNumber, *o->findings->model_sha256 ? std::string(o->findings->model_sha256, 16) : "0");
    std::string const date =
        said(from, {DCM_ContentDate, DCM_SeriesDate, DCM_AcquisitionDate, DCM_StudyDate}, "19000101");
    std::string const time = said(from, {DCM_ContentTime, DCM_SeriesTime, DCM_AcquisitionTime, DCM_StudyTime}, "000000");
    w.text(DCM_SeriesDate, said(from, {DCM_SeriesDate, DCM_StudyDate}, date.c_str()));
    w.text(DCM_SeriesTime, said(from, {DCM_SeriesTime, DCM_StudyTime}, time.c_str()));
    w.text(DCM_InstanceCreationDate, date);
    w.text(DCM_InstanceCreationTime, time);
    delete to->remove(DCM_InstanceCreatorUID);
    if (kind != OBJECT_STRUCTURES) {
        w.text(DCM_ContentDate, date);
        w.text(DCM_ContentTime, time);
    } else {
        w.text(DCM_StructureSetDate, date);
        w.text(DCM_StructureSetTime, time);
    }
    if (kind != OBJECT_REPORT) {
        if (*o->series->frame_uid)
            snprintf(uid, sizeof uid, "%s", o->series->frame_uid);
        else
            uid_derive((std::string("frame of reference|") + o->series->series_uid).c_str(), uid);
        w.text(DCM_FrameOfReferenceUID, uid);
        w.text(DCM_PositionReferenceIndicator, said(from, {DCM_PositionReferenceIndicator}, ""));
    }
}

namespace
{

/* DCMTK's own stream to a file passes over a write that fails, and says that all is well: its bytes are gathered, and written by us. */
class Gathered final : public DcmConsumer
{
  public:
    OFBool good() const override
    {
        return OFTrue;
    }
    OFCondition status() const override
    {
        return EC_Normal;
    }
    OFBool isFlushed() const override
    {
        return OFTrue;
    }
    offile_off_t avail() const override
    {
        return INT32_MAX;
    }
    offile_off_t write(const void *some, offile_off_t size) override
    {
        auto const *const at = static_cast<const uint8_t *>(some);
        bytes.insert(bytes.end(), at, at + size);
        return size;
    }
    void flush() override
    {
    }
    std::vector<uint8_t> bytes;
};
class GatheredStream final : public DcmOutputStream
{
  public:
    explicit GatheredStream(DcmConsumer *to) : DcmOutputStream(to)
    {
    }
};

} // namespace

int object_publish(DcmFileFormat &file, const char *path, struct error *e)
{
    Gathered all;
    GatheredStream to(&all);
    DcmWriteCache cache;
    file.transferInit();
    OFCondition const made = file.write(to, EXS_LittleEndianExplicit, EET_UndefinedLength, &cache, EGL_recalcGL,
                                        EPD_noChange, 0, 0, 0, EWM_fileformat);
    file.transferEnd();
    if (made.bad())
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': %s", path, made.text());
    return publish_bytes(path, all.bytes.data(), all.bytes.size(), e);
}

/* ---- where regions lie ---- */

std::vector<std::vector<size_t>> planes_of_all(const dicom_object *o)
{
    const struct findings *f = o->findings;
    size_t most = 0;
    for (size_t i = 0; i < f->count; i++)
        most = std::max<size_t>(most, static_cast<size_t>(f->finding[i].number));
    std::vector<std::vector<size_t>> planes(most + 1);
    for (size_t k = 0; k < o->series->plane_count; k++) {
        const dicom_place &at = o->place[o->plane[k]];
        for (size_t r = 0; r < o->series->rows; r++)
            for (size_t c = 0; c < o->series->columns; c++) {
                size_t const number =
                    f->label[at.first + static_cast<int64_t>(r) * at.down + static_cast<int64_t>(c) * at.along];
                if (number > 0 && number <= most && (planes[number].empty() || planes[number].back() != k))
                    planes[number].push_back(k);
            }
    }
    return planes;
}
