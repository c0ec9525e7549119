/* SPDX-License-Identifier: Apache-2.0 */
/* power -- R13: the power goes while a cache, a model or a small file is published. What reached the disk is tried out: every prefix of what
 * was done, with what was not yet safe there (fsync) in any order, in part, or not at all. Old or new is read afterwards, never neither;
 * what was said to be kept is there; and a writer that goes on makes the whole.
 *
 *     power [STATES] [SEED]      how many states of the disk are tried (200, two seconds)
 *
 * This program's own write, pwrite, ftruncate, fsync, rename and unlink stand before the C library's, for HDF5 and for us, and record. A file's
 * bytes are safe once it was fsynced, a name once its directory was. What is not may come out as it was at that time, as it was meant, cut
 * short, or with zeros at its end; names that were not safe come out as any of the first of them, or, harder, as any of them. */
#include "common/safetensors.h"
#include "proto/cache_internal.h"
#include "tests/fault/fault.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SCANS = 3, RUN = 9, NAMES_MOST = 64, FILES_MOST = 256 };

/* ---- the record ---- */

enum op_kind { OP_DATA, OP_NAME, OP_RENAME, OP_UNLINK, OP_SYNC_FILE, OP_SYNC_DIR };
struct op {
    enum op_kind kind;
    int file; /* which of the files there ever were */
    char name[120], to[120];
    struct buffer data; /* OP_DATA: all of it from now on */
};
static struct op *ops;
static size_t op_count, op_first; /* before the first it was all there, and safe */
static bool recording;
static char *seen_dir; /* what happens here is recorded */

/* Files by their number on disk as long as they live, and then by ours. */
static struct {
    ino_t number;
    bool lives;
    struct buffer data; /* as it was last seen */
} files[FILES_MOST];
static int file_count;
static struct {
    char name[120];
    int file;
} names[NAMES_MOST];
static size_t name_count;

static struct op *op_add(enum op_kind kind, int file)
{
    ops = xresize(ops, op_count + 1, sizeof *ops);
    ops[op_count] = (struct op){.kind = kind, .file = file};
    return &ops[op_count++];
}

static int file_of(ino_t number)
{
    for (int i = 0; i < file_count; i++)
        if (files[i].lives && files[i].number == number)
            return i;
    if (file_count == FILES_MOST)
        die(EX_SOFTWARE, "power: more than %d files", FILES_MOST);
    files[file_count] = (__typeof__(files[0])){.number = number, .lives = true};
    return file_count++;
}

static size_t name_find(const char *name)
{
    size_t i = 0;
    while (i < name_count && strcmp(names[i].name, name) != 0)
        i++;
    return i;
}

static struct buffer data_copy(const struct buffer *b)
{
    struct buffer copy = {.data = xalloc(b->size + 1, 1), .size = b->size};
    memcpy(copy.data, b->data, b->size);
    return copy;
}

/* New names and changed bytes since the last look. */
static void observe(void)
{
    struct names in;
    struct error e = {0};
    if (dir_list(seen_dir, &in, &e))
        die_of(&e);
    for (size_t i = 0; i < in.count; i++) {
        char *path = path_join(seen_dir, in.name[i]);
        struct stat status;
        struct buffer b;
        if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && file_read(path, 1 << 26, &b, &e) == 0) {
            int const file = file_of(status.st_ino);
            if (name_find(in.name[i]) == name_count) {
                format_into(names[name_count].name, sizeof names[0].name, "%s", in.name[i]);
                names[name_count++].file = file;
                format_into(op_add(OP_NAME, file)->name, sizeof ops->name, "%s", in.name[i]);
            }
            if (b.size != files[file].data.size || memcmp(b.data, files[file].data.data, b.size) != 0) {
                op_add(OP_DATA, file)->data = data_copy(&b);
                buffer_free(&files[file].data);
                files[file].data = data_copy(&b);
            }
            buffer_free(&b);
        }
        free(path);
    }
    names_free(&in);
}

static void name_drop(size_t i)
{
    files[names[i].file].lives = false;
    names[i] = names[--name_count];
}

static bool within(const char *path)
{
    return recording && strncmp(path, seen_dir, strlen(seen_dir)) == 0 && path[strlen(seen_dir)] == '/';
}

