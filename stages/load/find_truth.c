/* SPDX-License-Identifier: Apache-2.0 */
/* find_truth -- which RTSTRUCT or SEG is the truth of a DICOM series.   find_dicom -> [find_truth]
 *
 * It names the series (SeriesInstanceUID) in any of its references, or where it names none, one of its images (SOPInstanceUID): of the tree, or where that has none, of the folder mask/ beside the
 * series' own. Several SEG are joined; of several RTSTRUCT none is taken, and the scan refused: which one is not ours to say. One
 * drawn on another series of the same frame of reference, such as the CT, is taken only if it is named with --mask. One that cannot be
 * read may be of any series of its study that has no other: those are refused, too. */
#include "common/log.h"
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

void truth_probe(struct dicom_file *f)
{
    bool const segments = strcmp(f->probe.modality, "SEG") == 0;
    f->is_truth = segments || strcmp(f->probe.modality, "RTSTRUCT") == 0;
    if (f->is_truth)
        (void)!dicom_read_references(f->path, segments, &f->refers, &f->unreadable);
}

/* The files of the folder mask/ beside `folder`. */
static void sibling_files(const char *folder, struct dicom_files *d)
{
    char *parent = path_parent(folder), *dir = path_join(parent, "mask");
    if (dir_exists(dir))
        (void)!dicom_files_of(dir, "mask", d, NULL);
    free(dir);
    free(parent);
}

static void joined_add(struct source *f, const char *path)
{
    f->joined.name = xresize(f->joined.name, f->joined.count + 1, sizeof *f->joined.name);
    f->joined.name[f->joined.count++] = xstrdup(path);
}

/* It names the series of f, in any of its references; or where it names none, one of its images. */
static bool drawn_on(const struct dicom_file *drawn, const struct dicom_files *images, const char *series_uid)
{
    const struct dicom_references *r = &drawn->refers;
    if (r->series_count || !*r->instance)
        return dicom_refers_to(r, series_uid, NULL);
    for (size_t i = 0; i < images->count; i++)
        if (strcmp(images->item[i].probe.sop_instance, r->instance) == 0 &&
            strcmp(images->item[i].probe.series_uid, series_uid) == 0)
            return true;
    return false;
}

/* A copy of one that is taken already, byte for byte. */
static bool is_copy(const struct source *f, const struct dicom_file *first, const struct dicom_file *drawn)
{
    char one[65], other[65];
    return !*f->refused.text && *drawn->probe.sop_instance &&
           strcmp(first->probe.sop_instance, drawn->probe.sop_instance) == 0 &&
           file_sha256(first->path, one, NULL) == 0 && file_sha256(drawn->path, other, NULL) == 0 &&
           strcmp(one, other) == 0;
}

/* How many of `d` are drawn on the series of f; they become its mask. */
static size_t truth_among(const struct dicom_files *d, const struct dicom_files *images, struct source *f)
{
    const struct dicom_file *first = NULL;
    size_t found = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct dicom_file *drawn = &d->item[i];
        if (!drawn->is_truth || !drawn_on(drawn, images, f->series_uid))
            continue;
        if (first && is_copy(f, first, drawn))
            continue;
        if (found++ == 0) {
            first = drawn;
            f->mask = xstrdup(drawn->path);
        } else if (strcmp(first->probe.modality, "SEG") == 0 && strcmp(drawn->probe.modality, "SEG") == 0) {
            joined_add(f, drawn->path);
        } else {
            fail(&f->refused, "'%s' and '%s' are both drawn on this series: name one with --mask", f->mask, drawn->path);
        }
    }
    if (f->joined.count && !*f->refused.text)
        log_warn(
            "'%s': its %zu segmentations are joined ('%s', ...): name one with --mask if they are of several readers",
            f->label, f->joined.count + 1, f->mask);
    return found;
}

/* One of the same study that nobody can read. */
static void unreadable_among(const struct dicom_files *d, const struct dicom_file *pet, struct source *f)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct dicom_file *drawn = &d->item[i];
        if (*drawn->unreadable.text && strcmp(drawn->probe.study_uid, pet->probe.study_uid) == 0 && !*f->refused.text)
            fail(&f->refused, "its truth may be one that cannot be read: %s: mend or remove it, or name one with --mask",
                 drawn->unreadable.text);
    }
}

void truth_find(struct source *f, const struct dicom_files *d, const struct dicom_file *pet)
{
    struct dicom_files beside = {0};
    if (truth_among(d, d, f) > 0)
        return;
    sibling_files(f->path, &beside);
    if (truth_among(&beside, d, f) == 0) {
        unreadable_among(d, pet, f);
        unreadable_among(&beside, pet, f);
    }
    dicom_files_free(&beside);
}

/* It lies in the frame of reference of a scan from s->item[first] on, whose truth it might be if it were named. */
static bool same_frame(const struct sources *s, size_t first, const struct dicom_files *d,
                       const struct dicom_references *r)
{
    for (size_t i = 0; i < d->count; i++)
        for (size_t k = first; k < s->count; k++)
            if (strcmp(d->item[i].probe.series_uid, s->item[k].series_uid) == 0 && *s->item[k].series_uid &&
                dicom_refers_to(r, "", d->item[i].probe.frame_uid))
                return true;
    return false;
}

/* Scans from s->item[first] on that it is truth of. */
static size_t used_by(const struct sources *s, size_t first, const struct dicom_files *d, const struct dicom_file *drawn)
{
    size_t used = 0;
    for (size_t i = first; i < s->count; i++) {
        const struct source *f = &s->item[i];
        used += f->kind == SOURCE_DICOM && f->mask && drawn_on(drawn, d, f->series_uid);
    }
    return used;
}

void truth_tell_unused(const struct sources *s, size_t first, const struct dicom_files *d)
{
    const struct dicom_file *one = NULL;
    size_t unused = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct dicom_file *drawn = &d->item[i];
        size_t const used = drawn->is_truth ? used_by(s, first, d, drawn) : 0;
        if (*drawn->unreadable.text)
            log_warn("%s; no scan gets its truth from it", drawn->unreadable.text);
        else if (drawn->is_truth && used == 0 && unused++ == 0)
            one = drawn;
        if (used > 1)
            log_warn("'%s' is the truth of %zu scans: it names their series", drawn->path, used);
    }
    if (!one)
        return;
    log_warn(
        "%zu RTSTRUCT or SEG are truth of no scan: '%s'%s was drawn on %s%s%s", unused, one->path,
        unused > 1 ? ", the first," : "", one->refers.series_count ? "series " : "no series that it names",
        one->refers.series_count ? one->refers.series[0] : "",
        same_frame(s, first, d, &one->refers)
            ? ", and lies in the frame of reference of a scan that is read: if it is its truth, name it with --mask"
            : ", which is none that is read");
}
