/* SPDX-License-Identifier: Apache-2.0 */
/* walk -- a folder and all that is below it, each file once by whatever road.   find -> [walk] -> find_dicom
 *
 * Everything that cannot be looked at is told and counted, as a source that is refused: a folder that may not be listed, a link that leads
 * nowhere or in a circle, a file that cannot be opened. The rest goes on. */
#include "common/log.h"
#include "stages/load/hide.h"
#include "stages/load/load.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 100 }; /* folders below an argument; circles are found by what they lead to, not by their length */

struct road {
    dev_t device;
    ino_t number;
    char *path;
};
struct walk {
    struct sources *s;
    struct dicom_files d;
    struct names other; /* files that are no scans */
    struct road *been;  /* an open table by number, power of two */
    size_t been_count, been_room;
    size_t again; /* files met a second time */
};

/* ---- where it has been ---- */

static size_t slot_of(const struct walk *w, dev_t device, ino_t number)
{
    uint64_t const key[] = {(uint64_t)device, (uint64_t)number};
    size_t at = (size_t)bytes_xxh3(key, sizeof key) & (w->been_room - 1);
    while (w->been[at].path && (w->been[at].device != device || w->been[at].number != number))
        at = (at + 1) & (w->been_room - 1);
    return at;
}

/* The road by which it was reached before; NULL: never, and it is now. */
static const char *been_before(struct walk *w, const struct stat *status, const char *path)
{
    if (2 * w->been_count >= w->been_room) {
        struct road *old = w->been;
        size_t const room = w->been_room;
        w->been_room = room ? 2 * room : 1024;
        w->been = xalloc(w->been_room, sizeof *w->been);
        for (size_t i = 0; i < room; i++)
            if (old[i].path)
                w->been[slot_of(w, old[i].device, old[i].number)] = old[i];
        free(old);
    }
    size_t const at = slot_of(w, status->st_dev, status->st_ino);
    if (w->been[at].path)
        return w->been[at].path;
    w->been[at] = (struct road){status->st_dev, status->st_ino, xstrdup(path)};
    w->been_count++;
    return NULL;
}

static void name_add(struct names *n, const char *name)
{
    n->name = xresize(n->name, n->count + 1, sizeof *n->name);
    n->name[n->count++] = xstrdup(name);
}

/* ---- what cannot be looked at ---- */

static void refuse(struct walk *w, const char *path, const char *label, const struct error *why)
{
    struct source *f = sources_add(w->s, SOURCE_REFUSED);
    f->path = xstrdup(path);
    f->label = xstrdup(label);
    f->refused = *why;
}

/* A name that leads to no file. */
static void refuse_unreached(struct walk *w, const char *path, const char *label, int reason)
{
    char to[1024];
    struct error why = {0};
    ssize_t const length = readlink(path, to, sizeof to - 1);
    if (length < 0) {
        fail_as(&why, EX_NOINPUT, "cannot open '%s': %s", path, strerror(reason));
    } else {
        to[length] = '\0';
        fail_as(&why, EX_NOINPUT,
                reason == ENOENT  ? "'%s' is a link to '%.300s', which is not there"
                : reason == ELOOP ? "'%s' is a link to '%.300s', which leads in a circle"
                                  : "'%s' is a link to '%.300s', which cannot be opened",
                path, to);
    }
    refuse(w, path, label, &why);
}

/* ---- what is there ---- */

static void file_look(struct walk *w, const char *path, const char *label, const char *folder, const struct stat *status)
{
    struct dicom_probe probe;
    struct error why = {0};
    if (!S_ISREG(status->st_mode)) { /* to open a pipe is to wait for its writer */
        fail_as(&why, EX_NOINPUT, "'%s' is a pipe, a socket or a device, no file", path);
        refuse(w, path, label, &why);
        return;
    }
    if (been_before(w, status, path)) {
        w->again++;
        return;
    }
    int const kind = find_probe(path, &probe, &why);
    if (kind == 0) {
        dicom_files_add(&w->d, path, folder, &probe);
    } else if (kind > 0) {
        name_add(&w->other, path);
    } else {
        refuse(w, path, label, &why);
        name_add(&w->d.unread, path);
    }
}

static void folder_walk(struct walk *w, const char *path, const char *label, int depth)
{
    struct names in = {0};
    struct error why = {0};
    if (depth > DEEPEST) {
        fail(&why, "'%s' lies more than %d folders deep: what is in it is not read; name it, or one above it", path,
             DEEPEST);
        refuse(w, path, label, &why);
        return;
    }
    if (dir_list(path, &in, &why) < 0) {
        refuse(w, path, label, &why);
        name_add(&w->d.unread, path);
        return;
    }
    for (size_t i = 0; i < in.count; i++) {
        const char *name = in.name[i];
        if (name[0] == '.')
            continue;
        char *at = path_join(path, name), *called = xprintf("%s/%s", label, name);
        struct stat status;
        if (image_stem(name) ||
            (stat(at, &status) == 0 && S_ISDIR(status.st_mode))) /* slices turn up with their paths alone */
            hide_know(name);
        if (stat(at, &status) != 0) {
            refuse_unreached(w, at, called, errno);
            if (!image_stem(name))
                name_add(&w->d.unread, at);
        } else if (S_ISDIR(status.st_mode)) {
            const char *before = been_before(w, &status, at);
            if (before)
                log_note("'%s' is the folder '%s' by another road: read once", at, before);
            else
                folder_walk(w, at, called, depth + 1);
        } else if (image_stem(name)) {
            image_look(w->s, at, called);
        } else {
            file_look(w, at, called, label, &status);
        }
        free(called);
        free(at);
    }
    names_free(&in);
}

