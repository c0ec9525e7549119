/* SPDX-License-Identifier: Apache-2.0 */
/* find_ct -- the CT of a scan: which file or series it is.   find, find_dicom, list -> [find_ct] -> ct
 *
 *     image X         X_CTres or X_CT beside it (Y_CT for X = Y_PET, Y_SUV or Y_image), else (one scan in the folder) CTres, else CT; a
 *                     CT that lies on the PET's grid already goes first. Of nnU-Net's folders, ..._0000 for ..._0001
 *     DICOM series    the one CT series of the folder tree that was made in the same study (StudyInstanceUID) and frame of
 *                     reference (FrameOfReferenceUID); localisers are none. Two are refused: which one is not ours to say
 *     list, --ct      an image, or a folder with one CT series
 * Nothing is read here, and nothing is said before somebody asks for the CT (channels = pet,ct). */
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>

static void slices_take(struct source *f, const struct dicom_file *const *file, size_t count)
{
    f->ct = path_parent(file[0]->path);
    f->ct_slice.name = xalloc(count, sizeof *f->ct_slice.name);
    while (f->ct_slice.count < count) {
        f->ct_slice.name[f->ct_slice.count] = xstrdup(file[f->ct_slice.count]->path);
        f->ct_slice.count++;
    }
}

void source_clear_ct(struct source *f)
{
    free(f->ct);
    names_free(&f->ct_slice);
    f->ct = NULL;
    f->ct_slice = (struct names){0};
    f->ct_refused = (struct error){0};
}

/* ---- DICOM ---- */

static int by_series(const void *left, const void *right)
{
    const struct dicom_file *a = *(const struct dicom_file *const *)left, *b = *(const struct dicom_file *const *)right;
    int order = strcmp(a->probe.series_uid, b->probe.series_uid);
    return order ? order : strcmp(a->path, b->path);
}

/* Unknown UIDs contradict nothing. */
static bool alike(const char *a, const char *b)
{
    return !*a || !*b || strcmp(a, b) == 0;
}

/* pet NULL: any CT will do. */
static bool suits(const struct dicom_probe *ct, const struct dicom_probe *pet)
{
    return strcmp(ct->modality, "CT") == 0 && !ct->localiser &&
           (!pet || (alike(ct->study_uid, pet->study_uid) && alike(ct->frame_uid, pet->frame_uid)));
}

void ct_among(struct source *f, const struct dicom_files *d, const struct dicom_probe *pet)
{
    const struct dicom_file **ct = xalloc(d->count + 1, sizeof *ct);
    size_t count = 0, first = 0;
    for (size_t i = 0; i < d->count; i++)
        if (suits(&d->item[i].probe, pet))
            ct[count++] = &d->item[i];
    qsort(ct, count, sizeof *ct, by_series);
    while (first < count && strcmp(ct[first]->probe.series_uid, ct[0]->probe.series_uid) == 0)
        first++;
    if (first < count)
        fail(&f->ct_refused,
             "'%s' and '%s' are of two CT series that it may mean: name one with --ct or in the list's column ct",
             ct[0]->path, ct[first]->path);
    else if (count)
        slices_take(f, ct, count);
    free(ct);
}

/* ---- images ---- */

void ct_beside(struct source *f, const char *dir, const char *name, size_t stem)
{
    static const char *const kinds[] = {"CTres", "CT"};
    size_t const image = stem_ends(name, stem, "_image") ? stem - strlen("_image") : stem;
    size_t const stems[] = {stem, image, stem_without_kind(name, stem)};
    for (size_t k = 0; k < COUNT_OF(kinds) && !f->ct; k++) {
        char *tail = xprintf("_%s", kinds[k]), *twice = xprintf("__%s", kinds[k]);
        for (size_t i = 0; i < COUNT_OF(stems) && !f->ct; i++)
            f->ct = image_beside(dir, name, stems[i], tail);
        if (!f->ct)
            f->ct = image_beside(dir, name, stem_without_kind(name, stem), twice);
        free(twice);
        free(tail);
    }
    if (f->ct)
        return;
    for (size_t k = 0; k < COUNT_OF(kinds) && !f->ct; k++)
        f->ct = image_beside(dir, kinds[k], strlen(kinds[k]), "");
    const char *rival = f->ct ? image_rival(dir, name) : NULL;
    if (rival) {
        char *ct = f->ct;
        f->ct = NULL;
        fail(&f->ct_refused,
             "'%s' may be its CT or that of '%s' beside it: name it with --ct or in the list's column ct", ct, rival);
        free(ct);
    }
}

/* ---- named ---- */

int source_set_ct(struct source *f, const char *ct, struct error *e)
{
    struct dicom_files d = {0};
    source_clear_ct(f);
    if (!ct)
        return fail(&f->ct_refused, "its list says it has none (column ct)"), 0;
    if (file_exists(ct) && image_stem(ct)) {
        f->ct = xstrdup(ct);
        return 0;
    }
    if (!dir_exists(ct))
        return fail_as(e, EX_NOINPUT,
                       file_exists(ct) ? "'%s' is no CT: an image or a folder with a CT series is wanted"
                                       : "no such file or folder: '%s' (CT)",
                       ct);
    int rc = dicom_files_of(ct, "ct", &d, e);
    if (rc == 0)
        ct_among(f, &d, NULL);
    dicom_files_free(&d);
    if (rc == 0 && *f->ct_refused.text)
        rc = fail(e, "%s", f->ct_refused.text);
    if (rc == 0 && !f->ct)
        rc = fail_as(e, EX_NOINPUT, "no CT in '%s': no DICOM file of modality CT ((0008,0060))", ct);
    return rc;
}
