/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_pixels -- the voxels of one DICOM image.   dicom, series, ct -> [dicom_pixels] -> dicom_fragments, jpeg2000
 *
 * What nearly every scanner writes, plain words as this machine holds them, is taken from its place in the file; all else is loaded and
 * unpacked by DCMTK, or by OpenJPEG. */
#include "stages/load/dicom_inside.h"
#include "stages/load/dicom_stream.h"
#include "stages/load/jpeg2000.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcfcache.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <type_traits>
#include <vector>

/* Voxels that lie in their file as this machine holds them: DCMTK's element knows the place, and the rest of the file is forgotten. Of
 * frames that want unpacking the file is kept, so that it is not parsed again for each. */
struct dicom_pixels {
    std::shared_ptr<DcmElement> element;  /* plain; or */
    std::shared_ptr<DcmFileFormat> whole; /* the file, to be unpacked */
    size_t frame;                         /* from 0 */
    struct stat file;
    std::string path;
};

namespace
{

/* Where a file does not say, all that is allocated. */
double bits_stored(const struct dicom_image *image)
{
    return std::isfinite(image->bits_stored) ? image->bits_stored : image->bits_allocated;
}
double high_bit(const struct dicom_image *image)
{
    return std::isfinite(image->high_bit) ? image->high_bit : bits_stored(image) - 1;
}

int pixels_check(const char *path, const struct dicom_image *image, struct error *e)
{
    if (!(image->rows >= 1 && image->columns >= 1))
        return fail(e, "cannot open '%s': (0028,0010) Rows or (0028,0011) Columns is missing", path);
    if (image->samples > 1)
        return fail(e, "cannot open '%s': (0028,0002) SamplesPerPixel is %g: a PET image has 1", path, image->samples);
    if (image->frames > 1)
        return fail(e,
                    "cannot open '%s': (0028,0008) NumberOfFrames is %g: multi-frame PET is not read, split it into "
                    "one file a slice",
                    path, image->frames);
    if (image->bits_allocated != 8 && image->bits_allocated != 16)
        return fail(e, "cannot open '%s': (0028,0100) BitsAllocated is %g: only 8 and 16 are read", path,
                    image->bits_allocated);
    double const most = image->bits_allocated, stored = bits_stored(image), high = high_bit(image);
    if (!(stored >= 1 && stored <= most && high >= stored - 1 && high < most))
        return fail(e, "cannot open '%s': (0028,0101) BitsStored %g and (0028,0102) HighBit %g do not fit into %g bits",
                    path, stored, high, most);
    return 0;
}

/* What lies beside the stored bits (overlays, of old) is cut off, and the sign goes on from their highest. */
template <class Stored> void bits_trim(Stored *word, size_t count, const struct dicom_image *image)
{
    unsigned const most = 8 * sizeof(Stored), left = most - 1 - static_cast<unsigned>(high_bit(image)),
                   right = most - static_cast<unsigned>(bits_stored(image));
    bool const negative = image->is_signed == 1;
    for (size_t i = 0; (left != 0 || right != 0) && i < count; i++) {
        Stored const up = static_cast<Stored>(word[i] << left);
        word[i] = negative ? static_cast<Stored>(static_cast<std::make_signed_t<Stored>>(up) >> right)
                           : static_cast<Stored>(up >> right);
    }
}

/* Stored values of any type to what they mean. */
template <class Stored>
inline void values_rescale(const Stored *stored, size_t count, const struct dicom_image *image, float *voxel)
{
    double const slope = image->slope, intercept = image->intercept;
    for (size_t i = 0; i < count; i++)
        voxel[i] = static_cast<float>(stored[i] * slope + intercept);
}

/* Of what nearly all PET is stored as, for the widest registers there are. */
VECTORISED void words_rescale(const Uint16 *stored, size_t count, const struct dicom_image *image, float *voxel)
{
    values_rescale(stored, count, image, voxel);
}
VECTORISED void signed_words_rescale(const Sint16 *stored, size_t count, const struct dicom_image *image, float *voxel)
{
    values_rescale(stored, count, image, voxel);
}

/* Stored values, unpacked, of one image, which are trimmed where they lie. */
int values_of_image(void *stored, size_t count, const struct dicom_image *image, float *voxel)
{
    bool const negative = image->is_signed == 1, words = image->bits_allocated == 16;
    if (words)
        bits_trim(static_cast<Uint16 *>(stored), count, image);
    else
        bits_trim(static_cast<Uint8 *>(stored), count, image);
    if (words && negative)
        signed_words_rescale(static_cast<const Sint16 *>(stored), count, image, voxel);
    else if (words)
        words_rescale(static_cast<const Uint16 *>(stored), count, image, voxel);
    else if (negative)
        values_rescale(static_cast<const Sint8 *>(stored), count, image, voxel);
    else
        values_rescale(static_cast<const Uint8 *>(stored), count, image, voxel);
    return 0;
}

/* One frame of JPEG 2000: DCMTK has no reader of it. */
int read_jpeg2000(DcmDataset *set, const char *path, const struct dicom_image *image, size_t frame, float *voxel,
                  struct error *e)
{
    std::vector<uint8_t> code;
    size_t const rows = static_cast<size_t>(image->rows), columns = static_cast<size_t>(image->columns);
    if (dicom_frame_code(set, path, frame, code, e) < 0)
        return -1;
    std::vector<int32_t> stored(rows * columns);
    if (jpeg2000_decode(code.data(), code.size(), rows, columns, image->is_signed == 1, stored.data(), e) < 0)
        return fail_in(e, "cannot open '%s'", path);
    values_rescale(stored.data(), stored.size(), image, voxel);
    return 0;
}

int read_pixels(DcmDataset *set, const FileStream &from, const struct dicom_image *image, float *voxel, struct error *e)
{
    const char *const path = from.name();
    size_t const count = static_cast<size_t>(image->rows) * static_cast<size_t>(image->columns);
    size_t const bytes = count * static_cast<size_t>(image->bits_allocated) / 8;
    DcmXfer const syntax(set->getOriginalXfer());
    bool const compressed = syntax.isEncapsulated() || syntax.getStreamCompression() != ESC_none;
    if (syntax.getXfer() == EXS_JPEG2000LosslessOnly || syntax.getXfer() == EXS_JPEG2000)
        return read_jpeg2000(set, path, image, 0, voxel, e);
    /* an uncompressed slice cannot be larger than its file: look before anything is allocated */
    if (!compressed && static_cast<size_t>(from.file().st_size) < bytes)
        return fail(e, "cannot open '%s': %g rows of %g columns need %zu bytes, but the file has %lld", path,
                    image->rows, image->columns, bytes, static_cast<long long>(from.file().st_size));
    if (dicom_frames_check(set, path, e) < 0)
        return -1;
    if (syntax.isEncapsulated() && set->chooseRepresentation(EXS_LittleEndianExplicit, nullptr).bad())
        return fail(e, "cannot open '%s': its transfer syntax %s cannot be unpacked", path,
                    DcmXfer(set->getOriginalXfer()).getXferName());
    DcmElement *pixels = nullptr;
    if (set->findAndGetElement(DCM_PixelData, pixels).bad() || pixels == nullptr)
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData is missing", path);
    if (pixels->getLength() < bytes)
        return fail(
            e,
            "cannot open '%s': (7FE0,0010) PixelData has %lu bytes, %g rows of %g columns need %zu: the file is "
            "cut short",
            path, static_cast<unsigned long>(pixels->getLength()), image->rows, image->columns, bytes);
    Uint16 *word = nullptr;
    Uint8 *byte = nullptr;
    OFCondition const read = image->bits_allocated == 16 ? pixels->getUint16Array(word) : pixels->getUint8Array(byte);
    if (read.bad() || (word == nullptr && byte == nullptr))
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData: %s", path,
                    read.bad() ? read.text() : "it holds nothing");
    return word != nullptr ? values_of_image(word, count, image, voxel) : values_of_image(byte, count, image, voxel);
}

