/* SPDX-License-Identifier: Apache-2.0 */
/* dicom -- one DICOM file as a plain struct: the only door to DCMTK.   find, series, rtstruct -> [dicom]
 *
 * C++ stops at this file: nothing is thrown past the extern "C" functions, and DCMTK's own logging is off, because
 * what it has to say comes back as a sentence. */
#include "common/timestamp.h"
#include "stages/load/dicom_inside.h"
#include "stages/load/dicom_stream.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace
{

/* An element whose type neither the file (UN, implicit) nor the dictionary tells: its bytes as text. Asked for a text itself,
 * DCMTK gives such bytes in hexadecimal. */
bool unknown_text(DcmElement *element, char *to, size_t size)
{
    Uint8 *bytes = nullptr;
    if ((element->ident() != EVR_UN && element->ident() != EVR_UNKNOWN && element->ident() != EVR_UNKNOWN2B) ||
        element->getUint8Array(bytes).bad() || bytes == nullptr)
        return false;
    size_t const count = element->getLength(), length = count < size ? count : size - 1;
    memcpy(to, bytes, length);
    to[length] = '\0';
    return true;
}

} // namespace

void dicom_start_once()
{
    static bool started = false;
    if (started)
        return;
    started = true;
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEDecoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    if (!dcmDataDict.isDictionaryLoaded())
        die(EX_UNAVAILABLE, "DCMTK has no data dictionary: set DCMDICTPATH to its dicom.dic");
}

namespace
{

/* to[0] is 0 before. */
void text_of(DcmElement *element, char *to, size_t size)
{
    OFString text;
    char bytes[257];
    if (unknown_text(element, bytes, sizeof bytes))
        text = bytes;
    else if (element->getOFStringArray(text).bad())
        return;
    size_t first = text.find_first_not_of(' ');
    size_t last = text.find_last_not_of(OFString(" \0", 2));
    if (first == OFString_npos || last == OFString_npos || last < first)
        return;
    text = text.substr(first, last - first + 1);
    strncpy(to, text.c_str(), size - 1);
    to[size - 1] = '\0';
}

/* The which-th number of an element; NAN: none is there, or (unread) what is there is none. */
double real_of(DcmElement *element, unsigned long which, bool *unread = nullptr)
{
    OFString text;
    Float64 value = NAN;
    Uint16 whole = 0;
    char bytes[65];
    if (element->getUint16(whole, which).good())
        return whole;
    bool const words = element->isaString(); /* of which DCMTK reads as much as it can, and forgets the rest */
    if (!words && element->getFloat64(value, which).good())
        return value;
    if (unknown_text(element, bytes, sizeof bytes))
        text = bytes;
    else if (element->getOFString(text, which).bad())
        return NAN;
    size_t const last = text.find_last_not_of(OFString(" \0", 2));
    if (last == OFString_npos)
        return NAN;
    double const number = number_read(text.substr(0, last + 1).c_str(), nullptr);
    if (unread != nullptr)
        *unread = std::isnan(number);
    return number;
}

} // namespace

void dicom_text_of(DcmItem *item, const DcmTagKey &tag, char *to, size_t size)
{
    DcmElement *element = nullptr;
    to[0] = '\0';
    if (item->findAndGetElement(tag, element).good())
        text_of(element, to, size);
}

double dicom_real_of(DcmItem *item, const DcmTagKey &tag, unsigned long which)
{
    DcmElement *element = nullptr;
    return item->findAndGetElement(tag, element).good() ? real_of(element, which) : NAN;
}

