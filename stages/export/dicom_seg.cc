/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_seg -- regions as a DICOM Segmentation (PS3.3 A.51), by DCMTK's dcmseg.   layout -> [dicom_seg]
 *
 * A frame for every segment and plane that holds it, by segment, then by place: positions, directions and spacing are the series' own, so
 * that frame and source slice lie pixel on pixel. */
#include "stages/export/dicom_inside.h"

#include <dcmtk/dcmfg/fgderimg.h>
#include <dcmtk/dcmfg/fgfracon.h>
#include <dcmtk/dcmfg/fgpixmsr.h>
#include <dcmtk/dcmfg/fgplanor.h>
#include <dcmtk/dcmfg/fgplanpo.h>
#include <dcmtk/dcmseg/segdoc.h>
#include <dcmtk/dcmseg/segment.h>
#include <dcmtk/dcmseg/segutils.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

namespace
{

enum { WHOLE = 255 }; /* MaximumFractionalValue: probability 1 */

/* Display colours, CIELab as PS3.3 C.10.7.1.1 codes it: sRGB red and blue, as in the picture of regions. */
const Uint16 RED[3] = {34891, 53479, 50166}, BLUE[3] = {21168, 53248, 5176};

CodeSequenceMacro macro_of(const dicom_code &c)
{
    return CodeSequenceMacro(c.value, c.scheme, c.meaning);
}

std::string percent(double probability)
{
    char text[16];
    snprintf(text, sizeof text, "%.1f %%", 100 * probability);
    return text;
}

void algorithm_note(DcmSegment *segment, const findings *f)
{
    AlgorithmIdentificationMacro a;
    must(a.getAlgorithmFamilyCode().set("123110", "DCM", "Artificial Intelligence"));
    must(a.setAlgorithmName("petrel-classify"));
    must(a.setAlgorithmVersion(f->version));
    std::string how = "threshold " + decimal(f->threshold);
    if (*f->model_sha256)
        how += ", model SHA-256 " + std::string(f->model_sha256);
    must(a.setAlgorithmParameters(how.c_str()));
    must(a.setAlgorithmSource("Petrel, research software"));
    must(segment->setSegmentationAlgorithmIdentification(a));
}

void segment_add(DcmSegmentation *seg, const findings *f, const std::string &label, const std::string &description,
                 const dicom_code &category, const dicom_code &type, const Uint16 colour[3], const finding *tracked)
{
    DcmSegment *segment = nullptr;
    Uint16 number = 0;
    must(DcmSegment::create(segment, label.c_str(), macro_of(category), macro_of(type), DcmSegTypes::SAT_AUTOMATIC,
                            "petrel-classify"));
    must(segment->setSegmentDescription(description.c_str()));
    must(segment->setRecommendedDisplayCIELabValue(colour[0], colour[1], colour[2]));
    algorithm_note(segment, f);
    if (tracked != nullptr) {
        must(segment->setTrackingID(tracked->tracking_id));
        must(segment->setTrackingUID(tracked->tracking_uid));
    }
    must(seg->addSegment(segment, number));
}

/* What all frames share, and by what they are ordered. */
void geometry_add(DcmSegmentation *seg, const dicom_object *o, object_kind kind)
{
    const dicom_series *s = o->series;
    char uid[UID_SIZE];
    FGPixelMeasures measures;
    must(measures.setPixelSpacing((decimal(s->pixel_spacing_mm[0]) + "\\" + decimal(s->pixel_spacing_mm[1])).c_str()));
    must(measures.setSliceThickness(decimal(o->slice_mm).c_str()));
    must(measures.setSpacingBetweenSlices(decimal(o->slice_mm).c_str()));
    must(seg->addForAllFrames(measures));
    FGPlaneOrientationPatient orientation;
    std::string way[6];
    for (int i = 0; i < 6; i++)
        way[i] = decimal(s->orientation[i]);
    must(orientation.setImageOrientationPatient(way[0].c_str(), way[1].c_str(), way[2].c_str(), way[3].c_str(),
                                                way[4].c_str(), way[5].c_str()));
    must(seg->addForAllFrames(orientation));
    dicom_uid(o, kind, "dimensions", uid);
    IODMultiframeDimensionModule &dimensions = seg->getDimensions();
    must(dimensions.addDimensionIndex(DCM_ReferencedSegmentNumber, uid, DCM_SegmentIdentificationSequence, "segment"));
    must(dimensions.addDimensionIndex(DCM_ImagePositionPatient, uid, DCM_PlanePositionSequence, "slice"));
}

/* Adds frames, each of one plane. */
class Frames
{
  public:
    Frames(DcmSegmentation *to, const dicom_object *of) : seg(to), o(of), pixel(of->series->rows * of->series->columns)
    {
    }
    /* value: of a pixel, by its number in the label map */
    void add(Uint16 segment, size_t k, const std::vector<Uint8> &value)
    {
        const dicom_plane &plane = o->series->plane[o->plane[k]];
        const dicom_place &at = o->place[o->plane[k]];
        for (size_t r = 0, i = 0; r < o->series->rows; r++)
            for (size_t c = 0; c < o->series->columns; c++, i++)
                pixel[i] = value[o->findings->label[at.first + static_cast<int64_t>(r) * at.down +
                                                    static_cast<int64_t>(c) * at.along]];
        FGPlanePosPatient position;
        must(position.setImagePositionPatient(decimal(plane.position_mm[0]).c_str(),
                                              decimal(plane.position_mm[1]).c_str(),
                                              decimal(plane.position_mm[2]).c_str()));
        FGFrameContent content;
        must(content.setDimensionIndexValues(segment, 0));
        must(content.setDimensionIndexValues(static_cast<Uint32>(k + 1), 1));
        OFVector<ImageSOPInstanceReferenceMacro> images;
        ImageSOPInstanceReferenceMacro image;
        must(image.setReferencedSOPClassUID(plane.sop_class));
        must(image.setReferencedSOPInstanceUID(plane.sop_instance));
        images.push_back(image);
        std::unique_ptr<FGDerivationImage> derivation(
            DcmSegmentation::createDerivationImageFG(images, "regions of high uptake"));
        if (!derivation)
            throw std::runtime_error("no reference to a slice can be made");
        OFVector<FGBase *> groups;
        groups.push_back(&position);
        groups.push_back(&content);
        groups.push_back(derivation.get());
        must(seg->addFrame(pixel.data(), segment, groups));
        source.push_back(plane.frame);
        for (Uint8 in : pixel) {
            if (count % 8 == 0)
                bits.push_back(0);
            bits.back() = static_cast<Uint8>(bits.back() | (in != 0) << count++ % 8);
        }
    }
    /* Which frame of its file each one's slice is; dcmiod 3.6.7 cannot say it. */
    void sources_write(DcmItem *to)
    {
        DcmItem *frame = nullptr, *derivation = nullptr, *image = nullptr;
        for (size_t i = 0; i < source.size(); i++)
            if (source[i] > 0) {
                must(to->findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, frame, static_cast<long>(i)));
                must(frame->findAndGetSequenceItem(DCM_DerivationImageSequence, derivation));
                must(derivation->findAndGetSequenceItem(DCM_SourceImageSequence, image));
                ItemWriter(image).whole(DCM_ReferencedFrameNumber, source[i]);
            }
    }
    /* dcmseg 3.6.7 joins frames wrongly whose pixels are no multiple of eight: the bits once more, one after another. */
    void bits_write(DcmItem *to)
    {
        if (bits.size() % 2)
            bits.push_back(0);
        must(to->putAndInsertUint8Array(DCM_PixelData, bits.data(), static_cast<unsigned long>(bits.size())));
    }

