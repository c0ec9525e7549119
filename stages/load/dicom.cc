/* SPDX-License-Identifier: Apache-2.0 */
/* dicom -- one DICOM file as a plain struct: the only door to DCMTK.   find, series, rtstruct -> [dicom]
 *
 * C++ stops at this file: nothing is thrown past the extern "C" functions, and DCMTK's own logging is off, because
 * what it has to say comes back as a sentence. */
#include "common/timestamp.h"
#include "stages/load/charset.h"
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
#include <strings.h>

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
/* Most values are one string of plain letters: as it lies there, trimmed, without DCMTK's copies of it. NULL: it is not so. */
const char *plain_string(DcmElement *element, size_t *length)
{
    char *text = nullptr;
    Uint32 bytes = 0;
    if (element->ident() == EVR_UNKNOWN || !element->isaString() || element->getString(text, bytes).bad() ||
        text == nullptr)
        return nullptr;
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\0'))
        bytes--;
    for (; bytes > 0 && *text == ' '; text++)
        bytes--;
    for (Uint32 i = 0; i < bytes; i++)
        if (text[i] < 0x20 || text[i] >= 0x7f || text[i] == '\\')
            return nullptr;
    *length = bytes;
    return bytes > 0 ? text : nullptr;
}

void text_of(DcmElement *element, char *to, size_t size)
{
    OFString text;
    char bytes[257];
    size_t length;
    if (const char *const plain = plain_string(element, &length); plain != nullptr && length < size) {
        memcpy(to, plain, length);
        to[length] = '\0';
        return;
    }
    if (unknown_text(element, bytes, sizeof bytes))
        text = bytes;
    else if (element->getOFStringArray(text).bad())
        return;
    size_t first = text.find_first_not_of(' ');
    size_t last = text.find_last_not_of(OFString(" \0", 2));
    if (first == OFString_npos || last == OFString_npos || last < first)
        return;
    text = text.substr(first, last - first + 1);
    if (std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; }) && text.length() < size) {
        memcpy(to, text.c_str(), text.length() + 1);
        return;
    }
    OFString charset; /* of the item it stands in, or of one round that */
    for (DcmItem *item = element->getParentItem(); item != nullptr && charset.empty(); item = item->getParentItem())
        (void)item->findAndGetOFStringArray(DCM_SpecificCharacterSet, charset);
    charset_text(charset.c_str(), text.c_str(), to, size);
}