namespace
{

/* The tables: where each attribute goes. `injected` attributes lie in the first item of
 * RadiopharmaceuticalInformationSequence (0054,0016). */
struct text_row {
    DcmTagKey tag;
    size_t offset, size;
    bool injected;
};
struct real_row {
    DcmTagKey tag;
    size_t offset;
    unsigned long count;
    bool injected;
};
#define TEXT(group, element, field, injected)                                                                          \
    {                                                                                                                  \
        DcmTagKey(group, element), offsetof(struct dicom_image, field), sizeof(dicom_image::field), injected           \
    }
#define REAL(group, element, field, injected)                                                                          \
    {                                                                                                                  \
        DcmTagKey(group, element), offsetof(struct dicom_image, field), sizeof(dicom_image::field) / sizeof(double),   \
            injected                                                                                                   \
    }

const text_row texts[] = {
    TEXT(0x0008, 0x0016, sop_class, false),
    TEXT(0x0008, 0x0060, modality, false),
    TEXT(0x0020, 0x000d, study_uid, false),
    TEXT(0x0020, 0x000e, series_uid, false),
    TEXT(0x0020, 0x0052, frame_uid, false),
    TEXT(0x0010, 0x0020, patient_id, false),
    TEXT(0x0010, 0x0040, sex, false),
    TEXT(0x0010, 0x1010, age, false),
    TEXT(0x0008, 0x0070, vendor, false),
    TEXT(0x0008, 0x1090, model, false),
    TEXT(0x0018, 0x0031, tracer, true),
    TEXT(0x0054, 0x1001, units, false),
    TEXT(0x0054, 0x1006, suv_type, false),
    TEXT(0x0054, 0x1102, decay_correction, false),
    TEXT(0x0028, 0x0051, corrected, false),
    TEXT(0x0008, 0x0020, study_date, false),
    TEXT(0x0008, 0x0021, series_date, false),
    TEXT(0x0008, 0x0031, series_time, false),
    TEXT(0x0008, 0x0022, acquisition_date, false),
    TEXT(0x0008, 0x0032, acquisition_time, false),
    TEXT(0x0018, 0x1072, injection_time, true),
    TEXT(0x0018, 0x1078, injection_datetime, true),
    TEXT(0x0054, 0x1101, attenuation, false),
    TEXT(0x0008, 0x002a, acquisition_datetime, false),
    TEXT(0x0008, 0x0201, zone, false),
    TEXT(0x0018, 0x9701, corrected_to, false),
};
const real_row reals[] = {
    REAL(0x0010, 0x1030, weight_kg, false),
    REAL(0x0010, 0x1020, height_m, false),
    REAL(0x0018, 0x1074, dose_bq, true),
    REAL(0x0018, 0x1075, half_life_s, true),
    REAL(0x0054, 0x1300, frame_reference_ms, false),
    REAL(0x0018, 0x1242, frame_duration_ms, false),
    REAL(0x0020, 0x0032, position_mm, false),
    REAL(0x0020, 0x0037, orientation, false),
    REAL(0x0028, 0x0030, pixel_spacing_mm, false),
    REAL(0x0018, 0x0050, slice_thickness_mm, false),
    REAL(0x0028, 0x1053, slope, false),
    REAL(0x0028, 0x1052, intercept, false),
    REAL(0x0028, 0x0010, rows, false),
    REAL(0x0028, 0x0011, columns, false),
    REAL(0x0028, 0x0008, frames, false),
    REAL(0x0028, 0x0002, samples, false),
    REAL(0x0028, 0x0100, bits_allocated, false),
    REAL(0x0028, 0x0101, bits_stored, false),
    REAL(0x0028, 0x0102, high_bit, false),
    REAL(0x0028, 0x0103, is_signed, false),
};

/* Vendors' own: an element's number means something in the block that its creator has reserved, and nowhere else. Where no creator is
 * named at all (de-identified files lose it), block 10 of that vendor's scanner is taken to be his. */
const struct private_row {
    Uint16 group;
    uint8_t element; /* within the block */
    const char *creator, *vendor;
    size_t offset, size; /* size 0: a number */
} privates[] = {
    {0x0009, 0x0d, "GEMS_PETD_01", "GE", offsetof(struct dicom_image, ge_scan_start), sizeof(dicom_image::ge_scan_start)},
    {0x0071, 0x22, "SIEMENS MED PT", "SIEMENS", offsetof(struct dicom_image, siemens_scan_start),
     sizeof(dicom_image::siemens_scan_start)},
    {0x7053, 0x00, "Philips PET Private Group", "Philips", offsetof(struct dicom_image, philips_suv), 0},
    {0x7053, 0x09, "Philips PET Private Group", "Philips", offsetof(struct dicom_image, philips_bqml), 0},
};

/* DICOM files begin with 128 bytes of anything and "DICM"; older ones go by their name. */
bool looks_like_dicom(FileStream &from, const char *path)
{
    char start[132];
    if (from.status().bad())
        return false;
    from.mark();
    bool const magic = from.read(start, sizeof start) == sizeof start && memcmp(start + 128, "DICM", 4) == 0;
    from.putback();
    if (magic)
        return true;
    size_t length = strlen(path);
    return length > 4 && (strcmp(path + length - 4, ".dcm") == 0 || strcmp(path + length - 4, ".ima") == 0 ||
                          strcmp(path + length - 4, ".IMA") == 0);
}

int probe(const char *path, struct dicom_probe *p, struct error *e)
{
    FileStream from(path);
    DcmFileFormat file;
    if (!looks_like_dicom(from, path))
        return 1;
    char type[257];
    /* tags come in ascending order, so what lies past FrameOfReferenceUID need not be looked at */
    if (dicom_load(from, file, e, DcmTagKey(0x0020, 0x0053)) < 0)
        return -1;
    dicom_text_of(file.getDataset(), DCM_Modality, p->modality, sizeof p->modality);
    dicom_text_of(file.getDataset(), DCM_SeriesInstanceUID, p->series_uid, sizeof p->series_uid);
    dicom_text_of(file.getDataset(), DCM_StudyInstanceUID, p->study_uid, sizeof p->study_uid);
    dicom_text_of(file.getDataset(), DCM_FrameOfReferenceUID, p->frame_uid, sizeof p->frame_uid);
    dicom_text_of(file.getDataset(), DCM_ImageType, type, sizeof type);
    p->localiser = strstr(type, "LOCALIZER") != nullptr;
    return 0;
}

void unread_note(struct dicom_image *image, DcmElement *element)
{
    char text[41] = "", one[128];
    size_t const used = strlen(image->unread);
    DcmTag tag(element->getTag());
    text_of(element, text, sizeof text);
    snprintf(one, sizeof one, "%s(%04X,%04X) %.50s '%s'", used != 0 ? "; " : "", tag.getGroup(), tag.getElement(),
             tag.getTagName(), text);
    if (used + strlen(one) < sizeof image->unread)
        strcpy(image->unread + used, one);
}

/* Elements of one vendor's group: which block a creator has reserved, and what lies in it. creator: of the block before, "" where none. */
void private_read(DcmElement *element, const DcmTagKey &tag, char creator[0x100][26], struct dicom_image *image)
{
    unsigned const block = tag.getElement() >> 8;
    if (block == 0) {
        if (tag.getElement() >= 0x10)
            text_of(element, creator[tag.getElement()], 26);
        return;
    }
    for (const private_row &row : privates) {
        bool const own = block < 0x100 && strcmp(creator[block], row.creator) == 0;
        bool const nobodys = block == 0x10 && creator[block][0] == '\0' &&
                             strncasecmp(image->vendor, row.vendor, strlen(row.vendor)) == 0;
        if (row.group != tag.getGroup() || row.element != (tag.getElement() & 0xff) || !(own || nobodys))
            continue;
        char *to = reinterpret_cast<char *>(image) + row.offset;
        if (row.size != 0)
            text_of(element, to, row.size);
        else
            *reinterpret_cast<double *>(to) = real_of(element, 0);
    }
}

/* The rows of the tables that an item has: one walk through it, where asking for tag after tag would be as many. */
void rows_read(DcmItem *item, bool injected, struct dicom_image *image)
{
    char *const base = reinterpret_cast<char *>(image);
    char creator[0x100][26] = {};
    Uint16 group = 0;
    for (DcmObject *object = item->nextInContainer(nullptr); object != nullptr; object = item->nextInContainer(object)) {
        DcmElement *const element = static_cast<DcmElement *>(object);
        DcmTagKey const tag = element->getTag();
        if ((tag.getGroup() & 1) != 0) {
            if (tag.getGroup() != group &&
                (tag.getGroup() == 0x0009 || tag.getGroup() == 0x0071 || tag.getGroup() == 0x7053))
                memset(creator, 0, sizeof creator);
            group = tag.getGroup();
            if (!injected && (group == 0x0009 || group == 0x0071 || group == 0x7053))
                private_read(element, tag, creator, image);
            continue;
        }
        for (const text_row &row : texts)
            if (row.injected == injected && row.tag == tag)
                text_of(element, base + row.offset, row.size);
        for (const real_row &row : reals)
            if (row.injected == injected && row.tag == tag)
                for (unsigned long i = 0; i < row.count; i++) {
                    bool unread = false;
                    reinterpret_cast<double *>(base + row.offset)[i] = real_of(element, i, &unread);
                    if (unread && i == 0)
                        unread_note(image, element);
                }
    }
}

/* What was injected: the first item of RadiopharmaceuticalInformationSequence (0054,0016), and how many there are. */
void injection_read(DcmItem *set, struct dicom_image *image)
{
    DcmSequenceOfItems *items = nullptr;
    DcmItem *injected = nullptr, *nuclide = nullptr;
    if (set->findAndGetSequence(DcmTagKey(0x0054, 0x0016), items).bad() || items == nullptr)
        return;
    image->injections = static_cast<double>(items->card());
    if (items->card() == 0 || (injected = items->getItem(0)) == nullptr)
        return;
    rows_read(injected, true, image);
    if (injected->findAndGetSequenceItem(DCM_RadionuclideCodeSequence, nuclide, 0).bad() || nuclide == nullptr)
        return;
    dicom_text_of(nuclide, DCM_CodeValue, image->nuclide_code, sizeof image->nuclide_code);
    dicom_text_of(nuclide, DCM_CodeMeaning, image->nuclide_meaning, sizeof image->nuclide_meaning);
}

int read_image(const char *path, struct dicom_image *image, struct error *e)
{
    FileStream from(path);
    DcmFileFormat file;
    if (dicom_load(from, file, e) < 0)
        return -1;
    char *base = reinterpret_cast<char *>(image);
    for (const real_row &row : reals)
        std::fill_n(reinterpret_cast<double *>(base + row.offset), row.count, static_cast<double>(NAN));
    image->philips_suv = image->philips_bqml = static_cast<double>(NAN);
    rows_read(file.getDataset(), false, image);
    injection_read(file.getDataset(), image);
    image->pixels = dicom_pixels_take(file.getDataset(), from, image);
    return 0;
}

int read_contour(DcmItem *item, const char *path, struct dicom_roi *roi, struct error *e)
{
    char type[33];
    dicom_text_of(item, DCM_ContourGeometricType, type, sizeof type);
    if (strcmp(type, "CLOSED_PLANAR") != 0)
        return 0;
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
    if (count < 9)
        return 0;
    struct dicom_contour *contour = &roi->contour[roi->contour_count];
    contour->point_mm = static_cast<double *>(try_alloc(e, count, sizeof(double)));
    if (contour->point_mm == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    roi->contour_count++;
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

/* The series and frame of reference the contours were drawn on. */
void read_referenced(DcmDataset *set, struct dicom_structures *s)
{
    DcmItem *frame = nullptr, *study = nullptr, *series = nullptr;
    if (set->findAndGetSequenceItem(DCM_ReferencedFrameOfReferenceSequence, frame, 0).bad() || frame == nullptr)
        return;
    dicom_text_of(frame, DCM_FrameOfReferenceUID, s->frame_uid, sizeof s->frame_uid);
    if (frame->findAndGetSequenceItem(DCM_RTReferencedStudySequence, study, 0).bad() || study == nullptr)
        return;
    if (study->findAndGetSequenceItem(DCM_RTReferencedSeriesSequence, series, 0).bad() || series == nullptr)
        return;
    dicom_text_of(series, DCM_SeriesInstanceUID, s->series_uid, sizeof s->series_uid);
}

int read_structures(const char *path, struct dicom_structures *s, struct error *e)
{
    DcmFileFormat file;
    FileStream from(path);
    if (dicom_load(from, file, e) < 0)
        return -1;
    DcmDataset *set = file.getDataset();
    read_referenced(set, s);
    DcmSequenceOfItems *names = nullptr, *drawn = nullptr;
    if (set->findAndGetSequence(DCM_StructureSetROISequence, names).bad() || names == nullptr || names->card() == 0)
        return fail(e, "cannot open '%s': (3006,0020) StructureSetROISequence is missing: no ROI is named", path);
    if (set->findAndGetSequence(DCM_ROIContourSequence, drawn).bad() || drawn == nullptr)
        return fail(e, "cannot open '%s': (3006,0039) ROIContourSequence is missing: no ROI is drawn", path);
    s->roi = static_cast<struct dicom_roi *>(try_alloc(e, names->card(), sizeof *s->roi));
    if (s->roi == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    for (unsigned long i = 0; i < names->card(); i++) {
        struct dicom_roi *roi = &s->roi[s->roi_count++];
        char number[17], refers[17];
        dicom_text_of(names->getItem(i), DCM_ROINumber, number, sizeof number);
        dicom_text_of(names->getItem(i), DCM_ROIName, roi->name, sizeof roi->name);
        for (unsigned long j = 0; j < drawn->card(); j++) {
            DcmSequenceOfItems *contours = nullptr;
            dicom_text_of(drawn->getItem(j), DCM_ReferencedROINumber, refers, sizeof refers);
            if (strcmp(number, refers) != 0 || roi->contour != nullptr)
                continue;
            if (drawn->getItem(j)->findAndGetSequence(DCM_ContourSequence, contours).bad() || contours == nullptr ||
                contours->card() == 0)
                continue;
            roi->contour = static_cast<struct dicom_contour *>(try_alloc(e, contours->card(), sizeof *roi->contour));
            if (roi->contour == nullptr)
                return fail_in(e, "cannot open '%s'", path);
            for (unsigned long k = 0; k < contours->card(); k++)
                if (read_contour(contours->getItem(k), path, roi, e) < 0)
                    return -1;
        }
    }
    return 0;
}

} // namespace

extern "C" int dicom_probe(const char *path, struct dicom_probe *p, struct error *e)
{
    memset(p, 0, sizeof *p);
    return dicom_guarded(path, e, [&] { return probe(path, p, e); });
}

extern "C" int dicom_read_image(const char *path, struct dicom_image *image, struct error *e)
{
    memset(image, 0, sizeof *image);
    return dicom_guarded(path, e, [&] { return read_image(path, image, e); });
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
    memset(s, 0, sizeof *s);
}