  private:
    DcmSegmentation *seg;
    const dicom_object *o;
    std::vector<Uint8> pixel, bits;
    std::vector<Uint16> source; /* of each frame, its slice's frame; 0: a file of one */
    size_t count = 0;
};

std::string region_says(const finding &g, double threshold)
{
    std::string text = g.tumour ? "called tumour" : "not called tumour";
    return std::isnan(g.probability)
               ? text
               : text + ": probability " + percent(g.probability) + ", threshold " + percent(threshold);
}

void segments_fill(DcmSegmentation *seg, const dicom_object *o, Frames &frames)
{
    const findings *f = o->findings;
    auto const planes = planes_of_all(o);
    std::vector<Uint8> value(UINT16_MAX + 1, 0);
    Uint16 segment = 0;
    for (size_t i = 0; i < f->count; i++) {
        const finding &g = f->finding[i];
        if (!dicom_takes(o, &g))
            continue;
        std::string const label = "region " + std::to_string(g.number) + (g.tumour ? ", tumour" : "");
        segment_add(seg, f, label, region_says(g, f->threshold), property_category(g), property_type(g),
                    g.tumour ? RED : BLUE, &g);
        segment++;
        value[static_cast<size_t>(g.number)] = 1;
        for (size_t k : planes[static_cast<size_t>(g.number)])
            frames.add(segment, k, value);
        value[static_cast<size_t>(g.number)] = 0;
    }
}

