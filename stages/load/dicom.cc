/* dicom -- one DICOM file as a plain struct: the only door to DCMTK.   find, series, rtstruct -> [dicom]
 *
 * C++ stops at this file: nothing is thrown past the extern "C" functions, and DCMTK's own logging is off, because
 * what it has to say comes back as a sentence. */
#include "stages/load/dicom_inside.h"
#include "stages/load/jpeg2000.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <vector>

namespace
{

/* An element whose type neither the file (UN, implicit) nor the dictionary tells: its bytes as text. Asked for a text itself,
 * DCMTK gives such bytes in hexadecimal. */
bool unknown_text(DcmItem *item, const DcmTagKey &tag, char *to, size_t size)
{
    DcmElement *element = nullptr;
    if (item->findAndGetElement(tag, element).bad() || element == nullptr ||
        (element->ident() != EVR_UN && element->ident() != EVR_UNKNOWN && element->ident() != EVR_UNKNOWN2B))
        return false;
    const Uint8 *bytes = nullptr;
    unsigned long count = 0;
    if (item->findAndGetUint8Array(tag, bytes, &count).bad() || bytes == nullptr)
        return false;
    size_t const length = count < size ? count : size - 1;
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

void dicom_text_of(DcmItem *item, const DcmTagKey &tag, char *to, size_t size)
{
    to[0] = '\0';
    OFString text;
    char bytes[257];
    if (unknown_text(item, tag, bytes, sizeof bytes))
        text = bytes;
    else if (item->findAndGetOFStringArray(tag, text).bad())
        return;
    size_t first = text.find_first_not_of(' ');
    size_t last = text.find_last_not_of(OFString(" \0", 2));
    if (first == OFString_npos || last == OFString_npos || last < first)
        return;
    text = text.substr(first, last - first + 1);
    strncpy(to, text.c_str(), size - 1);
    to[size - 1] = '\0';
}

double dicom_real_of(DcmItem *item, const DcmTagKey &tag, unsigned long which)
{
    OFString text;
    Float64 value = NAN;
    Uint16 whole = 0;
    char bytes[65];
    if (item->findAndGetUint16(tag, whole, which).good())
        return whole;
    if (item->findAndGetFloat64(tag, value, which).good())
        return value;
    if (unknown_text(item, tag, bytes, sizeof bytes))
        text = bytes;
    else if (item->findAndGetOFString(tag, text, which).bad())
        return NAN;
    if (!text.empty()) {
        char *end = nullptr;
        double number = strtod(text.c_str(), &end);
        if (end != text.c_str())
            return number;
    }
    return NAN;
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
    {DcmTagKey(group, element), offsetof(struct dicom_image, field), sizeof(dicom_image::field), injected}
#define REAL(group, element, field, injected)                                                                          \
    {DcmTagKey(group, element), offsetof(struct dicom_image, field), sizeof(dicom_image::field) / sizeof(double), injected}

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
    TEXT(0x0009, 0x100d, ge_scan_start, false),
    TEXT(0x0071, 0x1022, siemens_scan_start, false),
};
const real_row reals[] = {
    REAL(0x0010, 0x1030, weight_kg, false),         REAL(0x0010, 0x1020, height_m, false),
    REAL(0x0018, 0x1074, dose_bq, true),            REAL(0x0018, 0x1075, half_life_s, true),
    REAL(0x7053, 0x1000, philips_suv, false),       REAL(0x7053, 0x1009, philips_bqml, false),
    REAL(0x0054, 0x1300, frame_reference_ms, false), REAL(0x0018, 0x1242, frame_duration_ms, false),
    REAL(0x0020, 0x0032, position_mm, false),       REAL(0x0020, 0x0037, orientation, false),
    REAL(0x0028, 0x0030, pixel_spacing_mm, false),  REAL(0x0018, 0x0050, slice_thickness_mm, false),
    REAL(0x0028, 0x1053, slope, false),             REAL(0x0028, 0x1052, intercept, false),
    REAL(0x0028, 0x0010, rows, false),              REAL(0x0028, 0x0011, columns, false),
    REAL(0x0028, 0x0008, frames, false),            REAL(0x0028, 0x0002, samples, false),
    REAL(0x0028, 0x0100, bits_allocated, false),    REAL(0x0028, 0x0101, bits_stored, false),
    REAL(0x0028, 0x0103, is_signed, false),
};

int pixels_check(const char *path, const struct dicom_image *image, struct error *e)
{
    if (!(image->rows >= 1 && image->columns >= 1))
        return fail(e, "cannot open '%s': (0028,0010) Rows or (0028,0011) Columns is missing", path);
    if (image->samples > 1)
        return fail(e, "cannot open '%s': (0028,0002) SamplesPerPixel is %g: a PET image has 1", path, image->samples);
    if (image->frames > 1)
        return fail(e, "cannot open '%s': (0028,0008) NumberOfFrames is %g: multi-frame PET is not read, split it into "
                       "one file a slice", path, image->frames);
    if (image->bits_allocated != 8 && image->bits_allocated != 16)
        return fail(e, "cannot open '%s': (0028,0100) BitsAllocated is %g: only 8 and 16 are read", path,
                    image->bits_allocated);
    return 0;
}

/* Stored values of any type to what they mean. */
template <class Stored> void values_rescale(const Stored *stored, size_t count, const struct dicom_image *image, float *voxel)
{
    double const slope = image->slope, intercept = image->intercept;
    for (size_t i = 0; i < count; i++)
        voxel[i] = static_cast<float>(stored[i] * slope + intercept);
}

/* The fragments of an encapsulated image behind the table of offsets, one after the other. */
bool codestream_join(DcmElement *pixels, E_TransferSyntax syntax, std::vector<uint8_t> &code)
{
    DcmPixelSequence *sequence = nullptr;
    DcmPixelData *data = dynamic_cast<DcmPixelData *>(pixels);
    if (data == nullptr || data->getEncapsulatedRepresentation(syntax, nullptr, sequence).bad() || sequence == nullptr)
        return false;
    for (unsigned long i = 1; i < sequence->card(); i++) {
        DcmPixelItem *item = nullptr;
        Uint8 *bytes = nullptr;
        if (sequence->getItem(item, i).bad() || item == nullptr || item->getUint8Array(bytes).bad())
            return false;
        if (bytes != nullptr)
            code.insert(code.end(), bytes, bytes + item->getLength());
    }
    return true;
}

int read_jpeg2000(DcmDataset *set, const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    DcmElement *pixels = nullptr;
    std::vector<uint8_t> code;
    size_t const rows = static_cast<size_t>(image->rows), columns = static_cast<size_t>(image->columns);
    if (set->findAndGetElement(DCM_PixelData, pixels).bad() || pixels == nullptr || !codestream_join(pixels, set->getOriginalXfer(), code))
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData is missing or not encapsulated", path);
    std::vector<int32_t> stored(rows * columns);
    if (jpeg2000_decode(code.data(), code.size(), rows, columns, image->is_signed == 1, stored.data(), e) < 0)
        return fail_in(e, "cannot open '%s'", path);
    values_rescale(stored.data(), stored.size(), image, voxel);
    return 0;
}

int read_pixels(DcmDataset *set, const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    size_t const count = static_cast<size_t>(image->rows) * static_cast<size_t>(image->columns);
    size_t const bytes = count * static_cast<size_t>(image->bits_allocated) / 8;
    DcmXfer const syntax(set->getOriginalXfer());
    bool const compressed = syntax.isEncapsulated() || syntax.getStreamCompression() != ESC_none;
    struct stat on_disk;
    if (syntax.getXfer() == EXS_JPEG2000LosslessOnly || syntax.getXfer() == EXS_JPEG2000)
        return read_jpeg2000(set, path, image, voxel, e);
    /* an uncompressed slice cannot be larger than its file: look before anything is allocated */
    if (stat(path, &on_disk) != 0 || (!compressed && static_cast<size_t>(on_disk.st_size) < bytes))
        return fail(e, "cannot open '%s': %g rows of %g columns need %zu bytes, but the file has %lld", path, image->rows,
                    image->columns, bytes, static_cast<long long>(on_disk.st_size));
    if (syntax.isEncapsulated() && set->chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad())
        return fail(e, "cannot open '%s': its transfer syntax %s cannot be unpacked", path,
                    DcmXfer(set->getOriginalXfer()).getXferName());
    DcmElement *pixels = nullptr;
    if (set->findAndGetElement(DCM_PixelData, pixels).bad() || pixels == nullptr)
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData is missing", path);
    if (pixels->getLength() < bytes)
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData has %lu bytes, %g rows of %g columns need %zu: the file is "
                       "cut short", path, static_cast<unsigned long>(pixels->getLength()), image->rows, image->columns, bytes);
    bool const negative = image->is_signed == 1;
    Uint16 *word = nullptr;
    Uint8 *byte = nullptr;
    OFCondition const read = image->bits_allocated == 16 ? pixels->getUint16Array(word) : pixels->getUint8Array(byte);
    if (read.bad() || (word == nullptr && byte == nullptr))
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData: %s", path, read.bad() ? read.text() : "it holds nothing");
    if (word != nullptr && negative)
        values_rescale(reinterpret_cast<Sint16 *>(word), count, image, voxel);
    else if (word != nullptr)
        values_rescale(word, count, image, voxel);
    else if (negative)
        values_rescale(reinterpret_cast<Sint8 *>(byte), count, image, voxel);
    else
        values_rescale(byte, count, image, voxel);
    return 0;
}

int read_voxels(const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    DcmFileFormat file;
    if (pixels_check(path, image, e) < 0)
        return -1;
    OFCondition const read = file.loadFile(path);
    DcmDataset *set = file.getDataset();
    if (read.bad())
        return fail(e, "cannot open '%s': not readable as DICOM (%s)", path, read.text());
    if (dicom_real_of(set, DCM_Rows, 0) != image->rows || dicom_real_of(set, DCM_Columns, 0) != image->columns ||
        dicom_real_of(set, DCM_BitsAllocated, 0) != image->bits_allocated)
        return fail(e, "cannot open '%s': it changed while it was read", path);
    return read_pixels(set, path, image, voxel, e);
}

/* DICOM files begin with 128 bytes of anything and "DICM"; older ones go by their name. */
bool looks_like_dicom(const char *path)
{
    char start[132];
    FILE *from = fopen(path, "rb");
    if (from == nullptr)
        return false;
    size_t got = fread(start, 1, sizeof start, from);
    fclose(from);
    if (got == sizeof start && memcmp(start + 128, "DICM", 4) == 0)
        return true;
    size_t length = strlen(path);
    return length > 4 && (strcmp(path + length - 4, ".dcm") == 0 || strcmp(path + length - 4, ".ima") == 0 ||
                          strcmp(path + length - 4, ".IMA") == 0);
}

int probe(const char *path, struct dicom_probe *p, struct error *e)
{
    DcmFileFormat file;
    char type[257];
    /* tags come in ascending order, so what lies past FrameOfReferenceUID need not be looked at */
    OFCondition read = file.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect,
                                             DcmTagKey(0x0020, 0x0053));
    if (read.bad())
        return fail(e, "cannot open '%s': not readable as DICOM (%s)", path, read.text());
    dicom_text_of(file.getDataset(), DCM_Modality, p->modality, sizeof p->modality);
    dicom_text_of(file.getDataset(), DCM_SeriesInstanceUID, p->series_uid, sizeof p->series_uid);
    dicom_text_of(file.getDataset(), DCM_StudyInstanceUID, p->study_uid, sizeof p->study_uid);
    dicom_text_of(file.getDataset(), DCM_FrameOfReferenceUID, p->frame_uid, sizeof p->frame_uid);
    dicom_text_of(file.getDataset(), DCM_ImageType, type, sizeof type);
    p->localiser = strstr(type, "LOCALIZER") != nullptr;
    return 0;
}

