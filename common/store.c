/* SPDX-License-Identifier: Apache-2.0 */
/* store -- arrays and attributes in one HDF5 file, written whole, once, and read back before it is published.   common
 *
 * Fletcher32 sees a damaged chunk but not one that never arrived: HDF5 reads it as zeros, without a word. So every
 * dataset also carries the XXH3 of its numbers, and store_verify holds them against each other. */
#include "common/store.h"
#include "common/file.h"
#include <errno.h>
#include <hdf5.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
    hid_t file;
    char *path, *temporary; /* temporary: being written */
    size_t written;         /* datasets so far */
    uint64_t file_bytes;    /* reading: nothing in the file can be larger */
    hid_t last;             /* the dataset read last stays open: boxes are read one by one */
    char last_name[256];
};

#ifdef __SANITIZE_ADDRESS__
/* HDF5 1.10 forgets a few hundred bytes of its own at its first calls and wherever a file is damaged; the leaks that
 * are looked for are ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct {
    hid_t file, memory;
    size_t size;
} types[7];

/* Where memory is gone, HDF5 1.10 leaves by itself (H5I_register: exit(-1)), with a code of nobody's and without a word, steps on what it
 * could not make (SIGSEGV: H5CX_pop in H5Fopen, H5O__free), or frees what is still in use (SIGABRT of malloc: H5FL's collection). So while
 * this thread is in HDF5, library_file is set, and each such end is made one with a sentence and EX_OSERR; elsewhere a signal is what it
 * was. */
static _Thread_local const char *library_file;
static const int falls[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
static struct sigaction fell_before[COUNT_OF(falls)];

/* Nothing but write() is safe here. */
static void say(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}
static _Noreturn void library_lost(void)
{
    say(program_name());
    say(": HDF5 gave up");
    if (library_file) {
        say(" on '");
        say(library_file);
        say("'");
    }
    say(": no memory, most likely (close other programs, or run on a larger machine)\n");
    _exit(EX_OSERR);
}
static void library_gave_up(int status, void *nothing)
{
    (void)nothing;
    if (status == -1)
        library_lost();
}
static void library_fell(int signal)
{
    if (library_file)
        library_lost();
    for (size_t i = 0; i < COUNT_OF(falls); i++)
        if (falls[i] == signal)
            sigaction(signal, &fell_before[i], NULL); /* and the same step is taken again */
}

static void library_guard(void)
{
    on_exit(library_gave_up, NULL);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* which tell of such a signal themselves */
    static char stack[1 << 16]; /* of its own: some of its failures call themselves until there is none left */
    stack_t const own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction const fell = {.sa_handler = library_fell, .sa_flags = SA_ONSTACK};
    sigaltstack(&own, NULL);
    for (size_t i = 0; i < COUNT_OF(falls); i++)
        sigaction(falls[i], &fell, &fell_before[i]);
#endif
}

static void library_begin(void)
{
    library_guard();
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1); /* read once, when the library starts */
    H5dont_atexit();  /* its farewell after a failed write is a SIGSEGV; whatever we keep was closed by hand */
    if (H5open() < 0) /* unseen, the next call would step on what was not made */
        library_lost();
    types[STORE_U8].file = H5T_STD_U8LE, types[STORE_U8].memory = H5T_NATIVE_UINT8;
    types[STORE_I32].file = H5T_STD_I32LE, types[STORE_I32].memory = H5T_NATIVE_INT32;
    types[STORE_U32].file = H5T_STD_U32LE, types[STORE_U32].memory = H5T_NATIVE_UINT32;
    types[STORE_I64].file = H5T_STD_I64LE, types[STORE_I64].memory = H5T_NATIVE_INT64;
    types[STORE_U64].file = H5T_STD_U64LE, types[STORE_U64].memory = H5T_NATIVE_UINT64;
    types[STORE_F32].file = H5T_IEEE_F32LE, types[STORE_F32].memory = H5T_NATIVE_FLOAT;
    types[STORE_F64].file = H5T_IEEE_F64LE, types[STORE_F64].memory = H5T_NATIVE_DOUBLE;
    for (size_t i = 0; i < COUNT_OF(types); i++)
        types[i].size = H5Tget_size(types[i].memory);
}

/* HDF5 prints its errors unless told not to, thread by thread. */
static const char *library_enter(const char *path)
{
    const char *const before = library_file;
    library_file = path;
    pthread_once(&once, library_begin);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5Eclear2(H5E_DEFAULT);
    return before;
}
static void library_leave(const char *const *before)
{
    library_file = *before;
}
/* First in every function that calls HDF5: until it returns, this thread is in it. */
#define IN_LIBRARY(path) __attribute__((cleanup(library_leave))) const char *const before_it = library_enter(path)