void probability_fill(DcmSegmentation *seg, const dicom_object *o, Frames &frames)
{
    const findings *f = o->findings;
    auto const planes = planes_of_all(o);
    std::vector<Uint8> value(UINT16_MAX + 1, 0);
    std::vector<size_t> any;
    segment_add(seg, f, "probability of tumour", "in each region, the model's probability that it is a tumour",
                CODE_MORPHOLOGY, CODE_NEOPLASM, RED, nullptr);
    for (size_t i = 0; i < f->count; i++) {
        const finding &g = f->finding[i];
        if (!dicom_takes(o, &g) || std::isnan(g.probability))
            continue;
        value[static_cast<size_t>(g.number)] = static_cast<Uint8>(std::lround(g.probability * WHOLE));
        auto const &of = planes[static_cast<size_t>(g.number)];
        any.insert(any.end(), of.begin(), of.end());
    }
    std::sort(any.begin(), any.end());
    any.erase(std::unique(any.begin(), any.end()), any.end());
    if (any.empty())
        throw std::runtime_error("no region has a probability");
    for (size_t k : any)
        frames.add(1, k, value);
}

/* ReferencedSeriesSequence: every slice of the series, each instance once. */
void references_write(DcmItem *to, const dicom_series *s)
{
    delete to->remove(DCM_ReferencedSeriesSequence);
    ItemWriter series = ItemWriter(to).within(DCM_ReferencedSeriesSequence);
    series.text(DCM_SeriesInstanceUID, s->series_uid);
    std::map<std::string, bool> seen;
    for (size_t i = 0; i < s->plane_count; i++)
        if (seen.insert({s->plane[i].sop_instance, true}).second) {
            ItemWriter one = series.within(DCM_ReferencedInstanceSequence);
            one.text(DCM_ReferencedSOPClassUID, s->plane[i].sop_class);
            one.text(DCM_ReferencedSOPInstanceUID, s->plane[i].sop_instance);
        }
}

int write(const char *path, const dicom_object *o, object_kind kind, struct error *e)
{
    Uint16 const rows = static_cast<Uint16>(o->series->rows), columns = static_cast<Uint16>(o->series->columns);
    IODGeneralEquipmentModule::EquipmentInfo made_by("Petrel", "petrel-classify", "0", o->findings->version);
    bool const binary = kind == OBJECT_SEGMENTS;
    ContentIdentificationMacro content;
    must(content.setInstanceNumber("1"));
    must(content.setContentLabel(binary ? "REGIONS" : "PROBABILITY"));
    must(content.setContentDescription(binary ? "regions of high FDG uptake" : "probability that a region is a tumour"));
    must(content.setContentCreatorName("Petrel^Classify"));
    DcmSegmentation *made = nullptr;
    if (binary)
        must(DcmSegmentation::createBinarySegmentation(made, rows, columns, made_by, content));
    else
        must(DcmSegmentation::createFractionalSegmentation(made, rows, columns, DcmSegTypes::SFT_PROBABILITY, WHOLE,
                                                           made_by, content));
    std::unique_ptr<DcmSegmentation> const seg(made);
    seg->setCheckFGOnWrite(OFFalse); /* they are made here, all alike */
    seg->setCheckDimensionsOnWrite(OFFalse);
    must(seg->getSeries().setSeriesNumber(
        "1")); /* these three it must have to be written; identity_write has what they are */
    must(seg->getStudy().setStudyInstanceUID(o->series->study_uid));
    must(seg->getFrameOfReference().setFrameOfReferenceUID("1.2"));
    geometry_add(seg.get(), o, kind);
    Frames frames(seg.get(), o);
    if (binary)
        segments_fill(seg.get(), o, frames);
    else
        probability_fill(seg.get(), o, frames);
    DcmFileFormat file;
    must(seg->writeDataset(*file.getDataset()));
    if (binary)
        frames.bits_write(file.getDataset());
    frames.sources_write(file.getDataset());
    references_write(file.getDataset(), o->series);
    identity_write(file.getDataset(), o, kind, "SEG",
                   binary ? "Petrel: regions of high uptake" : "Petrel: probability of tumour");
    return object_publish(file, path, e);
}

} // namespace

extern "C" int dicom_seg_write(const char *path, const struct dicom_object *o, enum object_kind kind, struct error *e)
{
    return guarded(path, e, [&] { return write(path, o, kind, e); });
}
