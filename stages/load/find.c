/* SPDX-License-Identifier: Apache-2.0 */
/* find -- what is each argument?   arguments -> [find] -> scan
 *
 *     a .tsv or .csv file    a list of scans (list.c)
 *     an image               (.nii .nii.gz .hdr .mha .mhd .nrrd .nhdr) a scan, with its truth and facts beside it (find_image.c)
 *     a folder               everything in it and below: DICOM series with the structure sets that refer to them (find_dicom.c),
 *                            and images by the layout of their folder (find_image.c, nnunet.c, autopet.c) */
#include "common/log.h"
#include "common/table.h"
#include "stages/load/load.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    names_free(&f->joined);
    f->joined = (struct names){0};
    f->mask = mask ? xstrdup(mask) : NULL;
    f->mask_named = true;
    if (f->kind != SOURCE_REFUSED)
        f->refused = (struct error){0}; /* it was its truth that stood in the way */
}

void source_set_organs(struct source *f, const char *organs)
{
    free(f->organs);
    f->organs = organs ? xstrdup(organs) : NULL;
}

void source_set_regions(struct source *f, const char *regions)
{
    free(f->regions);
    f->regions = regions ? xstrdup(regions) : NULL;
}

void source_free(struct source *f)
{
    char *const text[] = {f->regions, f->label, f->path,      f->mask, f->organs, f->sidecar, f->patient,
                          f->study,   f->units, f->diagnosis, f->sex,  f->doubt,  f->override};
    source_clear_ct(f);
    for (size_t i = 0; i < COUNT_OF(text); i++)
        free(text[i]);
    names_free(&f->slice);
    names_free(&f->joined);
}

void sources_cut(struct sources *s, size_t count)
{
    while (s->count > count)
        source_free(&s->item[--s->count]);
}

void sources_free(struct sources *s)
{
    sources_cut(s, 0);
    names_free(&s->truth);
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

/* ---- folders and files ---- */

int path_find(struct sources *s, const char *path, const char *label, struct error *e)
{
    struct dicom_probe probe;
    struct error why = {0};
    if (dir_exists(path))
        return walk_find(s, path, label, e);
    if (!file_exists(path))
        return fail_as(e, EX_NOINPUT, "no such file or folder: '%s'", path);
    if (image_stem(path)) {
        image_source(s, path, label);
        return 0;
    }
    int const kind = find_probe(path, &probe, &why);
    if (kind == 0 && strcmp(probe.sop_class, DICOMDIR_CLASS) == 0)
        return fail_as(e, EX_NOINPUT, "'%s' is a DICOMDIR: name its folder", path);
    if (kind == 0 && dicom_is_enhanced(probe.sop_class)) { /* a whole series in one file */
        struct dicom_files d = {0};
        dicom_files_add(&d, path, label, &probe);
        dicom_sources(s, &d);
        dicom_files_free(&d);
        return 0;
    }
    if (kind == 0)
        return fail_as(e, EX_NOINPUT, "'%s' is one DICOM file: name its folder, a scan is a whole series", path);
    if (kind < 0)
        return fail_as(e, EX_NOINPUT, "%s", why.text);
    const char *is = file_kind(path);
    return fail_as(e, EX_NOINPUT,
                   "'%s' is no scan%s%s: a folder, .nii[.gz], .hdr, .mha, .mhd, .nrrd, .nhdr or a list .tsv is wanted",
                   path, is ? " but " : "", is ? is : "");
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
    if (!file_exists(file) && !dir_exists(file))
        return fail_as(e, EX_NOINPUT, "no such file: '%s' (--%s)", file, option);
    set(&s->item[0], file);
    return 0;
}

int sources_find(struct sources *s, char *const *argument, size_t count, const struct load_options *o, struct error *e)
{
    *s = (struct sources){0};
    listing_forget();
    for (size_t i = 0; i < count; i++) {
        char *real = realpath(argument[i], NULL);
        const char *label = path_base(real ? real : argument[i]);
        struct error why = {0};
        int rc = table_is(argument[i]) ? list_find(s, argument[i], &why) : path_find(s, argument[i], label, &why);
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
    truth_settle(s);
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
    if (o->regions && file_give(s, "regions", "map of regions", o->regions, source_set_regions, e) < 0)
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
                    file_bytes(f->regions) + file_bytes(f->sidecar);
    for (size_t i = 0; i < f->slice.count; i++)
        size += file_bytes(f->slice.name[i]);
    for (size_t i = 0; i < f->joined.count; i++)
        size += file_bytes(f->joined.name[i]);
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
    if (o->allow_empty_truth)
        fprintf(to, "allow empty truth\n");
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
