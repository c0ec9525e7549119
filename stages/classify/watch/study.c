/* SPDX-License-Identifier: Apache-2.0 */
/* study -- a folder as it is now: whether it still changes, how large it is, what it holds.   [study] -> watch */
#include "stages/classify/watch/study.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct listing {
    FILE *to; /* a line a file */
    struct study_look *look;
    bool digest;
};

static bool unfinished(const char *name)
{
    static const char *const tails[] = {".part", ".partial", ".tmp", ".crdownload"};
    for (size_t i = 0; i < COUNT_OF(tails); i++)
        if (ends_with(name, tails[i]))
            return true;
    return false;
}

static int file_note(const char *path, const char *within, const struct stat *s, struct listing *l, struct error *e)
{
    char hex[65] = "";
    l->look->files++;
    l->look->bytes += (uint64_t)s->st_size;
    l->look->writing |= unfinished(within);
    if (l->digest) {
        if (file_sha256(path, hex, e) < 0)
            return -1;
        fprintf(l->to, "%s\t%s\n", within, hex);
    } else {
        fprintf(l->to, "%s\t%lld\t%lld.%09ld\n", within, (long long)s->st_size, (long long)s->st_mtim.tv_sec,
                s->st_mtim.tv_nsec);
    }
    return 0;
}

static int folder_list(const char *path, const char *within, struct listing *l, struct error *e)
{
    struct names in;
    if (dir_list(path, &in, e) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < in.count && rc == 0; i++) {
        struct stat s;
        char *at = path_join(path, in.name[i]), *below = xprintf("%s%s%s", within, *within ? "/" : "", in.name[i]);
        if (stat(at, &s) != 0)
            rc = fail_as(e, EX_NOINPUT, "'%s' is gone", at);
        else if (S_ISDIR(s.st_mode))
            rc = folder_list(at, below, l, e);
        else if (S_ISREG(s.st_mode))
            rc = file_note(at, below, &s, l, e);
        free(below);
        free(at);
    }
    names_free(&in);
    return rc;
}

static int list(const char *path, bool digest, struct study_look *look, char **text, size_t *size, struct error *e)
{
    struct listing l = {open_memstream(text, size), look, digest};
    if (!l.to)
        die(EX_OSERR, "out of memory");
    *look = (struct study_look){0};
    int const rc = folder_list(path, "", &l, e);
    fclose(l.to);
    return rc;
}

int study_look(const char *path, struct study_look *look, struct error *e)
{
    char *text = NULL;
    size_t size = 0;
    int const rc = list(path, false, look, &text, &size, e);
    look->seen = bytes_xxh3(text, size);
    free(text);
    return rc;
}

int study_digest(const char *path, char hex[65], struct error *e)
{
    struct study_look look;
    char *text = NULL;
    size_t size = 0;
    int const rc = list(path, true, &look, &text, &size, e);
    bytes_sha256(text, size, hex);
    free(text);
    return rc;
}