static void observe_fd(int fd)
{
    struct stat status, dir;
    if (!recording || fstat(fd, &status) || !S_ISREG(status.st_mode) || stat(seen_dir, &dir) ||
        status.st_dev != dir.st_dev)
        return;
    recording = false;
    observe();
    recording = true;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    ssize_t const result = (ssize_t)syscall(SYS_write, fd, bytes, size);
    observe_fd(fd);
    return result;
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    ssize_t const result = (ssize_t)syscall(SYS_pwrite64, fd, bytes, size, at);
    observe_fd(fd);
    return result;
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
    return pwrite(fd, bytes, size, at);
}
int ftruncate(int fd, off_t size)
{
    int const result = (int)syscall(SYS_ftruncate, fd, size);
    observe_fd(fd);
    return result;
}
int fsync(int fd)
{
    struct stat status, dir;
    if (recording && fstat(fd, &status) == 0 && stat(seen_dir, &dir) == 0) {
        recording = false;
        observe();
        if (S_ISDIR(status.st_mode) && status.st_ino == dir.st_ino)
            op_add(OP_SYNC_DIR, -1);
        else if (S_ISREG(status.st_mode))
            op_add(OP_SYNC_FILE, file_of(status.st_ino));
        recording = true;
    }
    return 0; /* the record is what counts here */
}
int rename(const char *from, const char *to)
{
    bool const ours = within(to);
    if (ours) {
        recording = false;
        observe();
        size_t const old = name_find(path_base(to));
        if (old < name_count)
            name_drop(old);
        size_t const at = name_find(path_base(from));
        struct op *o = op_add(OP_RENAME, names[at].file);
        format_into(o->name, sizeof o->name, "%s", path_base(from));
        format_into(o->to, sizeof o->to, "%s", path_base(to));
        format_into(names[at].name, sizeof names[at].name, "%s", path_base(to));
    }
    int const result = (int)syscall(SYS_rename, from, to);
    recording = recording || ours;
    return result;
}
int unlink(const char *path)
{
    bool const ours = within(path);
    if (ours) {
        recording = false;
        observe();
        size_t const at = name_find(path_base(path));
        if (at < name_count) {
            format_into(op_add(OP_UNLINK, names[at].file)->name, sizeof ops->name, "%s", names[at].name);
            name_drop(at);
        }
    }
    int const result = (int)syscall(SYS_unlink, path);
    recording = recording || ours;
    return result;
}

static void record_begin(const char *dir)
{
    for (size_t i = 0; i < op_count; i++)
        buffer_free(&ops[i].data);
    for (int i = 0; i < file_count; i++)
        buffer_free(&files[i].data);
    op_count = name_count = 0;
    file_count = 0;
    seen_dir = (char *)(uintptr_t)dir;
    observe(); /* what is there before is safe */
    for (int i = 0; i < file_count; i++)
        op_add(OP_SYNC_FILE, i);
    op_add(OP_SYNC_DIR, -1);
    op_first = op_count;
    recording = true;
}

/* The i-th of `of` moments, evenly over all that was done. */
static size_t moment(uint64_t i, uint64_t of)
{
    return op_first + (size_t)(i * (op_count - op_first + 1) / of);
}

/* ---- a disk after the power went, when `done` operations had been begun ---- */

struct disk {
    struct {
        const struct buffer *safe, *meant; /* NULL: nothing yet */
    } file[FILES_MOST];
    struct {
        char name[120];
        int file;
    } name[NAMES_MOST];
    size_t names;
};

static void disk_name(struct disk *d, const struct op *o)
{
    const char *gone = o->kind == OP_NAME ? "" : o->name, *made = o->kind == OP_NAME     ? o->name
                                                                  : o->kind == OP_RENAME ? o->to
                                                                                         : "";
    for (size_t i = d->names; i-- > 0;)
        if (strcmp(d->name[i].name, gone) == 0 || strcmp(d->name[i].name, made) == 0)
            d->name[i] = d->name[--d->names];
    if (*made && d->names < NAMES_MOST) {
        format_into(d->name[d->names].name, sizeof d->name[0].name, "%s", made);
        d->name[d->names++].file = o->file;
    }
}

