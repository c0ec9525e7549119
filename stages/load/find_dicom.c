/* SPDX-License-Identifier: Apache-2.0 */
/* find_dicom -- the DICOM files of a folder tree, grouped into series, each with its truth (find_truth) and CT.   find -> [find_dicom] */
#include "common/log.h"
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

static bool is(const struct dicom_file *f, const char *modality)
{
    return strcmp(f->probe.modality, modality) == 0;
}

void dicom_files_add(struct dicom_files *d, const char *path, const char *label, const struct dicom_probe *probe)
{
    if (d->count == d->room) {
        d->room = d->room ? 2 * d->room : 256;
        d->item = xresize(d->item, d->room, sizeof *d->item);
    }
    struct dicom_file *f = &d->item[d->count++];
    *f = (struct dicom_file){.path = xstrdup(path), .label = xstrdup(label), .probe = *probe};
    truth_probe(f);
}

void dicom_files_free(struct dicom_files *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->item[i].path);
        free(d->item[i].label);
        dicom_references_free(&d->item[i].refers);
    }
    free(d->item);
    names_free(&d->unread);
    *d = (struct dicom_files){0};
}

int dicom_files_of(const char *dir, const char *label, struct dicom_files *d, struct error *e)
{
    struct names in = {0};
    if (dir_list(dir, &in, e) < 0)
        return -1;
    for (size_t i = 0; i < in.count; i++) {
        char *at = path_join(dir, in.name[i]);
        struct dicom_probe probe;
        if (file_exists(at) && find_probe(at, &probe, NULL) == 0)
            dicom_files_add(d, at, label, &probe);
        free(at);
    }
    names_free(&in);
    return 0;
}

/* Series after series, and within one by path. */
static int by_series(const void *left, const void *right)
{
    const struct dicom_file *a = left, *b = right;
    int order = series_order(a, b);
    return order ? order : strcmp(a->path, b->path);
}

void dicom_sources(struct sources *s, const struct dicom_files *d)
{
    size_t count = 0, before = s->count;
    struct dicom_file *image = xalloc(d->count + 1, sizeof *image);
    for (size_t i = 0; i < d->count; i++)
        if (is(&d->item[i], "PT"))
            image[count++] = d->item[i];
    qsort(image, count, sizeof *image, by_series);
    struct found_series *found = xalloc(count + 1, sizeof *found);
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first; last < count && series_order(&image[last], &image[first]) == 0;)
            last++;
        size_t const there = last - first, kept = series_unique(&image[first], there);
        struct source *f = sources_add(s, SOURCE_DICOM);
        f->path = path_parent(image[first].path);
        format_into(f->series_uid, sizeof f->series_uid, "%s", image[first].probe.series_uid);
        f->patient = *image[first].probe.patient_id ? xstrdup(image[first].probe.patient_id) : NULL;
        f->slice.name = xalloc(kept, sizeof *f->slice.name);
        for (size_t i = first; i < first + kept; i++)
            f->slice.name[f->slice.count++] = xstrdup(image[i].path);
        /* several series may share a folder: their labels must still differ */
        size_t others = 0;
        for (size_t i = before; i + 1 < s->count; i++)
            others += strcmp(s->item[i].path, f->path) == 0;
        f->label = others ? xprintf("%s#%zu", image[first].label, others + 1) : xstrdup(image[first].label);
        if (kept < there)
            log_note("'%s': %zu files are copies of others in it ((0008,0018) SOPInstanceUID): each image is read once",
                     f->label, there - kept);
        found[s->count - 1 - before] = series_measure(f, &image[first], kept);
        series_doubt(f, d);
        truth_find(f, d, &image[first]);
        ct_among(f, d, &image[first].probe);
    }
    series_choose(s, before, found);
    truth_tell_unused(s, before, d);
    free(found);
    free(image);
}
