/* SPDX-License-Identifier: Apache-2.0 */
/* kept -- a SEG or RTSTRUCT that somebody drew, less what is no tumour: in the format it came in.   classify ═> kept maps -> [kept] ═> kept.dcm
 *
 * petrel-classify --keep tumour says on the map's own grid what stays and what goes (kept.nii.gz, taken_out.nii.gz: a segment's number, or
 * where a ROI stands in its file). Here the file itself, found by its digest, loses what goes and nothing else:
 *
 *   SEG       pixels of what goes are cleared; frames that this leaves empty go. Segments stay, with their numbers, labels, codes and tracking,
 *             for these must run without a gap (PS3.3 C.8.20.4): one that went wholly has no frame any more. BINARY, FRACTIONAL, LABELMAP.
 *             Pixels that another segment covers, or whose fraction was too small to be taken for inside, go with the nearest
 *             of their own segment that was judged.
 *   RTSTRUCT  contours of what goes are left out, whole; the others stay as they are, point for point. A contour goes with most of what lies along it.
 *             A ROI of which all goes is left out, unless none would be left. Points and open contours go with their ROI.
 *
 * Structures that were never regions (an outline of the body, an organ) are not judged and stay. The object is a new one: UIDs are derived
 * of the file's, the maps, model, settings and version; everything else about patient, study and equipment is the file's own, and
 * (0018,A001) ContributingEquipmentSequence says what was done. Signatures, which would no longer hold, are left out. */
#ifndef PETREL_EXPORT_KEPT_H
#define PETREL_EXPORT_KEPT_H
#include "stages/findings.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kept_map {
    struct grid grid;
    uint16_t *stays, *goes; /* [D][H][W]: the structure's number in one of them, 0 in the other */
    char sha256[65];        /* of both */
};
/* From DIR. -1: they are not there, or do not lie on each other. kept_map_free() it. */
int kept_map_read(const char *dir, struct kept_map *m, struct error *e) MUST_USE;
void kept_map_free(struct kept_map *m);

/* The path of the DICOM file among these files and folders that has this digest; the caller's. No file is parsed: only the one that petrel-load read in
 * its sandbox before is opened. -1: none has. */
int dicom_drawn_find(char *const *path, size_t count, const char *sha256, char **found, struct error *e) MUST_USE;
/* Published atomically. */
int dicom_kept_write(const char *path, const char *drawn, const struct findings *f, const struct kept_map *m,
                     struct error *e) MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
