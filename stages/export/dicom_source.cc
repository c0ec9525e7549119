/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_source -- the PET series of some folders: planes, identity, digest.   [dicom_source] -> layout, dicom_seg, dicom_sr, dicom_rtstruct */
#include "stages/export/dicom_inside.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <sys/stat.h>

namespace
{

enum { DEEPEST = 100 };

/* A plane, and what all of its series should share. */
struct Slice {
    dicom_plane plane = {};
    double orientation[6] = {}, spacing[2] = {};
    Uint16 rows = 0, columns = 0;
};
struct SourceFile {
    std::string path, instance, refused;
    std::vector<Slice> slices;
};
/* Of a series only the first header stays: an archive has thousands. */
struct Building {
    std::vector<SourceFile> files;
    std::unique_ptr<DcmFileFormat> header;
    std::string header_path;
};
using Found = std::map<std::string, Building>; /* by SeriesInstanceUID */

void uid_at(DcmItem *item, const DcmTagKey &tag, char uid[UID_SIZE])
{
    snprintf(uid, UID_SIZE, "%s", text_at(item, tag).c_str());
}

/* "DICM" behind 128 bytes of anything, or the first element of an older file. */
bool begins_as_dicom(const char *path)
{
    unsigned char start[132] = {0};
    FILE *from = fopen(path, "rb");
    size_t const size = from != nullptr ? fread(start, 1, sizeof start, from) : 0;
    if (from != nullptr)
        fclose(from);
    bool const element = size > 8 && (start[0] == 2 || start[0] == 8) && start[1] == 0 && start[3] == 0;
    return (size == sizeof start && memcmp(start + 128, "DICM", 4) == 0) || element;
}

void slices_read(DcmItem *set, SourceFile &to);

void file_look(const char *path, Found &found)
{
    auto const glance = header_read(path, DcmTagKey(0x0008, 0x0061));
    if (!glance || text_at(glance->getDataset(), DCM_Modality) != "PT")
        return;
    auto file = header_read(path, DCM_PixelData);
    if (!file)
        return;
    Building &series = found[text_at(file->getDataset(), DCM_SeriesInstanceUID).c_str()];
    SourceFile one;
    one.path = path;
    one.instance = text_at(file->getDataset(), DCM_SOPInstanceUID).c_str();
    slices_read(file->getDataset(), one);
    series.files.push_back(std::move(one));
    if (!series.header || series.header_path > path) {
        series.header = std::move(file);
        series.header_path = path;
    }
}

/* ---- one series ---- */

bool alike(const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (std::fabs(a[i] - b[i]) > 1e-3)
            return false;
    return true;
}

bool slice_read(DcmItem *set, long frame, Slice *to)
{
    if (!reals_at(group_of(set, frame, DCM_PlanePositionSequence), DCM_ImagePositionPatient, 3, to->plane.position_mm) ||
        !reals_at(group_of(set, frame, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient, 6, to->orientation) ||
        !reals_at(group_of(set, frame, DCM_PixelMeasuresSequence), DCM_PixelSpacing, 2, to->spacing) ||
        set->findAndGetUint16(DCM_Rows, to->rows).bad() || set->findAndGetUint16(DCM_Columns, to->columns).bad())
        return false;
    uid_at(set, DCM_SOPClassUID, to->plane.sop_class);
    uid_at(set, DCM_SOPInstanceUID, to->plane.sop_instance);
    to->plane.frame = static_cast<uint16_t>(frame + 1);
    return true;
}

/* The slices of one file: its frames, where it has several. */
void slices_read(DcmItem *set, SourceFile &to)
{
    DcmSequenceOfItems *frames = nullptr;
    bool const one = set->findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, frames).bad() || frames == nullptr;
    unsigned long const count = one ? 1 : frames->card();
    if (to.instance.empty())
        to.refused = "a slice has no (0008,0018) SOPInstanceUID";
    else if (count > UINT16_MAX)
        to.refused = "more frames in a file than a reference can number";
    for (unsigned long k = 0; k < count && to.refused.empty(); k++) {
        Slice slice;
        if (!slice_read(set, one ? -1 : static_cast<long>(k), &slice))
            to.refused = "a slice does not say where it lies";
        to.slices.push_back(slice);
    }
}

/* Without copies: files of one SOPInstanceUID and the same bytes. Those of one and other bytes stay, counted. */
int files_keep(std::vector<SourceFile> &files, dicom_series *s, struct error *e)
{
    std::sort(files.begin(), files.end(), [](const SourceFile &a, const SourceFile &b) { return a.path < b.path; });
    std::map<std::string, unsigned> times;
    std::map<std::string, std::set<std::string>> digests; /* of an instance met more than once */
    std::vector<SourceFile> kept;
    for (auto const &f : files)
        times[f.instance]++;
    for (auto &f : files) {
        char hex[65];
        if (times[f.instance] > 1) {
            if (file_sha256(f.path.c_str(), hex, e) < 0)
                return -1;
            auto &seen = digests[f.instance];
            if (!seen.insert(hex).second)
                continue;
            s->repeated += seen.size() > 1;
        }
        kept.push_back(std::move(f));
    }
    files = std::move(kept);
    return 0;
}

std::string slices_take(dicom_series *s, const std::vector<SourceFile> &files)
{
    const Slice *first = nullptr;
    for (auto const &f : files) {
        if (!f.refused.empty())
            return f.refused;
        for (auto const &slice : f.slices) {
            if (first == nullptr) {
                first = &slice;
                memcpy(s->orientation, slice.orientation, sizeof s->orientation);
                memcpy(s->pixel_spacing_mm, slice.spacing, sizeof s->pixel_spacing_mm);
                s->rows = slice.rows;
                s->columns = slice.columns;
            }
            if (!alike(first->orientation, slice.orientation, 6) || !alike(first->spacing, slice.spacing, 2) ||
                first->rows != slice.rows || first->columns != slice.columns)
                return "its slices differ in direction, spacing or size";
            s->plane[s->plane_count++] = slice.plane;
        }
    }
    return s->plane_count < 2 ? "it has one slice alone" : "";
}

int series_read(const std::string &uid, Building &from, dicom_series *s, struct error *e)
{
    size_t slices = 0;
    if (files_keep(from.files, s, e) < 0)
        return -1;
    s->file.name = static_cast<char **>(xalloc(from.files.size() + 1, sizeof *s->file.name));
    for (auto const &f : from.files) {
        s->file.name[s->file.count++] = xstrdup(f.path.c_str());
        slices += f.slices.size();
    }
    s->plane = static_cast<dicom_plane *>(xalloc(slices + 1, sizeof *s->plane));
    snprintf(s->refused, sizeof s->refused, "%s", slices_take(s, from.files).c_str());
    snprintf(s->series_uid, sizeof s->series_uid, "%s", uid.c_str());
    uid_at(from.header->getDataset(), DCM_StudyInstanceUID, s->study_uid);
    uid_at(from.header->getDataset(), DCM_FrameOfReferenceUID, s->frame_uid);
    s->header = from.header.release();
    return 0;
}

} // namespace