static herr_t reason_take(unsigned n, const H5E_error2_t *error, void *to)
{
    static const char says[] = "error message = '";
    (void)n;
    if (!error->desc || !*error->desc)
        return 1;
    const char *system = strstr(error->desc, says); /* of a long sentence with a date, over several lines */
    const char *from = system ? system + sizeof says - 1 : error->desc;
    format_into(to, 200, "%.*s", (int)(strcspn(from, system ? "'" : "\n") % 200), from);
    return 1; /* the innermost is enough */
}

/* "cannot VERB 'what' of 'path': HDF5's reason" */
static int store_fail(const struct store *s, const char *verb, const char *what, struct error *e)
{
    char reason[200] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, reason_take, reason);
    return fail_as(e, s->temporary ? EX_IOERR : EX_DATAERR, "cannot %s '%s' of '%s': %s", verb, what, s->path, reason);
}

static hid_t file_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    return access;
}

int store_create(struct store **out, const char *path, struct error *e)
{
    IN_LIBRARY(path);
    struct store *s = xalloc(1, sizeof *s);
    s->path = xstrdup(path);
    s->last = H5I_INVALID_HID;
    s->temporary = xprintf("%.*s.%s.%d.tmp", (int)(path_base(path) - path), path, path_base(path), (int)getpid());
    hid_t access = file_access(), create = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(create, false);
    s->file = H5Fcreate(s->temporary, H5F_ACC_TRUNC, create, access);
    H5Pclose(create);
    H5Pclose(access);
    *out = s;
    if (s->file >= 0)
        return 0;
    fail_as(e, EX_CANTCREAT, "cannot write '%s': %s", path, errno ? strerror(errno) : "HDF5 cannot make it");
    store_close(out);
    return -1;
}

int store_open(struct store **out, const char *path, struct error *e)
{
    IN_LIBRARY(path);
    struct stat about;
    if (stat(path, &about))
        return fail_as(e, errno == ENOENT ? EX_NOINPUT : EX_IOERR, "cannot open '%s': %s", path, strerror(errno));
    struct store *s = xalloc(1, sizeof *s);
    s->path = xstrdup(path);
    s->file_bytes = (uint64_t)about.st_size;
    s->last = H5I_INVALID_HID;
    hid_t access = file_access();
    s->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    *out = s;
    if (s->file >= 0)
        return 0;
    store_fail(s, "open", "/", e);
    store_close(out);
    return -1;
}

static void last_close(struct store *s)
{
    if (s->last >= 0)
        H5Dclose(s->last);
    s->last = H5I_INVALID_HID;
}

void store_close(struct store **p)
{
    struct store *s = *p;
    *p = NULL;
    if (!s)
        return;
    IN_LIBRARY(s->path);
    last_close(s);
    if (s->file >= 0)
        H5Fclose(s->file);
    if (s->temporary)
        unlink(s->temporary);
    free(s->temporary);
    free(s->path);
    free(s);
}

/* What was written, opened again under its temporary name, by the eyes of a reader. */
static int written_check(const struct store *s, struct error *e)
{
    struct store *again;
    if (store_open(&again, s->temporary, e))
        return -1;
    int result = store_verify(again, e);
    if (!result && again->written != s->written)
        result = fail_as(e, EX_IOERR, "'%s' holds %zu datasets of %zu", s->path, again->written, s->written);
    store_close(&again);
    return result;
}

int store_commit(struct store **p, struct error *e)
{
    struct store *s = *p;
    IN_LIBRARY(s->path);
    int result = H5Fflush(s->file, H5F_SCOPE_GLOBAL) < 0 ? store_fail(s, "flush", "/", e) : 0;
    if (H5Fclose(s->file) < 0 && !result)
        result = store_fail(s, "close", "/", e);
    s->file = H5I_INVALID_HID;
    if (!result && written_check(s, e)) {
        result = fail_in(e, "cannot write '%s', what was written does not read back", s->path);
        if (e)
            e->code = EX_IOERR;
    }
    if (!result)
        result = publish_rename(s->temporary, s->path, e);
    if (!result) { /* it has its name now: nothing temporary is left */
        free(s->temporary);
        s->temporary = NULL;
    }
    store_close(p);
    return result;
}

/* ---- groups, datasets */