int read_image(const char *path, struct dicom_image *image, struct error *e)
{
    DcmFileFormat file;
    OFCondition read = file.loadFile(path);
    if (read.bad())
        return fail(e, "cannot open '%s': not readable as DICOM (%s)", path, read.text());
    DcmItem *injected = nullptr;
    if (file.getDataset()->findAndGetSequenceItem(DcmTagKey(0x0054, 0x0016), injected, 0).bad())
        injected = nullptr;
    char *base = reinterpret_cast<char *>(image);
    for (const text_row &row : texts) {
        DcmItem *from = row.injected ? injected : file.getDataset();
        if (from != nullptr)
            dicom_text_of(from, row.tag, base + row.offset, row.size);
    }
    for (const real_row &row : reals) {
        DcmItem *from = row.injected ? injected : file.getDataset();
        double *to = reinterpret_cast<double *>(base + row.offset);
        for (unsigned long i = 0; i < row.count; i++)
            to[i] = from == nullptr ? NAN : dicom_real_of(from, row.tag, i);
    }
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
        return fail(e, "cannot open '%s': (3006,0050) ContourData of ROI '%s' has %zu numbers: not a multiple of 3", path,
                    roi->name, count);
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
            return fail(e, "cannot open '%s': (3006,0050) ContourData of ROI '%s' holds something that is no number", path,
                        roi->name);
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
    OFCondition read = file.loadFile(path);
    if (read.bad())
        return fail(e, "cannot open '%s': not readable as DICOM (%s)", path, read.text());
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
    if (!looks_like_dicom(path))
        return 1;
    return dicom_guarded(path, e, [&] { return probe(path, p, e); });
}

extern "C" int dicom_read_image(const char *path, struct dicom_image *image, struct error *e)
{
    memset(image, 0, sizeof *image);
    return dicom_guarded(path, e, [&] { return read_image(path, image, e); });
}

extern "C" int dicom_read_voxels(const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    return dicom_guarded(path, e, [&] { return read_voxels(path, image, voxel, e); });
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
