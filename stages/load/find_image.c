/* SPDX-License-Identifier: Apache-2.0 */
/* find_image -- the images of a folder: which of them are scans, and what lies beside each.   find -> [find_image]
 *
 * Names are compared without regard to case. The truth of X is X_mask (or _seg, _label, _labels, _segmentation, .seg) beside it; Y_mask for
 * X = Y_image, Y_PET, Y_PT or Y_SUV; in a folder with one scan, SEG, mask, label, segmentation or TTB; in the folders of nnU-Net,
 * labelsTr (nnunet.c). Where two files may be it, or one that of two scans, none is taken and the scan is refused: which one is not ours
 * to say. Truth that is nobody's is told. */
#include "common/log.h"
#include "stages/load/load.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const truth_names[] = {"SEG", "mask", "masks", "label", "labels", "segmentation", "TTB"};
static const char *const truth_tails[] = {"_mask", "_seg", "_label", "_labels", "_segmentation", "_dseg", ".seg"};
static const char *const scan_tails[] = {"_image", "_PET", "_SUV", "_PT"};

bool stem_ends(const char *name, size_t stem, const char *tail)
{
    size_t length = strlen(tail);
    return stem >= length && strncasecmp(name + stem - length, tail, length) == 0;
}

static bool stem_is(const char *name, size_t stem, const char *whole)
{
    return strlen(whole) == stem && strncasecmp(name, whole, stem) == 0;
}

/* By its name it is the truth of some scan. */
static bool image_is_truth(const char *name)
{
    size_t const stem = image_stem(name);
    for (size_t i = 0; i < COUNT_OF(truth_names); i++)
        if (stem_is(name, stem, truth_names[i]))
            return true;
    for (size_t i = 0; i < COUNT_OF(truth_tails); i++)
        if (stem_ends(name, stem, truth_tails[i]))
            return true;
    return false;
}

bool image_is_scan(const char *name)
{
    static const char *const others[] = {"CT", "CTres", "ORGANS"};
    static const char *const tails[] = {"_CT", "_CTres", "_organs"};
    size_t stem = image_stem(name);
    if (stem == 0 || image_is_truth(name))
        return false;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (stem_is(name, stem, others[i]))
            return false;
    for (size_t i = 0; i < COUNT_OF(tails); i++)
        if (stem_ends(name, stem, tails[i]))
            return false;
    /* BIDS says what each file is */
    return strncmp(name, "sub-", 4) != 0 || stem_ends(name, stem, "_pet");
}

char *image_beside(const char *dir, const char *stem, size_t length, const char *tail)
{
    const char *ending;
    char *path = NULL;
    for (size_t i = 0; !path && (ending = image_ending(i)); i++) {
        char *name = xprintf("%.*s%s%s", (int)length, stem, tail, ending);
        path = listing_find(dir, name);
        free(name);
    }
    return path;
}

const char *image_rival(const char *dir, const char *name)
{
    const struct names *in = listing_of(dir);
    const char *study = autopet_scan(in);
    for (size_t i = 0; !study && i < in->count; i++)
        if (strcmp(in->name[i], name) != 0 && in->name[i][0] != '.' && image_is_scan(in->name[i]))
            return in->name[i];
    return NULL;
}

/* ---- who it is ---- */

/* PATIENT/STUDY/PET.nii.gz: who it is stands in the folders. */
static void names_from_folders(struct source *f, const char *path)
{
    char *real = realpath(path, NULL);
    char *study = real ? path_parent(real) : NULL, *patient = study ? path_parent(study) : NULL;
    if (patient && *path_base(patient)) {
        f->study = xstrdup(path_base(study));
        f->patient = xstrdup(path_base(patient));
    }
    free(patient);
    free(study);
    free(real);
}

/* sub-01_ses-2_trc-fdg_pet, as BIDS has it. */
static bool names_from_bids(struct source *f, const char *name, size_t stem)
{
    const char *session = strstr(name, "_ses-");
    if (strncmp(name, "sub-", 4) != 0 || !stem_ends(name, stem, "_pet"))
        return false;
    f->patient = xprintf("%.*s", (int)strcspn(name, "_"), name);
    if (session)
        f->study = xprintf("%.*s", (int)strcspn(session + 1, "_"), session + 1);
    return true;
}

size_t stem_without_kind(const char *name, size_t stem)
{
    size_t const whole = stem;
    for (size_t i = 0; i < COUNT_OF(scan_tails); i++)
        if (stem_ends(name, stem, scan_tails[i]) && stem > strlen(scan_tails[i]))
            stem -= strlen(scan_tails[i]);
    while (stem < whole && stem > 1 && name[stem - 1] == '_')
        stem--;
    return stem;
}

/* ---- its truth ---- */

/* Every X_mask, X_seg, ... beside it: the first becomes its truth, a second one refuses it. */
static void truth_of_stem(struct source *f, const char *dir, const char *name, size_t stem)
{
    for (size_t i = 0; i < COUNT_OF(truth_tails); i++) {
        char *found = image_beside(dir, name, stem, truth_tails[i]);
        if (!found)
            continue;
        if (!f->mask) {
            f->mask = found;
            continue;
        }
        if (strcmp(found, f->mask) != 0)
            fail(&f->refused, "'%s' and '%s' may both be its truth: name one with --mask or in a list", f->mask, found);
        free(found);
    }
}