/* The groups of "/a/b/name", without times. */
static int groups_make(struct store *s, const char *name, struct error *e)
{
    char part[256];
    for (const char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        format_into(part, sizeof part, "%.*s", (int)(slash - name), name);
        if (H5Lexists(s->file, part, H5P_DEFAULT) > 0)
            continue;
        hid_t create = H5Pcreate(H5P_GROUP_CREATE);
        H5Pset_obj_track_times(create, false);
        hid_t group = H5Gcreate2(s->file, part, H5P_DEFAULT, create, H5P_DEFAULT);
        H5Pclose(create);
        if (group < 0)
            return store_fail(s, "make group", part, e);
        H5Gclose(group);
    }
    return 0;
}

static int set_attribute(struct store *s, const char *object, const char *name, hid_t type, hid_t memory, int count,
                         const void *v, struct error *e)
{
    hsize_t dim = (hsize_t)count;
    if (strcmp(object, "/") != 0 && H5Lexists(s->file, object, H5P_DEFAULT) == 0) {
        char group[256];
        format_into(group, sizeof group, "%s/", object);
        if (groups_make(s, group, e))
            return -1;
    }
    hid_t at = H5Oopen(s->file, object, H5P_DEFAULT);
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &dim, NULL);
    hid_t attribute = at < 0 ? H5I_INVALID_HID : H5Acreate2(at, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, memory, v) >= 0;
    int result = written ? 0 : store_fail(s, "write attribute", name, e);
    if (attribute >= 0 && H5Aclose(attribute) < 0 && !result)
        result = store_fail(s, "write attribute", name, e);
    H5Sclose(space);
    if (at >= 0)
        H5Oclose(at);
    return result;
}