bool pixels_unchanged(const struct dicom_pixels *pixels)
{
    struct stat now;
    const struct stat *then = &pixels->file;
    return stat(pixels->path.c_str(), &now) == 0 && now.st_size == then->st_size && now.st_ino == then->st_ino &&
           now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

/* A part at a time, which stays near the processor: a slice is read and rescaled without memory for it. */
int read_plain(const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    size_t const PART = 32 << 10;
    Uint16 part[PART];
    size_t const count = static_cast<size_t>(image->rows) * static_cast<size_t>(image->columns);
    DcmFileCache at;
    OFCondition read = EC_Normal;
    size_t const before = count * image->pixels->frame;
    for (size_t done = 0; read.good() && done < count; done += PART) {
        size_t const now = std::min(PART, count - done);
        read = image->pixels->element->getPartialValue(part, static_cast<Uint32>(2 * (before + done)),
                                                       static_cast<Uint32>(2 * now), &at);
        if (read.good())
            (void)values_of_image(part, now, image, voxel + done);
    }
    if (!pixels_unchanged(image->pixels))
        return fail(e, "cannot open '%s': it changed while it was read", path);
    return read.good() ? 0 : fail(e, "cannot open '%s': (7FE0,0010) PixelData: %s", path, read.text());
}

/* ---- frames that want unpacking ---- */

int read_frame(const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    DcmDataset *const set = image->pixels->whole->getDataset();
    DcmXfer const syntax(set->getOriginalXfer());
    size_t const count = static_cast<size_t>(image->rows) * static_cast<size_t>(image->columns);
    size_t const bytes = count * static_cast<size_t>(image->bits_allocated) / 8, frame = image->pixels->frame;
    DcmElement *pixels = nullptr;
    OFString colours;
    if (!pixels_unchanged(image->pixels))
        return fail(e, "cannot open '%s': it changed while it was read", path);
    if (set->findAndGetElement(DCM_PixelData, pixels).bad() || pixels == nullptr)
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData is missing", path);
    if (syntax.getXfer() == EXS_JPEG2000LosslessOnly || syntax.getXfer() == EXS_JPEG2000)
        return read_jpeg2000(set, path, image, frame, voxel, e);
    if (syntax.isEncapsulated()) {
        if (dicom_frame_check(set, path, frame, e) < 0)
            return -1;
        Uint32 size = 0, fragment = 0;
        if (pixels->getUncompressedFrameSize(set, size).bad() || size < bytes)
            return fail(e, "cannot open '%s': its transfer syntax %s cannot be unpacked", path, syntax.getXferName());
        std::vector<Uint16> unpacked((size + 1) / 2);
        OFCondition const done = pixels->getUncompressedFrame(set, static_cast<Uint32>(frame), fragment,
                                                              unpacked.data(), size + size % 2, colours);
        return done.good() ? values_of_image(unpacked.data(), count, image, voxel)
                           : fail(e, "cannot open '%s': its transfer syntax %s cannot be unpacked (%s)", path,
                                  syntax.getXferName(), done.text());
    }
    if (pixels->getLength() < bytes * (frame + 1))
        return fail(
            e, "cannot open '%s': (7FE0,0010) PixelData has %lu bytes, this frame ends at %zu: the file is cut short",
            path, static_cast<unsigned long>(pixels->getLength()), bytes * (frame + 1));
    Uint16 *word = nullptr;
    Uint8 *byte = nullptr;
    OFCondition const read = image->bits_allocated == 16 ? pixels->getUint16Array(word) : pixels->getUint8Array(byte);
    if (read.bad() || (word == nullptr && byte == nullptr))
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData: %s", path,
                    read.bad() ? read.text() : "it holds nothing");
    return word != nullptr ? values_of_image(word + frame * count, count, image, voxel)
                           : values_of_image(byte + frame * count, count, image, voxel);
}