OFString text_at(DcmItem *item, const DcmTagKey &tag)
{
    OFString text;
    if (item == nullptr || item->findAndGetOFStringArray(tag, text).bad())
        return "";
    size_t const last = text.find_last_not_of(OFString(" \0", 2));
    return last == OFString_npos ? "" : text.substr(0, last + 1);
}

bool reals_at(DcmItem *item, const DcmTagKey &tag, unsigned long count, double *to)
{
    for (unsigned long i = 0; i < count; i++)
        if (item == nullptr || item->findAndGetFloat64(tag, to[i], i).bad() || !std::isfinite(to[i]))
            return false;
    return true;
}

DcmItem *group_of(DcmItem *set, long frame, const DcmTagKey &sequence)
{
    DcmItem *group = nullptr, *item = nullptr;
    if (frame < 0)
        return set;
    if (set->findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, group, frame).good() &&
        group->findAndGetSequenceItem(sequence, item, 0).good())
        return item;
    if (set->findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, group, 0).good() &&
        group->findAndGetSequenceItem(sequence, item, 0).good())
        return item;
    return nullptr;
}

/* A file's header; most files of a folder are of another modality, which is known soon. */
std::unique_ptr<DcmFileFormat> header_read(const char *path, const DcmTagKey &until)
{
    auto file = std::make_unique<DcmFileFormat>();
    if (file->loadFileUntilTag(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect, until).bad())
        return nullptr;
    return file;
}

void dicom_files_each(const std::string &path, const std::function<void(const char *)> &visit, int depth)
{
    struct stat status;
    struct names in = {};
    if (stat(path.c_str(), &status) != 0)
        return;
    if (S_ISREG(status.st_mode) && begins_as_dicom(path.c_str()))
        visit(path.c_str());
    else if (S_ISDIR(status.st_mode) && depth < DEEPEST && dir_list(path.c_str(), &in, nullptr) == 0)
        for (size_t i = 0; i < in.count; i++)
            if (in.name[i][0] != '.') {
                std::unique_ptr<char, void (*)(void *)> const at(path_join(path.c_str(), in.name[i]), free);
                dicom_files_each(at.get(), visit, depth + 1);
            }
    names_free(&in);
}

extern "C" int dicom_series_find(char *const *path, size_t count, struct dicom_series **series, size_t *series_count,
                                 struct error *e)
{
    *series = nullptr;
    *series_count = 0;
    return guarded("the series' headers", e, [&] {
        Found found;
        for (size_t i = 0; i < count; i++)
            dicom_files_each(path[i], [&](const char *file) { file_look(file, found); });
        *series = static_cast<dicom_series *>(xalloc(found.size() + 1, sizeof **series));
        for (auto &[uid, building] : found)
            if (series_read(uid, building, &(*series)[(*series_count)++], e) < 0)
                return -1;
        return 0;
    });
}

extern "C" void dicom_series_free(struct dicom_series *series, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(series[i].plane);
        names_free(&series[i].file);
        delete static_cast<DcmFileFormat *>(series[i].header);
    }
    free(series);
}
