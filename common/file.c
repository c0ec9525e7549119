/* SPDX-License-Identifier: Apache-2.0 */
/* file -- whole files in, whole files out.   common */
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL /* the header alone, so that the compiler may fold it in */
#include <xxhash.h>

/* ---- paths ---- */

char *program_beside(const char *name)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        die(EX_OSERR, "cannot find my own folder: %s", strerror(errno));
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    return path_join(self, name);
}

char *path_join(const char *dir, const char *name)
{
    if (!*dir || name[0] == '/')
        return xstrdup(name);
    return xprintf("%s%s%s", dir, ends_with(dir, "/") ? "" : "/", name);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool ends_with(const char *s, const char *tail)
{
    size_t length = strlen(s), tail_length = strlen(tail);
    return length >= tail_length && memcmp(s + length - tail_length, tail, tail_length) == 0;
}

/* The directory a path lies in: "a/b" -> "a", "b" -> ".", "/b" -> "/". */
static char *path_dir(const char *path)
{
    size_t length = (size_t)(path_base(path) - path);
    if (length == 0)
        return xstrdup(".");
    while (length > 1 && path[length - 1] == '/')
        length--;
    return xprintf("%.*s", (int)length, path);
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

bool dir_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* ---- publication ---- */

/* Renaming over /dev/null would replace the device by a file; over a directory it fails late. */
static int check_target(const char *path, struct error *e)
{
    struct stat status;
    if (!*path_base(path))
        return fail_as(e, EX_CANTCREAT, "cannot write '%s': it names a directory", path);
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return fail_as(e, EX_CANTCREAT, "cannot write '%s': it exists and is no ordinary file", path);
    return 0;
}

int dir_sync_of(const char *path, struct error *e)
{
    char *dir = path_dir(path);
    int result = 0, fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL: the file system has no such thing as a synced directory, so there is nothing to lose */
    if (fd < 0 || (fsync(fd) && errno != EINVAL && errno != ENOTSUP))
        result = fail_as(e, EX_IOERR, "cannot make '%s' safe on disk: %s", dir, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(dir);
    return result;
}

int publish_open(struct publish *p, const char *path, struct error *e)
{
    static atomic_uint serial;
    *p = (struct publish){0};
    if (check_target(path, e))
        return -1;
    /* O_EXCL with 0666 lets the kernel apply the umask, which mkstemp() does not */
    int fd = -1, base = (int)(path_base(path) - path);
    for (int attempt = 0; attempt < 100 && fd < 0; attempt++) {
        free(p->temporary);
        p->temporary =
            xprintf("%.*s.%s.%d-%u.tmp", base, path, path + base, (int)getpid(), atomic_fetch_add(&serial, 1));
        fd = open(p->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0 || !(p->to = fdopen(fd, "wb"))) {
        fail_as(e, EX_CANTCREAT, "cannot write '%s': %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(p->temporary);
        }
        free(p->temporary);
        p->temporary = NULL;
        return -1;
    }
    p->path = xstrdup(path);
    return 0;
}

static void publish_free(struct publish *p)
{
    free(p->path);
    free(p->temporary);
    *p = (struct publish){0};
}

int publish_commit(struct publish *p, struct error *e)
{
    int broken = 0;
    /* a write that failed earlier leaves its mark in ferror(); its errno may be gone */
    errno = 0;
    if (fflush(p->to) || ferror(p->to) || fsync(fileno(p->to)))
        broken = errno ? errno : EIO;
    errno = 0;
    if (fclose(p->to) && !broken)
        broken = errno ? errno : EIO;
    p->to = NULL;
    if (!broken && rename(p->temporary, p->path))
        broken = errno;
    if (broken) {
        fail_as(e, EX_IOERR, "cannot write '%s': %s", p->path, strerror(broken));
        unlink(p->temporary);
        publish_free(p);
        return -1;
    }
    int result = dir_sync_of(p->path, e);
    publish_free(p);
    return result;
}

void publish_abandon(struct publish *p)
{
    if (p->to)
        fclose(p->to);
    if (p->temporary)
        unlink(p->temporary);
    publish_free(p);
}

int publish_rename(const char *temporary, const char *path, struct error *e)
{
    if (check_target(path, e))
        return -1;
    int fd = open(temporary, O_RDONLY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0 && close(fd))
        synced = false;
    if (!synced || rename(temporary, path))
        return fail_as(e, EX_IOERR, "cannot write '%s': %s", path, strerror(errno));
    return dir_sync_of(path, e);
}

int publish_bytes(const char *path, const void *data, size_t size, struct error *e)
{
    struct publish p;
    if (publish_open(&p, path, e))
        return -1;
    fwrite(data, 1, size, p.to); /* commit sees ferror() */
    return publish_commit(&p, e);
}

/* ---- reading ---- */

static FILE *open_to_read(const char *path, struct error *e)
{
    FILE *from = NULL;
    if (dir_exists(path))
        errno = EISDIR;
    else
        from = fopen(path, "rbe");
    if (!from)
        fail_as(e, EX_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
    return from;
}

int file_read(const char *path, size_t max, struct buffer *out, struct error *e)
{
    *out = (struct buffer){0};
    FILE *from = open_to_read(path, e);
    if (!from)
        return -1;
    /* the size now is a hint: pipes have none, and files may grow while they are read */
    struct stat status;
    size_t room = 4096;
    if (fstat(fileno(from), &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size <= max)
        room = (size_t)status.st_size + 2;
    uint8_t *data = NULL;
    size_t size = 0, got;
    do {
        uint8_t *larger = realloc(data, room);
        if (!larger) {
            fail_as(e, EX_OSERR, "cannot read '%s': no memory for %zu bytes", path, room);
            goto out;
        }
        data = larger;
        got = fread(data + size, 1, room - 1 - size, from);
        size += got;
        if (size > max) {
            fail(e, "cannot read '%s': it is larger than %zu bytes", path, max);
            goto out;
        }
        if (size == room - 1)
            room += room;
    } while (got);
    if (ferror(from)) {
        fail_as(e, EX_IOERR, "cannot read '%s': %s", path, strerror(errno));
        goto out;
    }
    data[size] = '\0';
    fclose(from);
    *out = (struct buffer){.data = data, .size = size};
    return 0;
out:
    free(data);
    fclose(from);
    return -1;
}

/* ---- directories ---- */

int dir_make(const char *path, struct error *e)
{
    char *partial = xstrdup(path);
    int broken = 0;
    for (char *c = partial + 1; *partial && !broken; c++) {
        bool last = *c == '\0';
        if (!last && *c != '/')
            continue;
        *c = '\0';
        if (mkdir(partial, 0777) && !dir_exists(partial)) /* dir_exists: also when another process was first */
            broken = errno ? errno : EIO;
        if (last)
            break;
        *c = '/';
    }
    free(partial);
    if (broken)
        return fail_as(e, EX_CANTCREAT, "cannot make directory '%s': %s", path, strerror(broken));
    return 0;
}

static int name_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int dir_list(const char *path, struct names *out, struct error *e)
{
    *out = (struct names){0};
    DIR *dir = opendir(path);
    if (!dir)
        return fail_as(e, EX_NOINPUT, "cannot list '%s': %s", path, strerror(errno));
    size_t room = 0;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (out->count == room) {
            room = room ? 2 * room : 64;
            out->name = xresize(out->name, room, sizeof *out->name);
        }
        out->name[out->count++] = xstrdup(entry->d_name);
    }
    int broken = errno;
    closedir(dir);
    if (broken) {
        names_free(out);
        return fail_as(e, EX_IOERR, "cannot list '%s': %s", path, strerror(broken));
    }
    if (out->count)
        qsort(out->name, out->count, sizeof *out->name, name_order);
    return 0;
}

bool names_have(const struct names *n, const char *name)
{
    return n->count && bsearch(&name, n->name, n->count, sizeof *n->name, name_order);
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->name[i]);
    free(n->name);
    *n = (struct names){0};
}

/* ---- digests ---- */

static void digest_hex(struct sha256_ctx *context, char hex[65])
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

int file_sha256(const char *path, char hex[65], struct error *e)
{
    FILE *from = open_to_read(path, e);
    if (!from)
        return -1;
    enum { PIECE = 1 << 18 };
    uint8_t *piece = xalloc(PIECE, 1);
    struct sha256_ctx context;
    sha256_init(&context);
    for (size_t got; (got = fread(piece, 1, PIECE, from));)
        sha256_update(&context, got, piece);
    int broken = ferror(from) ? errno : 0;
    fclose(from);
    free(piece);
    digest_hex(&context, hex);
    if (broken)
        return fail_as(e, EX_IOERR, "cannot read '%s': %s", path, strerror(broken));
    return 0;
}

void bytes_sha256(const void *data, size_t size, char hex[65])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, data);
    digest_hex(&context, hex);
}

int files_sha256(const char *const *file, size_t count, char hex[65], struct error *e)
{
    if (count == 1)
        return file_sha256(file[0], hex, e);
    char *all = xalloc(count, 65);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = file_sha256(file[i], all + 64 * i, e);
    if (rc == 0)
        bytes_sha256(all, 64 * count, hex);
    free(all);
    return rc;
}

uint64_t bytes_xxh3(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

void dir_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
