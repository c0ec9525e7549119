/* SPDX-License-Identifier: Apache-2.0 */
/* find_series -- which files are one series, and which series of a study are read.   find_dicom -> [find_series]
 *
 *     one series       a SeriesInstanceUID, and within it what is corrected for attenuation or is not; files without one are refused,
 *                      a folder at a time: which slices belong together is not ours to guess
 *     read in place    of a series that is not corrected for attenuation, one of the same study that is; of one that was made of
 *                      other images (resliced, resampled), the one it was made of
 *     parts of one     series of one study and frame of reference that lie one after the other are parts of one body: refused where
 *     body             each is no longer than a scanner's field of view, as beds that nobody joined are, and else said
 * What is left out is said; nothing is joined. */
#include "common/log.h"
#include "stages/load/load.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BED_MM = 300 }; /* the axial field of view of scanners that take several: 150 to 260 mm */

/* ---- one series ---- */

/* Said to be without; of what says nothing, nothing is known. */
static bool uncorrected(const struct dicom_probe *probe)
{
    return *probe->corrected && !values_have(probe->corrected, "ATTN");
}

int series_order(const struct dicom_file *a, const struct dicom_file *b)
{
    int order = strcmp(a->probe.series_uid, b->probe.series_uid);
    if (order == 0 && !*a->probe.series_uid)
        order = strcmp(a->label, b->label);
    return order ? order : uncorrected(&a->probe) - uncorrected(&b->probe);
}

static int by_instance(const void *left, const void *right)
{
    const struct dicom_file *a = *(const struct dicom_file *const *)left, *b = *(const struct dicom_file *const *)right;
    int order = strcmp(a->probe.sop_instance, b->probe.sop_instance);
    return order ? order : (a > b) - (a < b);
}

static bool same_bytes(const char *a, const char *b)
{
    struct stat one, other;
    struct buffer here = {0}, there = {0};
    if (stat(a, &one) != 0 || stat(b, &other) != 0 || one.st_size != other.st_size)
        return false;
    bool const same = file_read(a, SIZE_MAX / 2, &here, NULL) == 0 && file_read(b, SIZE_MAX / 2, &there, NULL) == 0 &&
                      here.size == there.size && memcmp(here.data, there.data, here.size) == 0;
    buffer_free(&here);
    buffer_free(&there);
    return same;
}

size_t series_unique(struct dicom_file *image, size_t count)
{
    const struct dicom_file **sorted = xalloc(count, sizeof(const struct dicom_file *));
    bool *copy = xalloc(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &image[i];
    qsort(sorted, count, sizeof *sorted, by_instance);
    for (size_t first = 0, i = 1; i < count; i++)
        if (!*sorted[i]->probe.sop_instance ||
            strcmp(sorted[i]->probe.sop_instance, sorted[first]->probe.sop_instance) != 0)
            first = i;
        else
            copy[sorted[i] - image] = same_bytes(sorted[first]->path, sorted[i]->path);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!copy[i])
            image[kept++] = image[i];
    free(copy);
    free(sorted);
    return kept;
}

struct found_series series_measure(struct source *f, const struct dicom_file *image, size_t count)
{
    static const char *const remade[] = {"MPR", "REFORMATTED", "RESAMPLED", "CSA MPR", "MIP", "AXIAL_REFORMATTED"};
    const struct dicom_probe *first = &image[0].probe;
    const double *o = first->orientation;
    struct found_series found = {
        .uncorrected = uncorrected(first),
        .low_mm = HUGE_VAL,
        .high_mm = -HUGE_VAL,
        .count = count,
        .normal = {o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]}};
    memcpy(found.study_uid, first->study_uid, sizeof found.study_uid);
    memcpy(found.frame_uid, first->frame_uid, sizeof found.frame_uid);
    memcpy(found.image_type, first->image_type, sizeof found.image_type);
    memcpy(found.corrected, first->corrected, sizeof found.corrected);
    const char *second = strchr(found.image_type, '\\');
    found.derived = strncmp(found.image_type, "DERIVED", 7) == 0 || (second && strncmp(second, "\\SECONDARY", 10) == 0);
    for (size_t i = 0; i < COUNT_OF(remade); i++)
        found.derived |= values_have(found.image_type, remade[i]);
    for (size_t i = 0; i < count; i++) {
        const double *at = image[i].probe.position_mm;
        double const along = found.normal[0] * at[0] + found.normal[1] * at[1] + found.normal[2] * at[2];
        found.low_mm = along < found.low_mm || isnan(along) ? along : found.low_mm;
        found.high_mm = along > found.high_mm || isnan(along) ? along : found.high_mm;
    }
    if (!*first->series_uid)
        fail(&f->refused,
             "(0020,000E) SeriesInstanceUID is missing in '%s' and %zu more files of its folder: which of them are one "
             "series is not known",
             image[0].path, count - 1);
    return found;
}