int store_write(struct store *s, const char *name, enum store_type type, int ndim, const uint64_t *dim,
                uint64_t chunk_rows, const void *data, struct error *e)
{
    IN_LIBRARY(s->path);
    hsize_t size[8] = {0}, chunk[8] = {0};
    uint64_t bytes = types[type].size;
    for (int a = 0; a < ndim; a++) {
        size[a] = chunk[a] = dim[a];
        bytes *= dim[a];
    }
    if (chunk_rows && chunk_rows < dim[0])
        chunk[0] = chunk_rows;
    if (groups_make(s, name, e))
        return -1;
    hid_t create = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(ndim, size, NULL);
    H5Pset_obj_track_times(create, false);
    H5Pset_fill_time(create, H5D_FILL_TIME_NEVER);
    if (bytes) { /* an empty array has no chunks to protect */
        H5Pset_chunk(create, ndim, chunk);
        H5Pset_fletcher32(create);
    }
    hid_t set = H5Dcreate2(s->file, name, types[type].file, space, H5P_DEFAULT, create, H5P_DEFAULT);
    bool good = set >= 0 && (!bytes || H5Dwrite(set, types[type].memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    int result = good ? 0 : store_fail(s, "write", name, e);
    if (set >= 0 && H5Dclose(set) < 0 && !result)
        result = store_fail(s, "write", name, e);
    H5Pclose(create);
    H5Sclose(space);
    if (result)
        return -1;
    s->written++;
    uint64_t sum = bytes_xxh3(bytes ? data : "", bytes);
    return set_attribute(s, name, "xxh3", H5T_STD_U64LE, H5T_NATIVE_UINT64, 1, &sum, e);
}

/* The dataset's handle (kept open in s) and shape; its bytes as `type` are held against the file's size. */
static int dataset_open(struct store *s, const char *name, int *ndim, hsize_t dim[8], struct error *e)
{
    if (s->last < 0 || strcmp(s->last_name, name) != 0) {
        last_close(s);
        s->last = H5Dopen2(s->file, name, H5P_DEFAULT);
        if (s->last < 0)
            return store_fail(s, "read", name, e);
        format_into(s->last_name, sizeof s->last_name, "%s", name);
    }
    hid_t space = H5Dget_space(s->last), type = H5Dget_type(s->last);
    *ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    bool good = *ndim >= 1 && *ndim <= 8 && H5Sget_simple_extent_dims(space, dim, NULL) >= 0;
    uint64_t bytes = type < 0 ? 0 : H5Tget_size(type);
    for (int a = 0; a < *ndim && good; a++)
        good = !__builtin_mul_overflow(bytes, (uint64_t)dim[a], &bytes);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (!good)
        return fail(e, "cannot read '%s' of '%s': it is no array of 1 to 8 dimensions", name, s->path);
    if (!s->temporary && bytes > s->file_bytes)
        return fail(e, "cannot read '%s' of '%s': it claims %llu bytes, the file has %llu", name, s->path,
                    (unsigned long long)bytes, (unsigned long long)s->file_bytes);
    return 0;
}

int store_shape(struct store *s, const char *name, int *ndim, uint64_t dim[8], struct error *e)
{
    IN_LIBRARY(s->path);
    hsize_t size[8] = {0};
    if (dataset_open(s, name, ndim, size, e))
        return -1;
    for (int a = 0; a < *ndim; a++)
        dim[a] = size[a];
    return 0;
}

int store_read(struct store *s, const char *name, enum store_type type, uint64_t first, uint64_t count, void *data,
               struct error *e)
{
    IN_LIBRARY(s->path);
    int ndim;
    hsize_t dim[8] = {0}, start[8] = {0};
    if (dataset_open(s, name, &ndim, dim, e))
        return -1;
    if (first > dim[0] || count > dim[0] - first)
        return fail(e, "cannot read '%s' of '%s': rows %llu to %llu of %llu", name, s->path, (unsigned long long)first,
                    (unsigned long long)(first + count), (unsigned long long)dim[0]);
    start[0] = first;
    dim[0] = count;
    hsize_t elements = 1;
    for (int a = 0; a < ndim; a++)
        elements *= dim[a];
    if (elements == 0)
        return 0;
    hid_t in_file = H5Dget_space(s->last), in_memory = H5Screate_simple(ndim, dim, NULL);
    bool good = H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, dim, NULL) >= 0 &&
                H5Dread(s->last, types[type].memory, in_memory, in_file, H5P_DEFAULT, data) >= 0;
    H5Sclose(in_file);
    H5Sclose(in_memory);
    return good ? 0 : store_fail(s, "read", name, e);
}

int store_has(struct store *s, const char *name, struct error *e)
{
    IN_LIBRARY(s->path);
    char part[256];
    for (const char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        format_into(part, sizeof part, "%.*s", (int)(slash - name), name);
        htri_t const there = H5Lexists(s->file, part, H5P_DEFAULT);
        if (there <= 0)
            return there < 0 ? store_fail(s, "look for", name, e) : 0;
    }
    htri_t const there = H5Lexists(s->file, name, H5P_DEFAULT);
    return there < 0 ? store_fail(s, "look for", name, e) : there > 0;
}

/* ---- verification */

struct visit {
    struct store *store;
    struct error *e;
    int result;
};

static herr_t attribute_read(hid_t object, const char *name, const H5A_info_t *info, void *to)
{
    struct visit *v = to;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = attribute < 0 ? attribute : H5Aget_type(attribute);
    struct store *s = v->store;
    if (attribute < 0 || type < 0 || info->data_size > s->file_bytes)
        v->result = store_fail(s, "read attribute", name, v->e);
    else {
        void *data = xalloc((size_t)info->data_size + 1, 1);
        if (H5Aread(attribute, type, data) < 0)
            v->result = store_fail(s, "read attribute", name, v->e);
        free(data);
    }
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return v->result ? 1 : 0;
}

static int dataset_verify(struct store *s, const char *name, struct error *e)
{
    int ndim;
    hsize_t dim[8];
    uint64_t said, bytes;
    if (dataset_open(s, name, &ndim, dim, e))
        return -1;
    hid_t type = H5Dget_type(s->last);
    size_t t = 0;
    while (t < COUNT_OF(types) && H5Tequal(type, types[t].file) <= 0)
        t++;
    H5Tclose(type);
    if (t == COUNT_OF(types))
        return fail(e, "cannot read '%s' of '%s': its numbers are of no kind that is written here", name, s->path);
    bytes = types[t].size;
    for (int a = 0; a < ndim; a++)
        bytes *= dim[a];
    hid_t attribute = H5Aopen(s->last, "xxh3", H5P_DEFAULT);
    bool good = attribute >= 0 && H5Aread(attribute, H5T_NATIVE_UINT64, &said) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    if (!good)
        return store_fail(s, "find the sum of", name, e);
    void *data = try_alloc(e, bytes + 1, 1);
    if (!data)
        return -1;
    int result = store_read(s, name, (enum store_type)t, 0, dim[0], data, e);
    if (!result && bytes_xxh3(data, bytes) != said)
        result = fail(e, "'%s' of '%s' is not what was written: its sum differs", name, s->path);
    free(data);
    return result;
}

static herr_t object_verify(hid_t root, const char *name, const H5O_info_t *info, void *to)
{
    struct visit *v = to;
    char full[256];
    format_into(full, sizeof full, "%s%.240s", strcmp(name, ".") == 0 ? "" : "/", strcmp(name, ".") == 0 ? "/" : name);
    hsize_t at = 0;
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0 || H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, &at, attribute_read, v) < 0) {
        if (!v->result)
            v->result = store_fail(v->store, "read", full, v->e);
    } else if (!v->result && info->type == H5O_TYPE_DATASET) {
        v->result = dataset_verify(v->store, full, v->e);
        v->store->written++;
    }
    if (object >= 0)
        H5Oclose(object);
    return v->result ? 1 : 0;
}

