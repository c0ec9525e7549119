/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_fragments -- the fragments of compressed pixels: one frame's, joined, and held against the header before a library unpacks
 * them.   dicom_pixels, dicom_seg -> [dicom_fragments] -> compressed */
#include "stages/load/compressed.h"
#include "stages/load/dicom_inside.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dctk.h>

#include <vector>

namespace
{

/* As DCMTK has it: where (0028,0008) is left out or is nonsense, one. */
size_t frames_of(DcmDataset *set)
{
    double const frames = dicom_real_of(set, DCM_NumberOfFrames, 0);
    return frames >= 1 && frames <= INT32_MAX ? static_cast<size_t>(frames) : 1;
}

/* 0: it is not there, or no number of pixels or bits. */
size_t whole_of(DcmDataset *set, const DcmTagKey &tag)
{
    double const value = dicom_real_of(set, tag, 0);
    return value >= 1 && value <= UINT16_MAX ? static_cast<size_t>(value) : 0;
}

/* NULL: the pixels are not in fragments, whatever the transfer syntax says; DCMTK reads some such files. */
DcmPixelSequence *sequence_of(DcmDataset *set)
{
    DcmElement *element = nullptr;
    DcmPixelSequence *sequence = nullptr;
    if (set->findAndGetElement(DCM_PixelData, element).bad())
        return nullptr;
    auto *const pixels = dynamic_cast<DcmPixelData *>(element);
    if (pixels == nullptr || pixels->getEncapsulatedRepresentation(set->getOriginalXfer(), nullptr, sequence).bad())
        return nullptr;
    return sequence;
}

/* The first fragment of a frame; behind the last frame the end. The table of offsets is asked where fragments are not one a frame. */
bool start_of(DcmPixelSequence *sequence, size_t frame, size_t frames, Uint32 &start)
{
    start = static_cast<Uint32>(sequence->card());
    return frame == frames ||
           DcmCodec::determineStartFragment(static_cast<Uint32>(frame), static_cast<Sint32>(frames), sequence, start)
               .good();
}

bool frame_join(DcmPixelSequence *sequence, size_t frame, size_t frames, std::vector<uint8_t> &code)
{
    Uint32 first = 0, last = 0;
    code.clear();
    if (sequence == nullptr || frame >= frames || !start_of(sequence, frame, frames, first) ||
        !start_of(sequence, frame + 1, frames, last))
        return false;
    for (unsigned long i = first; i < last; i++) {
        DcmPixelItem *item = nullptr;
        Uint8 *bytes = nullptr;
        if (sequence->getItem(item, i).bad() || item == nullptr || item->getUint8Array(bytes).bad())
            return false;
        if (bytes != nullptr)
            code.insert(code.end(), bytes, bytes + item->getLength());
    }
    return first < last;
}

enum class coding { rle, jpeg, other };
coding coding_of(E_TransferSyntax syntax)
{
    if (syntax == EXS_RLELossless)
        return coding::rle;
    /* those whose codecs dicom_start_once() has registered: JPEG 2000 has a reader of its own, and others have none */
    bool const is_ls = syntax == EXS_JPEGLSLossless || syntax == EXS_JPEGLSLossy;
    return is_ls || (syntax >= EXS_JPEGProcess1 && syntax <= EXS_JPEGProcess14SV1) ? coding::jpeg : coding::other;
}

int frame_fail(const char *path, size_t frame, size_t frames, struct error *e)
{
    return frames > 1 ? fail_in(e, "cannot open '%s': (7FE0,0010) PixelData, frame %zu", path, frame + 1)
                      : fail_in(e, "cannot open '%s': (7FE0,0010) PixelData", path);
}

} // namespace

int dicom_frame_code(DcmDataset *set, const char *path, size_t frame, std::vector<uint8_t> &code, struct error *e)
{
    size_t const frames = frames_of(set);
    if (frame_join(sequence_of(set), frame, frames, code))
        return 0;
    fail(e, "it has no fragments, or none of this frame");
    return frame_fail(path, frame, frames, e);
}

int dicom_frame_check(DcmDataset *set, const char *path, size_t frame, struct error *e)
{
    struct frame_shape const shape = {whole_of(set, DCM_Rows), whole_of(set, DCM_Columns),
                                      (whole_of(set, DCM_BitsAllocated) + 7) / 8};
    coding const how = coding_of(set->getOriginalXfer());
    std::vector<uint8_t> code;
    if (how == coding::other || sequence_of(set) == nullptr)
        return 0;
    double const samples = dicom_real_of(set, DCM_SamplesPerPixel, 0);
    if (samples > 1)
        return fail(e, "cannot open '%s': (0028,0002) SamplesPerPixel is %g: 1 is read", path, samples);
    if (dicom_frame_code(set, path, frame, code, e) < 0)
        return -1;
    bool const good = (how == coding::rle ? rle_check(code.data(), code.size(), &shape, e)
                                          : jpeg_check(code.data(), code.size(), &shape, e)) == 0;
    return good ? 0 : frame_fail(path, frame, frames_of(set), e);
}

int dicom_frames_check(DcmDataset *set, const char *path, struct error *e)
{
    size_t const frames = frames_of(set);
    DcmPixelSequence *const sequence = sequence_of(set);
    coding const how = coding_of(set->getOriginalXfer());
    if (how == coding::other || sequence == nullptr)
        return 0;
    size_t const fragments = sequence->card() > 0 ? sequence->card() - 1 : 0; /* without the table of offsets */
    if (fragments < frames || (how == coding::rle && fragments != frames))
        return fail(e, "cannot open '%s': (7FE0,0010) PixelData has %zu fragments for %zu frames%s", path, fragments,
                    frames, how == coding::rle ? ": RLE has one each" : "");
    for (size_t frame = 0; frame < frames; frame++)
        if (dicom_frame_check(set, path, frame, e) < 0)
            return -1;
    return 0;
}