/* ---- a folder without scans ---- */

/* What a file is by its first bytes, in the singular and the plural; and which of the known kinds it is: COUNT, none. */
static const struct {
    size_t at;
    const char *bytes;
    size_t length;
    const char *one, *many;
} kinds[] = {
    {0, "PK\003\004", 4, "a ZIP archive", "ZIP archives"},
    {0, "%PDF", 4, "a PDF", "PDFs"},
    {0, "Rar!", 4, "a RAR archive", "RAR archives"},
    {0, "7z\274\257", 4, "a 7z archive", "7z archives"},
    {0, "\037\213", 2, "a gzip file", "gzip files"},
    {0, "BZh", 3, "a bzip2 file", "bzip2 files"},
    {0, "\3757zXZ", 5, "an xz file", "xz files"},
    {0, "\050\265\057\375", 4, "a zstd file", "zstd files"},
    {257, "ustar", 5, "a tar archive", "tar archives"},
    {0, "\211HDF", 4, "an HDF5 file", "HDF5 files"},
    {128, "MATRIX", 6, "a MATRIX (ECAT) file", "MATRIX (ECAT) files"},
    {0, "MATRIX7", 7, "an ECAT file", "ECAT files"},
    {0, "\211PNG", 4, "a PNG picture", "PNG pictures"},
    {0, "\377\330\377", 3, "a JPEG picture", "JPEG pictures"},
    {0, "II*", 3, "a TIFF picture", "TIFF pictures"},
    {0, "MM\0*", 4, "a TIFF picture", "TIFF pictures"},
    {0, "!INTERFILE", 10, "an Interfile header", "Interfile headers"},
};

static size_t kind_of(const char *path, bool *empty)
{
    uint8_t start[512] = {0};
    FILE *from = fopen(path, "rbe");
    size_t const size = from ? fread(start, 1, sizeof start, from) : 0;
    if (from)
        fclose(from);
    *empty = from && size == 0;
    size_t k = 0;
    while (k < COUNT_OF(kinds) &&
           !(kinds[k].at + kinds[k].length <= size && memcmp(start + kinds[k].at, kinds[k].bytes, kinds[k].length) == 0))
        k++;
    return k;
}

const char *file_kind(const char *path)
{
    bool empty;
    size_t const k = kind_of(path, &empty);
    return k < COUNT_OF(kinds) ? kinds[k].one : empty ? "an empty file" : NULL;
}

static void put_counted(FILE *to, size_t *said, size_t count, const char *one, const char *many)
{
    if (!count)
        return;
    fputs((*said)++ ? ", " : "", to);
    if (count == 1)
        fputs(one, to);
    else
        fprintf(to, "%zu %s", count, many);
}

static int by_modality(const void *left, const void *right)
{
    const struct dicom_file *a = left, *b = right;
    return strcmp(a->probe.modality, b->probe.modality);
}

/* "3 DICOM files (2 CT, 1 RTSTRUCT), a ZIP archive, 4 other files" */
static char *walk_tell(struct walk *w)
{
    size_t count[COUNT_OF(kinds)] = {0}, plain = 0, nothing = 0, said = 0, size;
    char *text = NULL;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        die(EX_OSERR, "out of memory");
    if (w->d.count) {
        qsort(w->d.item, w->d.count, sizeof *w->d.item, by_modality);
        fprintf(to, "%zu DICOM file%s, none of modality PT ((0008,0060)): ", w->d.count, w->d.count > 1 ? "s" : "");
        for (size_t first = 0, last; first < w->d.count; first = last) {
            const char *modality = w->d.item[first].probe.modality;
            for (last = first; last < w->d.count && strcmp(w->d.item[last].probe.modality, modality) == 0;)
                last++;
            bool const index = !*modality && strcmp(w->d.item[first].probe.sop_class, DICOMDIR_CLASS) == 0;
            fprintf(to, "%s%zu %s", first ? ", " : "", last - first,
                    index       ? "DICOMDIR without its files"
                    : *modality ? modality
                                : "of none");
        }
        said++;
    }
    for (size_t i = 0; i < w->other.count; i++) {
        bool empty;
        size_t const k = kind_of(w->other.name[i], &empty);
        if (k < COUNT_OF(kinds))
            count[k]++;
        else if (empty)
            nothing++;
        else
            plain++;
    }
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        put_counted(to, &said, count[k], kinds[k].one, kinds[k].many);
    put_counted(to, &said, nothing, "an empty file", "empty files");
    put_counted(to, &said, plain, said ? "another file" : "a file that is none of these",
                said ? "other files" : "files that are none of these");
    if (!said)
        fputs("it is empty", to);
    fclose(to);
    return text;
}

int walk_find(struct sources *s, const char *path, const char *label, struct error *e)
{
    struct walk w = {.s = s};
    size_t const before = s->count;
    struct stat status;
    if (stat(path, &status) == 0)
        (void)!been_before(&w, &status, path);
    folder_walk(&w, path, label, 0);
    dicom_sources(s, &w.d);
    if (w.again)
        log_note("'%s': %zu files are there by two roads (links): each is read once", path, w.again);
    int rc = 0;
    if (s->count == before) {
        char *there = walk_tell(&w);
        rc = fail_as(e, EX_NOINPUT, "no scan in '%s': %s%s", path,
                     w.d.count ? "" : "no DICOM series and no .nii, .mha or .nrrd in or below it; ", there);
        free(there);
    }
    for (size_t i = 0; i < w.been_room; i++)
        free(w.been[i].path);
    free(w.been);
    names_free(&w.other);
    dicom_files_free(&w.d);
    return rc;
}
