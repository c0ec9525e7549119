/* SPDX-License-Identifier: Apache-2.0 */
/* dicom_kept -- the file that somebody drew, found by its digest, and written back as an object of its own.   kept -> [dicom_kept] -> _kept_seg, _kept_rtstruct */
#include "stages/export/dicom_kept_inside.h"

#include <dcmtk/dcmdata/dcrledrg.h>

#include <cstdlib>
#include <cstring>

namespace
{

const dicom_code MODIFYING = {"109103", "DCM", "Modifying Equipment"}; /* CID 7005 */

void uid_write(DcmItem *set, const DcmTagKey &tag, const char *what, const findings *f, const kept_map *m)
{
    char uid[UID_SIZE];
    std::string const name = std::string("kept|") + what + "|" + text_at(set, DCM_SOPInstanceUID).c_str() + "|" +
                             f->given_sha256 + "|" + m->sha256 + "|" + f->model_sha256 + "|" + f->settings + "|" +
                             f->version + "|" + std::to_string(f->threshold);
    uid_derive(name.c_str(), uid);
    ItemWriter(set).text(tag, uid);
}

/* Patient, study and equipment stay the file's; it is another object of another series, and says who made it so. */
void identity_change(DcmItem *set, const findings *f, const kept_map *m)
{
    ItemWriter w(set);
    uid_write(set, DCM_SeriesInstanceUID, "series", f, m);
    uid_write(set, DCM_SOPInstanceUID, "object", f, m); /* last: the names are made of what it was */
    w.text(DCM_SeriesNumber, "9005");
    w.text(DCM_SeriesDescription, "Petrel: given regions, no tumour taken out");
    for (auto const &tag : {DCM_InstanceCreatorUID, DCM_MACParametersSequence, DCM_DigitalSignaturesSequence})
        delete set->remove(tag);
    ItemWriter made = w.within(DCM_ContributingEquipmentSequence);
    made.code(DCM_PurposeOfReferenceCodeSequence, MODIFYING);
    made.text(DCM_Manufacturer, "Petrel");
    made.text(DCM_ManufacturerModelName, "petrel-classify");
    made.text(DCM_SoftwareVersions, f->version);
    std::string how = "what is called no tumour was taken out: threshold " + decimal(f->threshold);
    if (*f->model_sha256)
        how += ", model SHA-256 " + std::string(f->model_sha256);
    made.text(DCM_ContributionDescription, how);
}

int write(const char *path, const char *drawn, const findings *f, const kept_map *m, struct error *e)
{
    DcmFileFormat file;
    DcmRLEDecoderRegistration::registerCodecs();
    OFCondition loaded = file.loadFile(drawn);
    DcmDataset *const set = file.getDataset();
    if (loaded.good())
        loaded = file.loadAllDataIntoMemory();
    if (loaded.good())
        loaded = set->chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
    if (loaded.bad())
        return fail_as(e, EX_DATAERR, "cannot write '%s' back: %s", drawn, loaded.text());
    if (text_at(set, DCM_Modality) == "SEG")
        seg_keep(set, m);
    else
        rtstruct_keep(set, m);
    identity_change(set, f, m);
    file.getMetaInfo()->clear();
    return object_publish(file, path, e);
}

} // namespace

extern "C" int dicom_drawn_find(char *const *path, size_t count, const char *sha256, char **found, struct error *e)
{
    *found = nullptr;
    return guarded("what was drawn", e, [&] {
        size_t seen = 0;
        for (size_t i = 0; i < count && *found == nullptr; i++)
            dicom_files_each(path[i], [&](const char *file) {
                char hex[65];
                if (*found != nullptr)
                    return;
                seen++;
                if (file_sha256(file, hex, nullptr) == 0 && strcmp(hex, sha256) == 0)
                    *found = xstrdup(file);
            });
        return *found != nullptr
                   ? 0
                   : fail(e,
                          "the regions that were drawn on it are not among the files given: of %zu DICOM files "
                          "none has the SHA-256 of the one that was read",
                          seen);
    });
}

extern "C" int dicom_kept_write(const char *path, const char *drawn, const struct findings *f, const struct kept_map *m,
                                struct error *e)
{
    return guarded(path, e, [&] { return write(path, drawn, f, m, e); });
}