/* SEG and the like belong to the one scan of their folder. */
static void truth_of_folder(struct source *f, const char *dir, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(truth_names) && !f->mask; i++)
        f->mask = image_beside(dir, truth_names[i], strlen(truth_names[i]), "");
    const char *rival = f->mask ? image_rival(dir, name) : NULL;
    if (rival)
        fail(&f->refused, "'%s' may be its truth or that of '%s' beside it: name it with --mask or in a list", f->mask,
             rival);
}

static void truth_beside(struct source *f, const char *dir, const char *name, size_t stem)
{
    size_t const image = stem_ends(name, stem, "_image") ? stem - strlen("_image") : stem;
    truth_of_stem(f, dir, name, stem);
    if (!f->mask && image < stem)
        truth_of_stem(f, dir, name, image);
    if (!f->mask && stem_without_kind(name, stem) < image)
        truth_of_stem(f, dir, name, stem_without_kind(name, stem));
    if (!f->mask)
        truth_of_folder(f, dir, name);
}

static void organs_beside(struct source *f, const char *dir, const char *name)
{
    const char *rival;
    f->organs = image_beside(dir, "ORGANS", strlen("ORGANS"), "");
    if (f->organs && (rival = image_rival(dir, name))) {
        log_warn("'%s' may be the organ map of '%s' or of '%s': taken for neither, name it with --organs or in a list",
                 f->organs, name, rival);
        source_set_organs(f, NULL);
    }
}

void image_source(struct sources *s, const char *path, const char *label)
{
    struct source *f = sources_add(s, SOURCE_IMAGE);
    const char *name = path_base(path);
    size_t stem = image_stem(name);
    char *dir = path_parent(path), *json = xprintf("%.*s.json", (int)stem, name);
    f->path = xstrdup(path);
    f->label = xstrdup(label);
    f->sidecar = listing_find(dir, json);
    organs_beside(f, dir, name);
    if (!nnunet_source(f, path)) {
        truth_beside(f, dir, name, stem);
        if (stem_is(name, stem, "SUV") || stem_ends(name, stem, "_SUV") || ends_with(dir, "_SUV"))
            f->units = xstrdup("SUV");
        if (stem_is(name, stem, "SUV") || stem_is(name, stem, "PET"))
            names_from_folders(f, path);
        else if (!names_from_bids(f, name, stem))
            f->patient = xprintf("%.*s", (int)stem_without_kind(name, stem), name);
        ct_beside(f, dir, name, stem);
    }
    free(json);
    free(dir);
}

/* ---- an image among others ---- */

static void truth_note(struct sources *s, const char *path)
{
    s->truth.name = xresize(s->truth.name, s->truth.count + 1, sizeof *s->truth.name);
    s->truth.name[s->truth.count++] = xstrdup(path);
}

void image_look(struct sources *s, const char *path, const char *label)
{
    char *dir = path_parent(path);
    const char *name = path_base(path), *study = autopet_scan(listing_of(dir));
    bool ours = false;
    if (nnunet_is_label(path) || (image_is_truth(name) && !nnunet_knows(path, &ours)))
        truth_note(s, path);
    else if (nnunet_knows(path, &ours)) {
        if (ours)
            image_source(s, path, label);
    } else if (!image_is_scan(name)) {
        ; /* a CT, an organ map */
    } else if (!study || strcmp(name, study) == 0) {
        image_source(s, path, label);
    } else if (!stem_is(name, image_stem(name), "PET") && !stem_is(name, image_stem(name), "SUV")) {
        log_warn("'%s' is passed over: '%s' is the scan of its folder", path, study);
    }
    free(dir);
}

/* ---- when all are found ---- */

static int by_mask(const void *left, const void *right)
{
    const struct source *a = *(struct source *const *)left, *b = *(struct source *const *)right;
    int order = strcmp(a->mask, b->mask);
    return order ? order : strcmp(a->label, b->label);
}

/* One truth of several scans: said where somebody said so (a list, a DICOM reference), refused where names alone did. */
static void shared_tell(struct source *const *item, size_t count)
{
    bool named = false;
    for (size_t i = 0; i < count; i++)
        named |= item[i]->kind != SOURCE_IMAGE || item[i]->mask_named;
    if (named && item[0]->kind == SOURCE_IMAGE)
        log_warn("'%s' is the truth of %zu scans, '%s' and '%s' the first: the list says so", item[0]->mask, count,
                 item[0]->label, item[1]->label);
    for (size_t i = 0; !named && i < count; i++)
        if (!*item[i]->refused.text)
            fail(&item[i]->refused, "'%s' may be its truth or that of '%s': name it with --mask or in a list",
                 item[i]->mask, item[i == 0]->label);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void truth_settle(struct sources *s)
{
    struct source **with = xalloc(s->count + 1, sizeof *with);
    const char **mask = xalloc(s->count + 1, sizeof *mask);
    size_t count = 0, unused = 0;
    const char *one = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (s->item[i].mask)
            with[count++] = &s->item[i];
    qsort(with, count, sizeof *with, by_mask);
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first; last < count && strcmp(with[last]->mask, with[first]->mask) == 0; last++)
            mask[last] = with[last]->mask;
        if (last - first > 1)
            shared_tell(with + first, last - first);
    }
    for (size_t i = 0; i < s->truth.count; i++)
        if (!bsearch(&s->truth.name[i], mask, count, sizeof *mask, by_text) && unused++ == 0)
            one = s->truth.name[i];
    if (unused)
        log_warn("%zu image%s of truth belong%s to no scan that is read: '%s'%s", unused, unused > 1 ? "s" : "",
                 unused > 1 ? "" : "s", one, unused > 1 ? ", ..." : "");
    free(mask);
    free(with);
}