/* ---- slices that may be missing ---- */

void series_doubt(struct source *f, const struct dicom_files *d)
{
    for (size_t i = 0; i < d->unread.count && !f->doubt; i++) {
        char *folder = path_parent(d->unread.name[i]);
        for (size_t k = 0; k < f->slice.count && !f->doubt; k++) {
            char *own = path_parent(f->slice.name[k]);
            if (strcmp(own, folder) == 0)
                f->doubt = xprintf("'%s' beside them cannot be read", d->unread.name[i]);
            free(own);
        }
        free(folder);
    }
}

/* ---- which are read ---- */

static bool same_study(const struct found_series *a, const struct found_series *b)
{
    return *a->study_uid && strcmp(a->study_uid, b->study_uid) == 0 &&
           (!*a->frame_uid || !*b->frame_uid || strcmp(a->frame_uid, b->frame_uid) == 0);
}

/* Which one is read in place of series i; NULL: none. */
static const struct source *stands_for(const struct source *item, const struct found_series *found,
                                       const bool *left_out, size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++)
        if (k != i && !left_out[k] && !*item[k].refused.text && !found[k].uncorrected &&
            same_study(&found[i], &found[k]) && 2 * found[k].count >= found[i].count &&
            (found[i].uncorrected || (found[i].derived && !found[k].derived)))
            return &item[k];
    return NULL;
}

static void leave_out(const struct source *f, const struct found_series *found, const struct source *other)
{
    const char *truth = f->mask ? "; the truth that is drawn on it is left out, too" : "";
    if (found->uncorrected)
        log_warn("'%s' is not read: it is not corrected for attenuation ((0028,0051) CorrectedImage is '%s'), and '%s' "
                 "of the same study is%s",
                 f->label, found->corrected, other->label, truth);
    else
        log_warn("'%s' is not read: it was made of other images ((0008,0008) ImageType is '%s'), and '%s' of the same "
                 "study was not%s",
                 f->label, found->image_type, other->label, truth);
}

/* b goes on where a ends, or the other way round. */
static bool goes_on(const struct found_series *a, const struct found_series *b)
{
    double const alike = fabs(a->normal[0] * b->normal[0] + a->normal[1] * b->normal[1] + a->normal[2] * b->normal[2]);
    double const a_mm = a->high_mm - a->low_mm, b_mm = b->high_mm - b->low_mm;
    double const overlap = fmin(a->high_mm, b->high_mm) - fmax(a->low_mm, b->low_mm);
    double const step =
        fmax(a->count > 1 ? a_mm / (double)(a->count - 1) : 0, b->count > 1 ? b_mm / (double)(b->count - 1) : 0);
    return *a->frame_uid && *b->frame_uid && same_study(a, b) && alike > 0.99 && overlap > -2.5 * step &&
           overlap < 0.5 * fmin(a_mm, b_mm);
}

static void parts_tell(struct source *item, const struct found_series *found, const bool *left_out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            if (k == i || left_out[i] || left_out[k] || *item[i].refused.text || !goes_on(&found[i], &found[k]))
                continue;
            double const longer = fmax(found[i].high_mm - found[i].low_mm, found[k].high_mm - found[k].low_mm);
            if (longer <= BED_MM)
                fail(&item[i].refused,
                     "'%s' (%zu slices, %g to %g mm) and '%s' (%g to %g mm) are beds of one body, of one study and "
                     "frame "
                     "of reference: join them to one series, or give one alone",
                     item[i].label, found[i].count, found[i].low_mm, found[i].high_mm, item[k].label, found[k].low_mm,
                     found[k].high_mm);
            else if (i < k)
                log_warn("'%s' and '%s' are parts of one body, of one study and frame of reference: each is read as a "
                         "scan of its own",
                         item[i].label, item[k].label);
        }
}

void series_choose(struct sources *s, size_t before, const struct found_series *found)
{
    size_t const count = s->count - before;
    struct source *item = s->item + before;
    bool *left_out = xalloc(count, sizeof *left_out);
    for (size_t i = 0; i < count; i++) {
        const struct source *other = stands_for(item, found, left_out, count, i);
        if (!other)
            continue;
        leave_out(&item[i], &found[i], other);
        left_out[i] = true;
    }
    parts_tell(item, found, left_out, count);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (left_out[i])
            source_free(&item[i]);
        else
            item[kept++] = item[i];
    s->count = before + kept;
    free(left_out);
}