/* hard: names that are not safe come out in any selection, not the first of them alone. */
static void disk_make(const char *dir, size_t done, bool hard, struct rng *rng)
{
    struct disk d = {.names = 0};
    size_t last_sync = 0;
    for (size_t i = 0; i < done; i++)
        last_sync = ops[i].kind == OP_SYNC_DIR ? i : last_sync;
    size_t pending = 0;
    for (size_t i = last_sync; i < done; i++)
        pending += ops[i].kind == OP_NAME || ops[i].kind == OP_RENAME || ops[i].kind == OP_UNLINK;
    size_t first = rng_below(rng, (uint32_t)pending + 1);
    for (size_t i = 0; i < done; i++) {
        const struct op *o = &ops[i];
        if (o->kind == OP_DATA)
            d.file[o->file].meant = &o->data;
        else if (o->kind == OP_SYNC_FILE)
            d.file[o->file].safe = d.file[o->file].meant;
        else if (o->kind != OP_SYNC_DIR) {
            bool const taken = i < last_sync || (hard ? rng_below(rng, 2) == 0 : first > 0);
            first -= i >= last_sync && first > 0;
            if (taken)
                disk_name(&d, o);
        }
    }
    dir_remove(dir);
    struct error e = {0};
    if (dir_make(dir, &e))
        die_of(&e);
    for (size_t i = 0; i < d.names; i++) {
        const struct buffer *safe = d.file[d.name[i].file].safe, *meant = d.file[d.name[i].file].meant, *is = meant;
        size_t size = is ? is->size : 0, zeros = 0;
        if (safe != meant)
            switch (rng_below(rng, 4)) {
            case 0: is = safe, size = safe ? safe->size : 0; break;
            case 1: break;
            case 2: size = rng_below(rng, (uint32_t)size + 1); break;
            default: zeros = rng_below(rng, (uint32_t)size + 1); break;
            }
        /* what was safe stays so, where more was put behind it */
        if (is == meant && safe && meant && safe->size <= meant->size &&
            memcmp(safe->data, meant->data, safe->size) == 0) {
            size = size < safe->size ? safe->size : size;
            zeros = size - zeros < safe->size ? size - safe->size : zeros;
        }
        char *path = path_join(dir, d.name[i].name);
        FILE *to = fopen(path, "wb");
        if (!to || (is && fwrite(is->data, 1, size - zeros, to) != size - zeros))
            die(EX_IOERR, "cannot write '%s'", path);
        for (size_t z = 0; z < zeros; z++)
            fputc(0, to);
        fclose(to);
        free(path);
    }
}

/* ---- what is published ---- */

static char *made, *after;        /* folders: where it happens, and the disk after it */
static size_t kept_at[SCANS + 1]; /* operations when scan n was said to be kept */
static char whole_digest[65];
static uint64_t lost, neither;

static void complain(const char *what, const struct error *e, size_t done)
{
    if (neither + lost < 20)
        printf("%s after %zu of %zu operations: %s\n", what, done, op_count, e->text);
}

static void collect(const char *dir, bool record)
{
    struct cache c;
    struct error e = {0};
    if (cache_writer_open(&c, dir, &e))
        die_of(&e);
    for (uint64_t n = 0; n < SCANS; n++) {
        struct regions_message m;
        fault_scan(&m, 3, n, 2);
        if (!cache_has(&c, (struct item_key){RUN, n}) && cache_add(&c, (struct item_key){RUN, n}, &m, &e))
            die_of(&e);
        regions_message_free(&m);
        if (record)
            kept_at[n] = op_count;
    }
    if (cache_split(&c, 0.3, 0.3, 1, SPLIT_REPLACE, &e))
        die_of(&e);
    cache_count(&c); /* in order, as whoever opens it will have it */
    strcpy(whole_digest, c.digest);
    cache_close(&c);
}

static void cache_check(size_t done)
{
    struct cache c;
    struct error e = {0};
    size_t kept = 0;
    while (kept < SCANS && kept_at[kept] <= done)
        kept++;
    if (cache_open(&c, after, &e) == 0) {
        for (size_t i = 0; i < c.shard_count; i++)
            if (cache_verify_shard(&c, i, &e))
                complain("a shard is damaged", &e, done), neither++;
        for (uint64_t n = 0; n < kept; n++)
            if (!cache_has(&c, (struct item_key){RUN, n}))
                complain("a kept scan is lost", &e, done), lost++;
        cache_close(&c);
    } else if (e.code != EX_NOINPUT || kept) {
        complain("the cache does not open", &e, done), neither++;
        return;
    }
    char digest[65];
    strcpy(digest, whole_digest);
    collect(after, false);
    if (strcmp(digest, whole_digest) != 0)
        complain("going on makes another cache", &e, done), neither++;
}