/* The which-th number of an element; NAN: none is there, or (unread) what is there is none. */
double real_of(DcmElement *element, unsigned long which, bool *unread = nullptr)
{
    OFString text;
    Float64 value = NAN;
    Uint16 whole = 0;
    char bytes[65];
    size_t length;
    if (const char *const plain = which == 0 ? plain_string(element, &length) : nullptr;
        plain != nullptr && length < sizeof bytes) {
        memcpy(bytes, plain, length);
        bytes[length] = '\0';
        double const number = number_read(bytes, nullptr);
        if (unread != nullptr)
            *unread = std::isnan(number);
        return number;
    }
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
    TEXT(0x0008, 0x0018, sop_instance, false),
    TEXT(0x0008, 0x0008, image_type, false),
    TEXT(0x0054, 0x1000, series_type, false),
    TEXT(0x0028, 0x0004, photometric, false),
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
    REAL(0x0054, 0x0081, slices_said, false),
    REAL(0x0054, 0x1330, image_index, false),
    REAL(0x0020, 0x9162, part, false),
    REAL(0x0020, 0x9163, parts, false),
    REAL(0x0020, 0x9128, time_index, false),
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

unsigned little(const uint8_t *at, int bytes)
{
    unsigned value = 0;
    for (int i = 0; i < bytes; i++)
        value |= static_cast<unsigned>(at[i]) << 8 * i;
    return value;
}

/* An element of group 0002 or 0008 begins here, as files without a preamble do; *next is where the one after it does. */
bool element_begins(const uint8_t *at, size_t left, unsigned *tag, size_t *next)
{
    if (left < 12)
        return false;
    *tag = little(at, 2) << 16 | little(at + 2, 2);
    bool const is_explicit = at[4] >= 'A' && at[4] <= 'Z' && at[5] >= 'A' && at[5] <= 'Z';
    bool const is_long =
        is_explicit && (memcmp(at + 4, "OB", 2) == 0 || memcmp(at + 4, "SQ", 2) == 0 || memcmp(at + 4, "UN", 2) == 0);
    size_t const length = is_long ? little(at + 8, 4) : is_explicit ? little(at + 6, 2) : little(at + 4, 4);
    *next = (is_long ? 12 : 8) + length;
    return (*tag >> 16 == 0x0002 || *tag >> 16 == 0x0008) && length % 2 == 0 && length < 4096;
}

/* Two elements, one after the other, the second with the higher tag. */
bool begins_bare(const uint8_t *start, size_t size)
{
    unsigned first = 0, second = 0;
    size_t next = 0, after = 0;
    return element_begins(start, size, &first, &next) && next < size &&
           element_begins(start + next, size - next, &second, &after) && second > first;
}

enum looks { LOOKS_NO, LOOKS_BARE, LOOKS_DICOM };

/* DICOM files begin with 128 bytes of anything and "DICM"; older ones with their first element; the rest goes by its name. */
looks looks_like_dicom(FileStream &from, const char *path)
{
    uint8_t start[512];
    if (from.status().bad())
        return LOOKS_NO;
    from.mark();
    size_t const size = static_cast<size_t>(from.read(start, sizeof start));
    from.putback();
    if (size >= 132 && memcmp(start + 128, "DICM", 4) == 0)
        return LOOKS_DICOM;
    size_t const length = strlen(path);
    if (length > 4 && (strcasecmp(path + length - 4, ".dcm") == 0 || strcasecmp(path + length - 4, ".ima") == 0))
        return LOOKS_DICOM;
    return begins_bare(start, size) ? LOOKS_BARE : LOOKS_NO;
}

/* All numbers of an element, as far as they are some. */
void numbers_of(DcmElement *element, double *to, size_t count)
{
    char text[257] = "";
    text_of(element, text, sizeof text);
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        char *end = nullptr;
        double const value = strtod(at, &end);
        if (end == at)
            return;
        to[i] = value;
        at = end + strspn(end, " \\");
    }
}

int probe(const char *path, struct dicom_probe *p, struct error *e)
{
    FileStream from(path);
    DcmFileFormat file;
    if (from.status().bad())
        return fail(e, "cannot open '%s': %s", path, from.status().text());
    looks const like = looks_like_dicom(from, path);
    if (like == LOOKS_NO)
        return from.status().good() ? 1 : fail(e, "cannot open '%s': %s", path, from.status().text());
    if (from.file().st_size == 0)
        return fail(e, "cannot open '%s': it is empty", path);
    struct {
        DcmTagKey tag;
        char *to;
        size_t size;
    } const wanted[] = {
        {DCM_ImageType, p->image_type, sizeof p->image_type},
        {DCM_SOPClassUID, p->sop_class, sizeof p->sop_class},
        {DCM_SOPInstanceUID, p->sop_instance, sizeof p->sop_instance},
        {DCM_Modality, p->modality, sizeof p->modality},
        {DCM_PatientID, p->patient_id, sizeof p->patient_id},
        {DCM_StudyInstanceUID, p->study_uid, sizeof p->study_uid},
        {DCM_SeriesInstanceUID, p->series_uid, sizeof p->series_uid},
        {DCM_FrameOfReferenceUID, p->frame_uid, sizeof p->frame_uid},
        {DCM_CorrectedImage, p->corrected, sizeof p->corrected},
    };
    std::fill_n(p->position_mm, 3, static_cast<double>(NAN));
    std::fill_n(p->orientation, 6, static_cast<double>(NAN));
    /* tags come in ascending order, so what lies past CorrectedImage need not be looked at */
    if (dicom_load(from, file, e, DcmTagKey(0x0028, 0x0052)) < 0)
        return -1;
    DcmDataset *const set = file.getDataset();
    for (DcmObject *object = set->nextInContainer(nullptr); object != nullptr; object = set->nextInContainer(object)) {
        DcmElement *const element = static_cast<DcmElement *>(object);
        DcmTagKey const tag = element->getTag();
        for (auto const &w : wanted)
            if (w.tag == tag)
                text_of(element, w.to, w.size);
        if (strcmp(p->modality, "PT") != 0)
            continue;
        if (tag == DCM_ImagePositionPatient)
            numbers_of(element, p->position_mm, 3);
        else if (tag == DCM_ImageOrientationPatient)
            numbers_of(element, p->orientation, 6);
    }
    if (*p->sop_class == '\0') /* a DICOMDIR has it in its meta header alone */
        dicom_text_of(file.getMetaInfo(), DCM_MediaStorageSOPClassUID, p->sop_class, sizeof p->sop_class);
    p->localiser = strstr(p->image_type, "LOCALIZER") != nullptr;
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

} // namespace

