/* SPDX-License-Identifier: Apache-2.0 */
/* find -- what is each argument?   arguments -> [find] -> scan
 *
 *     a .tsv file            a list of scans (list.c)
 *     an image               (.nii .nii.gz .hdr .mha .mhd .nrrd .nhdr) a scan; its truth is X_mask beside it (STS_001_PET_mask
 *                            for STS_001_PET_image), else SEG; its facts are X.json
 *     a folder               everything in it and below: autoPET studies (autopet.c), DICOM series with the structure
 *                            sets that refer to them (find_dicom.c), and other images that are no masks and no CT */
#include "common/log.h"
#include "stages/load/load.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 16 }; /* folders below an argument: links that run in circles end here */

/* ---- files that may be the death of whoever looks at them ---- */

static struct {
    char *page;
    size_t size;
    const struct names *avoid;
} watch;

void find_watch(char *page, size_t size, const struct names *avoid)
{
    watch.page = page;
    watch.size = size;
    watch.avoid = avoid;
}

void find_look(const char *path)
{
    if (watch.page)
        snprintf(watch.page, watch.size, "%s", path);
}

int find_probe(const char *path, struct dicom_probe *probe, struct error *e)
{
    for (size_t i = 0; watch.avoid && i < watch.avoid->count; i++)
        if (strcmp(watch.avoid->name[i], path) == 0)
            return fail(
                e, "cannot open '%s': it killed the process that looked at it: it is damaged in a way that no check here knows",
                path);
    find_look(path);
    return dicom_probe(path, probe, e);
}

char *path_parent(const char *path)
{
    size_t length = (size_t)(path_base(path) - path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length ? xprintf("%.*s", (int)length, path) : xstrdup(".");
}

/* ---- the list of sources ---- */

struct source *sources_add(struct sources *s, enum source_kind kind)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->item = xresize(s->item, s->room, sizeof *s->item);
    }
    struct source *f = &s->item[s->count++];
    *f = (struct source){.kind = kind, .age_y = (double)NAN, .study_day = (double)NAN};
    return f;
}

void source_set_mask(struct source *f, const char *mask)
{
    free(f->mask);
    f->mask = mask ? xstrdup(mask) : NULL;
    if (f->kind != SOURCE_REFUSED)
        f->refused = (struct error){0}; /* it was its truth that stood in the way */
}

void source_set_organs(struct source *f, const char *organs)
{
    free(f->organs);
    f->organs = organs ? xstrdup(organs) : NULL;
}

void source_free(struct source *f)
{
    char *const text[] = {f->label, f->path,  f->mask,      f->organs, f->sidecar, f->patient,
                          f->study, f->units, f->diagnosis, f->sex,    f->override};
    source_clear_ct(f);
    for (size_t i = 0; i < COUNT_OF(text); i++)
        free(text[i]);
    names_free(&f->slice);
}

void sources_cut(struct sources *s, size_t count)
{
    while (s->count > count)
        source_free(&s->item[--s->count]);
}

void sources_free(struct sources *s)
{
    sources_cut(s, 0);
    free(s->item);
    *s = (struct sources){0};
}

static int by_label(const void *left, const void *right)
{
    const struct source *a = left, *b = right;
    int order = strcmp(a->label, b->label);
    return order ? order : strcmp(a->path, b->path);
}

/* The same file by another road is the same scan. */
static void drop_repeats(struct sources *s)
{
    char **real = xalloc(s->count, sizeof *real);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        char *path = realpath(s->item[i].path, NULL);
        if (!path)
            path = xstrdup(s->item[i].path);
        size_t same = 0;
        while (same < kept &&
               (strcmp(real[same], path) != 0 || strcmp(s->item[same].series_uid, s->item[i].series_uid) != 0))
            same++;
        if (same < kept) {
            log_warn("'%s' was given twice: read once", s->item[i].label);
            source_free(&s->item[i]);
            free(path);
        } else {
            real[kept] = path;
            s->item[kept++] = s->item[i];
        }
    }
    for (size_t i = 0; i < kept; i++)
        free(real[i]);
    free(real);
    s->count = kept;
}

/* ---- images ---- */

static bool stem_ends(const char *name, size_t stem, const char *tail)
{
    size_t length = strlen(tail);
    return stem >= length && strncmp(name + stem - length, tail, length) == 0;
}

static bool stem_is(const char *name, size_t stem, const char *whole)
{
    return strlen(whole) == stem && strncmp(name, whole, stem) == 0;
}