/* Every third time from a cache that a killed writer left: half a line, so that the manifest is made anew. */
static void cache_attack(uint64_t states, struct rng *rng)
{
    uint64_t tried = 0;
    for (int start = 0; start < 2; start++) {
        dir_remove(made);
        if (start) {
            collect(made, false);
            char *manifest = path_join(made, "manifest");
            FILE *to = fopen(manifest, "a");
            fputs("shard\t12", to);
            fclose(to);
            free(manifest);
            memset(kept_at, 0, sizeof kept_at); /* all of them, from the beginning */
        } else {
            struct error e = {0};
            if (dir_make(made, &e))
                die_of(&e);
        }
        record_begin(made);
        collect(made, !start);
        recording = false;
        for (uint64_t want = states * (uint64_t)(start ? 1 : 2) / 3, i = 0; i < want; i++, tried++) {
            size_t const done = moment(i, want);
            disk_make(after, done, i % 2, rng);
            cache_check(done);
        }
    }
}

static bool model_is(const char *path, int which, struct error *e)
{
    struct safetensors s;
    if (safetensors_read(&s, path, e))
        return false;
    bool const is = s.tensor_count == 1 && *(const float *)s.tensor[0].data == (float)which;
    safetensors_free(&s);
    return is;
}

/* A model, then another under its name; and a text likewise. */
static void file_attack(uint64_t states, struct rng *rng)
{
    struct error e = {0};
    size_t first = 0;
    float weight[300];
    dir_remove(made);
    if (dir_make(made, &e))
        die_of(&e);
    char *model = path_join(made, "model.safetensors"), *text = path_join(made, "text");
    record_begin(made);
    for (int which = 1; which <= 2; which++) {
        struct safetensors s = {0};
        for (int i = 0; i < 300; i++)
            weight[i] = (float)which;
        safetensors_add(&s, "w", TENSOR_F32, 1, (const int64_t[]){300}, weight);
        if (safetensors_write(&s, model, &e) ||
            publish_bytes(text, which == 1 ? "one" : "another", which == 1 ? 3 : 7, &e))
            die_of(&e);
        safetensors_free(&s);
        if (which == 1)
            first = op_count;
    }
    recording = false;
    free(model);
    free(text);
    model = path_join(after, "model.safetensors"), text = path_join(after, "text");
    for (uint64_t i = 0; i < states; i++) {
        size_t const done = moment(i, states);
        struct buffer b = {0};
        disk_make(after, done, i % 2, rng);
        bool const absent = !file_exists(model) && done < first;
        if (!absent && !model_is(model, 1, &e) && !model_is(model, 2, &e))
            complain("a model is neither", &e, done), neither++;
        if (file_exists(text) ? file_read(text, 100, &b, &e) ||
                                    (strcmp((char *)b.data, "one") != 0 && strcmp((char *)b.data, "another") != 0)
                              : done >= first)
            complain("a text is neither", &e, done), neither++;
        buffer_free(&b);
    }
    free(model);
    free(text);
}

int main(int argc, char **argv)
{
    uint64_t const states = argc > 1 ? strtoull(argv[1], NULL, 10) : 200;
    struct rng rng = rng_make(argc > 2 ? strtoull(argv[2], NULL, 10) : 1, RNG_TEST, 13);
    program_name_set("power");
    char *dir = fault_dir("power");
    made = path_join(dir, "made"), after = path_join(dir, "after");
    if (freopen("/dev/null", "w", stderr) == NULL) /* what a writer says of lines that a crash tore */
        return EX_OSERR;
    cache_attack(states * 2 / 3, &rng);
    file_attack(states / 3, &rng);
    dir_remove(dir);
    return fault_tell(&(struct fault_result){"R13", "power lost while publishing: neither old nor new", "disks", states,
                                             lost, 0, neither});
}