int read_voxels(const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    if (pixels_check(path, image, e) < 0)
        return -1;
    if (image->pixels != nullptr)
        return image->pixels->element ? read_plain(path, image, voxel, e) : read_frame(path, image, voxel, e);
    FileStream from(path);
    DcmFileFormat file;
    if (dicom_load(from, file, e) < 0)
        return -1;
    DcmDataset *set = file.getDataset();
    if (dicom_real_of(set, DCM_Rows, 0) != image->rows || dicom_real_of(set, DCM_Columns, 0) != image->columns ||
        dicom_real_of(set, DCM_BitsAllocated, 0) != image->bits_allocated)
        return fail(e, "cannot open '%s': it changed while it was read", path);
    return read_pixels(set, from, image, voxel, e);
}

} // namespace

/* The element of words that need no unpacking and no turning, out of its dataset, of an image that wants no more of them than there are;
 * NULL where there is none. */
static DcmElement *plain_take(DcmDataset *set, const struct dicom_image *image, double frames)
{
    DcmXfer const syntax(set->getOriginalXfer());
    DcmElement *element = nullptr;
    if (image->bits_allocated != 16 || !(image->rows >= 1 && image->columns >= 1) || syntax.isEncapsulated() ||
        syntax.getStreamCompression() != ESC_none || syntax.getPixelDataByteOrder() != gLocalByteOrder ||
        set->findAndGetElement(DCM_PixelData, element).bad() || element->getTag().getEVR() != EVR_OW ||
        element->getLength() < 2 * image->rows * image->columns * frames)
        return nullptr;
    set->remove(element);
    return element;
}

struct dicom_pixels *dicom_pixels_take(DcmDataset *set, const FileStream &from, const struct dicom_image *image)
{
    DcmElement *const element = plain_take(set, image, 1);
    return element == nullptr
               ? nullptr
               : new dicom_pixels{std::shared_ptr<DcmElement>(element), nullptr, 0, from.file(), from.name()};
}

void dicom_frames_pixels(std::shared_ptr<DcmFileFormat> const &file, const FileStream &from, struct dicom_image *image,
                         size_t count)
{
    std::shared_ptr<DcmElement> const plain(plain_take(file->getDataset(), image, static_cast<double>(count)));
    for (size_t i = 0; i < count; i++)
        image[i].pixels = new dicom_pixels{plain, plain ? nullptr : file, i, from.file(), from.name()};
}

extern "C" void dicom_image_free(struct dicom_image *image)
{
    delete image->pixels;
    image->pixels = nullptr;
}

extern "C" int dicom_read_voxels(const char *path, const struct dicom_image *image, float *voxel, struct error *e)
{
    return dicom_guarded(path, e, [&] { return read_voxels(path, image, voxel, e); });
}