int store_verify(struct store *s, struct error *e)
{
    IN_LIBRARY(s->path);
    struct visit v = {s, e, 0};
    s->written = 0;
    if (H5Ovisit2(s->file, H5_INDEX_NAME, H5_ITER_NATIVE, object_verify, &v, H5O_INFO_BASIC) < 0 && !v.result)
        v.result = store_fail(s, "read", "/", e);
    last_close(s);
    return v.result;
}

/* ---- attributes */

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

int store_set_text(struct store *s, const char *object, const char *name, const char *text, struct error *e)
{
    IN_LIBRARY(s->path);
    hid_t type = text_type(strlen(text) + 1);
    int result = set_attribute(s, object, name, type, type, 1, text, e);
    H5Tclose(type);
    return result;
}

int store_set_real(struct store *s, const char *object, const char *name, int count, const double *v, struct error *e)
{
    IN_LIBRARY(s->path);
    return set_attribute(s, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, count, v, e);
}

int store_set_int(struct store *s, const char *object, const char *name, int64_t v, struct error *e)
{
    IN_LIBRARY(s->path);
    return set_attribute(s, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &v, e);
}

/* An attribute of exactly this class and count. class H5T_STRING: *type is its type in the file, to be closed. */
static hid_t attribute_open(struct store *s, const char *object, const char *name, H5T_class_t class, int count,
                            hid_t *type, struct error *e)
{
    hid_t attribute = H5Aopen_by_name(s->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0)
        return store_fail(s, "read attribute", name, e);
    hid_t space = H5Aget_space(attribute);
    *type = H5Aget_type(attribute);
    if (H5Tget_class(*type) == class && H5Sget_simple_extent_npoints(space) == count) {
        H5Sclose(space);
        return attribute;
    }
    H5Sclose(space);
    H5Tclose(*type);
    H5Aclose(attribute);
    return fail(e, "attribute '%s' of '%s' in '%s' has another kind or number of values", name, object, s->path);
}

static int get_numbers(struct store *s, const char *object, const char *name, H5T_class_t class, hid_t memory,
                       int count, void *v, struct error *e)
{
    hid_t type, attribute = attribute_open(s, object, name, class, count, &type, e);
    if (attribute < 0)
        return -1;
    int result = H5Aread(attribute, memory, v) < 0 ? store_fail(s, "read attribute", name, e) : 0;
    H5Tclose(type);
    H5Aclose(attribute);
    return result;
}

int store_has_attribute(struct store *s, const char *object, const char *name, struct error *e)
{
    IN_LIBRARY(s->path);
    htri_t const there = H5Aexists_by_name(s->file, object, name, H5P_DEFAULT);
    return there < 0 ? store_fail(s, "look for attribute", name, e) : there > 0;
}

int store_get_text(struct store *s, const char *object, const char *name, char *text, size_t size, struct error *e)
{
    IN_LIBRARY(s->path);
    hid_t type, attribute = attribute_open(s, object, name, H5T_STRING, 1, &type, e);
    if (attribute < 0)
        return -1;
    size_t stored = H5Tget_size(type);
    int result = 0;
    if (H5Tis_variable_str(type) > 0 || stored == 0 || stored > size)
        result = fail(e, "attribute '%s' of '%s' in '%s' has %zu characters, at most %zu fit", name, object, s->path,
                      stored ? stored - 1 : 0, size - 1);
    else if (H5Aread(attribute, type, text) < 0)
        result = store_fail(s, "read attribute", name, e);
    else
        text[stored - 1] = '\0';
    H5Tclose(type);
    H5Aclose(attribute);
    return result;
}

int store_get_real(struct store *s, const char *object, const char *name, int count, double *v, struct error *e)
{
    IN_LIBRARY(s->path);
    return get_numbers(s, object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, count, v, e);
}

int store_get_int(struct store *s, const char *object, const char *name, int64_t *v, struct error *e)
{
    IN_LIBRARY(s->path);
    return get_numbers(s, object, name, H5T_INTEGER, H5T_NATIVE_INT64, 1, v, e);
}