void dicom_attributes_read(DcmItem *item, struct dicom_image *image)
{
    DcmSequenceOfItems *injections = nullptr;
    DcmItem *injected = nullptr, *nuclide = nullptr;
    rows_read(item, false, image);
    if (item->findAndGetSequence(DcmTagKey(0x0054, 0x0016), injections).bad() || injections == nullptr)
        return;
    image->injections = static_cast<double>(injections->card());
    if (injections->card() == 0 || (injected = injections->getItem(0)) == nullptr)
        return;
    rows_read(injected, true, image);
    if (injected->findAndGetSequenceItem(DCM_RadionuclideCodeSequence, nuclide, 0).bad() || nullptr == nuclide)
        return;
    dicom_text_of(nuclide, DCM_CodeValue, image->nuclide_code, sizeof image->nuclide_code);
    dicom_text_of(nuclide, DCM_CodeMeaning, image->nuclide_meaning, sizeof image->nuclide_meaning);
}

namespace
{

/* What the top of a file says; texts are empty before. */
void image_read_top(DcmDataset *set, struct dicom_image *image)
{
    char *base = reinterpret_cast<char *>(image);
    for (const real_row &row : reals)
        std::fill_n(reinterpret_cast<double *>(base + row.offset), row.count, static_cast<double>(NAN));
    image->injections = image->philips_suv = image->philips_bqml = static_cast<double>(NAN);
    dicom_attributes_read(set, image);
}

int read_image(const char *path, struct dicom_image *image, struct error *e)
{
    FileStream from(path);
    DcmFileFormat file;
    if (dicom_load(from, file, e) < 0)
        return -1;
    image_read_top(file.getDataset(), image);
    image->pixels = dicom_pixels_take(file.getDataset(), from, image);
    return 0;
}

int read_images(const char *path, struct dicom_image **image, size_t *count, struct error *e)
{
    FileStream from(path);
    auto const file = std::make_shared<DcmFileFormat>();
    struct dicom_image top = {};
    if (dicom_load(from, *file, e) < 0)
        return -1;
    image_read_top(file->getDataset(), &top);
    if (dicom_is_enhanced(top.sop_class))
        return dicom_frames_read(file, from, &top, image, count, e);
    *image = static_cast<struct dicom_image *>(try_alloc(e, 1, sizeof **image));
    if (*image == nullptr)
        return fail_in(e, "cannot open '%s'", path);
    **image = top;
    (*image)->pixels = dicom_pixels_take(file->getDataset(), from, *image);
    *count = 1;
    return 0;
}

} // namespace

extern "C" bool dicom_is_enhanced(const char *sop_class)
{
    return strcmp(sop_class, UID_EnhancedPETImageStorage) == 0 ||
           strcmp(sop_class, UID_LegacyConvertedEnhancedPETImageStorage) == 0;
}

extern "C" const char *dicom_class_name(const char *uid)
{
    const char *const name = dcmFindNameOfUID(uid);
    return name != nullptr ? name : *uid ? uid : "missing";
}

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

extern "C" int dicom_read_images(const char *path, struct dicom_image **image, size_t *count, struct error *e)
{
    *image = nullptr;
    *count = 0;
    return dicom_guarded(path, e, [&] { return read_images(path, image, count, e); });
}