bool image_is_scan(const char *name)
{
    static const char *const others[] = {"SEG", "CT", "CTres", "mask", "ORGANS"};
    static const char *const tails[] = {"_mask", "_seg", "_SEG", "_label", "_labels", "_CT", "_CTres", ".seg"};
    size_t stem = image_stem(name);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (stem_is(name, stem, others[i]))
            return false;
    for (size_t i = 0; i < COUNT_OF(tails); i++)
        if (stem_ends(name, stem, tails[i]))
            return false;
    if (strncmp(name, "sub-", 4) == 0 && !stem_ends(name, stem, "_pet")) /* BIDS says what each file is */
        return false;
    return stem > 0 && !(strncmp(name, "fdg_", 4) == 0 && stem_ends(name, stem, "_0000"));
}

char *image_beside(const char *dir, const char *stem, size_t length, const char *tail)
{
    const char *ending;
    for (size_t i = 0; (ending = image_ending(i)); i++) {
        char *path = xprintf("%s/%.*s%s%s", dir, (int)length, stem, tail, ending);
        if (file_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

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

/* STS_001_PET_image: who it is stands in the name. */
static void names_from_stem(struct source *f, const char *name, size_t stem)
{
    static const char *const tails[] = {"_image", "_PET", "_SUV"};
    for (size_t i = 0; i < COUNT_OF(tails); i++)
        if (stem_ends(name, stem, tails[i]) && stem > strlen(tails[i]))
            stem -= strlen(tails[i]);
    f->patient = xprintf("%.*s", (int)stem, name);
}

void image_source(struct sources *s, const char *path, const char *label)
{
    struct source *f = sources_add(s, SOURCE_IMAGE);
    const char *name = path_base(path);
    size_t stem = image_stem(name);
    char *dir = path_parent(path), *json = xprintf("%s/%.*s.json", dir, (int)stem, name);
    f->path = xstrdup(path);
    f->label = xstrdup(label);
    if (file_exists(json))
        f->sidecar = json;
    else
        free(json);
    f->organs = image_beside(dir, "ORGANS", strlen("ORGANS"), "");
    if (!autopet_flat(f, path)) {
        f->mask = image_beside(dir, name, stem, "_mask");
        if (!f->mask && stem_ends(name, stem, "_image"))
            f->mask = image_beside(dir, name, stem - strlen("_image"), "_mask");
        if (!f->mask)
            f->mask = image_beside(dir, "SEG", 3, "");
        if (stem_is(name, stem, "SUV") || stem_ends(name, stem, "_SUV") || ends_with(dir, "_SUV"))
            f->units = xstrdup("SUV");
        if (stem_is(name, stem, "SUV") || stem_is(name, stem, "PET"))
            names_from_folders(f, path);
        else if (!names_from_bids(f, name, stem))
            names_from_stem(f, name, stem);
        ct_beside(f, dir, name, stem);
    }
    free(dir);
}

/* ---- folders ---- */

static int folder_walk(struct sources *s, struct dicom_files *d, const char *path, const char *label, int depth,
                       struct error *e)
{
    struct names in = {0};
    if (dir_list(path, &in, e) < 0)
        return -1;
    const char *study = autopet_scan(&in);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < in.count; i++) {
        const char *name = in.name[i];
        if (name[0] == '.')
            continue;
        char *at = path_join(path, name), *called = xprintf("%s/%s", label, name);
        struct dicom_probe probe;
        struct error why = {0};
        if (dir_exists(at)) {
            if (depth < DEEPEST)
                rc = folder_walk(s, d, at, called, depth + 1, e);
        } else if (image_stem(name)) {
            if (study ? strcmp(name, study) == 0 : image_is_scan(name))
                image_source(s, at, called);
        } else {
            int kind = find_probe(at, &probe, &why);
            if (kind == 0) {
                dicom_files_add(d, at, label, &probe);
            } else if (kind < 0) {
                struct source *f = sources_add(s, SOURCE_REFUSED);
                f->path = xstrdup(at);
                f->label = xstrdup(called);
                f->refused = why;
            }
        }
        free(called);
        free(at);
    }
    names_free(&in);
    return rc;
}

int path_find(struct sources *s, const char *path, const char *label, struct error *e)
{
    struct dicom_probe probe;
    if (dir_exists(path)) {
        size_t before = s->count;
        struct dicom_files d = {0};
        int rc = folder_walk(s, &d, path, label, 0, e);
        if (rc == 0)
            dicom_sources(s, &d);
        if (rc == 0 && s->count == before)
            rc = d.count ? fail_as(e, EX_NOINPUT,
                                   "no scan in '%s': %zu DICOM files, none of modality PT ((0008,0060); the first "
                                   "is %s)",
                                   path, d.count, d.item[0].probe.modality)
                         : fail_as(e, EX_NOINPUT,
                                   "no scan in '%s': no DICOM series and no .nii, .mha or .nrrd in or below it", path);
        dicom_files_free(&d);
        return rc;
    }
    if (!file_exists(path))
        return fail_as(e, EX_NOINPUT, "no such file or folder: '%s'", path);
    if (image_stem(path)) {
        image_source(s, path, label);
        return 0;
    }
    if (find_probe(path, &probe, NULL) == 0)
        return fail_as(e, EX_NOINPUT, "'%s' is one DICOM file: name its folder, a scan is a whole series", path);
    return fail_as(e, EX_NOINPUT,
                   "'%s' is no scan: a folder, .nii[.gz], .hdr, .mha, .mhd, .nrrd, .nhdr or a list .tsv is wanted",
                   path);
}

/* ---- all arguments ---- */

/* --mask, --organs: a file of the one scan there is. */
static int file_give(struct sources *s, const char *option, const char *what, const char *file,
                     void (*set)(struct source *, const char *), struct error *e)
{
    if (s->count != 1)
        return fail_as(e, EX_USAGE,
                       "--%s '%s' is the %s of one scan, but %zu are given: use a list (.tsv) with a column "
                       "%s",
                       option, file, what, s->count, option);
    if (!file_exists(file))
        return fail_as(e, EX_NOINPUT, "no such file: '%s' (--%s)", file, option);
    set(&s->item[0], file);
    return 0;
}

int sources_find(struct sources *s, char *const *argument, size_t count, const struct load_options *o, struct error *e)
{
    *s = (struct sources){0};
    for (size_t i = 0; i < count; i++) {
        char *real = realpath(argument[i], NULL);
        const char *label = path_base(real ? real : argument[i]);
        struct error why = {0};
        int rc = ends_with(argument[i], ".tsv") && file_exists(argument[i]) ? list_find(s, argument[i], &why)
                                                                            : path_find(s, argument[i], label, &why);
        if (rc < 0) {
            struct source *f = sources_add(s, SOURCE_REFUSED);
            f->path = xstrdup(argument[i]);
            f->label = xstrdup(label);
            f->refused = why;
        }
        free(real);
    }
    if (s->count == 0)
        return fail_as(e, EX_NOINPUT, "no scan was named: petrel-load SCAN|DIR|LIST.tsv ...");
    qsort(s->item, s->count, sizeof *s->item, by_label);
    drop_repeats(s);
    size_t readable = 0;
    for (size_t i = 0; i < s->count; i++)
        readable += s->item[i].kind != SOURCE_REFUSED;
    if (readable == 0)
        return fail_as(e, s->item[0].refused.code, "%s", s->item[0].refused.text);
    if (o->ct && s->count != 1)
        return fail_as(e, EX_USAGE,
                       "--ct '%s' is the CT of one scan, but %zu are given: use a list (.tsv) with a column ct", o->ct,
                       s->count);
    if (o->ct && source_set_ct(&s->item[0], o->ct, e) < 0)
        return -1;
    if (o->organs && file_give(s, "organs", "organ map", o->organs, source_set_organs, e) < 0)
        return -1;
    return o->mask ? file_give(s, "mask", "truth", o->mask, source_set_mask, e) : 0;
}

static uint64_t file_bytes(const char *path)
{
    struct stat status;
    return path && stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

/* Bytes of what a source is read from: other data under an old name is most often of another size. */
static uint64_t source_size(const struct source *f, bool with_ct)
{
    uint64_t size = file_bytes(f->kind == SOURCE_IMAGE ? f->path : NULL) + file_bytes(f->mask) + file_bytes(f->organs) +
                    file_bytes(f->sidecar);
    for (size_t i = 0; i < f->slice.count; i++)
        size += file_bytes(f->slice.name[i]);
    if (with_ct)
        size += file_bytes(f->ct);
    for (size_t i = 0; with_ct && i < f->ct_slice.count; i++)
        size += file_bytes(f->ct_slice.name[i]);
    return size;
}

uint64_t sources_run(const struct sources *s, const struct load_options *o)
{
    /* one text that says what was asked for, and nothing of where it lies on this machine */
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        die(EX_OSERR, "out of memory");
    fprintf(to, "units=%s\nkeep=%d\n", o->units, o->keep_identifiers);
    for (size_t i = 0; i < o->roi.count; i++)
        fprintf(to, "roi=%s\n", o->roi.value[i]);
    if (o->want_ct)
        fprintf(to, "ct\n");
    for (size_t i = 0; i < s->count; i++)
        fprintf(to, "%s\t%s\t%s\t%llu\n", s->item[i].label, s->item[i].series_uid,
                s->item[i].mask ? path_base(s->item[i].mask) : "",
                (unsigned long long)source_size(&s->item[i], o->want_ct));
    for (size_t i = 0; i < s->count; i++)
        if (s->item[i].override)
            fprintf(to, "%zu: %s\n", i, s->item[i].override);
    fclose(to);
    uint64_t run = bytes_xxh3(text, size);
    free(text);
    return run;
}
