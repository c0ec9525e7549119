/* SPDX-License-Identifier: Apache-2.0 */
/* gzip -- .gz files in and out; the only user of libdeflate and of ISA-L's igzip.   common
 *
 * ISA-L unpacks about as fast as libdeflate (400x400x326 float32: 0.56 s and 0.50 s side by side, zlib 1.15 s, 2026-11-25, a busy
 * machine), and in pieces: the packed bytes and the unpacked ones need never be in memory whole, which halves the peak. */
#include "common/gzip.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIECE = 1 << 18,
    DEFLATE_MOST = 1032 /* no byte can unpack to more */,
    STEP_MOST = 1 << 30 /* ISA-L counts in 32 bits */
};

struct gzip_reader {
    int file;
    bool packed, ended; /* ended: the last member's end was seen */
    uint64_t size;      /* of the file */
    char *path;
    const uint8_t *next; /* bytes read from the file and not used yet */
    size_t left;
    struct inflate_state state; /* large: tables and a window */
    uint8_t piece[PIECE];
};

static bool is_gzip(const uint8_t *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static bool all_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i])
            return false;
    return true;
}

/* Behind what is left, as much more as there is room for. 1: some came; 0: the file is at its end. */
static int piece_fill(struct gzip_reader *r, struct error *e)
{
    ssize_t got;
    memmove(r->piece, r->next, r->left);
    r->next = r->piece;
    do
        got = read(r->file, r->piece + r->left, PIECE - r->left);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail_as(e, EX_IOERR, "cannot read '%s': %s", r->path, strerror(errno));
    r->left += (size_t)got;
    return got > 0;
}

int gzip_open(struct gzip_reader **r, const char *path, struct error *e)
{
    *r = NULL;
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) {
        close(file);
        file = -1;
        errno = EISDIR;
    }
    if (file < 0)
        return fail_as(e, EX_NOINPUT, "cannot open '%s': %s", path, strerror(errno));
    struct gzip_reader *new = xalloc(1, sizeof *new);
    new->file = file;
    new->path = xstrdup(path);
    new->next = new->piece;
    new->size = status.st_size > 0 ? (uint64_t)status.st_size : 0;
    isal_inflate_init(&new->state);
    new->state.crc_flag = ISAL_GZIP;
    *r = new;
    int more;
    while ((more = piece_fill(new, e)) > 0 && new->left < 2)
        ;
    new->packed = is_gzip(new->next, new->left);
    if (more < 0)
        gzip_close(r);
    return more < 0 ? -1 : 0;
}

void gzip_close(struct gzip_reader **r)
{
    if (*r) {
        close((*r)->file);
        free((*r)->path);
    }
    free(*r);
    *r = NULL;
}

uint64_t gzip_most(const struct gzip_reader *r)
{
    return r->packed ? r->size * DEFLATE_MOST : r->size;
}

bool gzip_packed(const struct gzip_reader *r)
{
    return r->packed;
}

static int damaged(const struct gzip_reader *r, int why, struct error *e)
{
    const char *what = why == ISAL_INCORRECT_CHECKSUM   ? "incorrect data check"
                       : why == ISAL_INVALID_WRAPPER    ? "invalid header"
                       : why == ISAL_UNSUPPORTED_METHOD ? "unknown method"
                       : why == ISAL_INVALID_LOOKBACK   ? "invalid distance"
                                                        : "invalid code";
    return fail(e, "cannot read '%s': gzip data is damaged (%s; copy it again)", r->path, what);
}

/* A member has ended: is there another? Tapes and some archives pad with zeros; anything else there is refused. */
static int member_next(struct gzip_reader *r, struct error *e)
{
    int more = 1;
    while (r->left < 2 && (more = piece_fill(r, e)) > 0)
        ;
    if (more < 0)
        return -1;
    if (is_gzip(r->next, r->left)) {
        isal_inflate_reset(&r->state);
        r->state.crc_flag = ISAL_GZIP;
        return 0;
    }
    uint64_t behind = 0;
    bool zero = true;
    do {
        behind += r->left;
        zero = zero && all_zero(r->next, r->left);
        r->left = 0;
    } while ((more = piece_fill(r, e)) > 0);
    r->ended = true;
    if (more == 0 && !zero)
        return fail(e, "cannot read '%s': %llu bytes after the gzip data are none", r->path, (unsigned long long)behind);
    return more;
}

static int take_packed(struct gzip_reader *r, uint8_t *to, size_t wanted, size_t *got, struct error *e)
{
    struct inflate_state *s = &r->state;
    while (*got < wanted && !r->ended) {
        int more = 1;
        if (r->left == 0 && (more = piece_fill(r, e)) < 0)
            return -1;
        size_t const room = wanted - *got < STEP_MOST ? wanted - *got : STEP_MOST;
        s->next_in = (uint8_t *)(uintptr_t)r->next;
        s->avail_in = (uint32_t)r->left;
        s->next_out = to + *got;
        s->avail_out = (uint32_t)room;
        int rc = isal_inflate(s);
        *got += room - s->avail_out;
        r->next += r->left - s->avail_in;
        r->left = s->avail_in;
        if (rc < 0)
            return damaged(r, rc, e);
        if (s->block_state == ISAL_BLOCK_FINISH) {
            if (member_next(r, e) < 0)
                return -1;
        } else if (more == 0 && s->avail_out == room) {
            return fail(e, "cannot read '%s': gzip data ends early (the file is truncated; copy it again)", r->path);
        }
    }
    return 0;
}

static int take_plain(struct gzip_reader *r, uint8_t *to, size_t wanted, size_t *got, struct error *e)
{
    while (*got < wanted) {
        ssize_t here = (ssize_t)(r->left < wanted - *got ? r->left : wanted - *got);
        if (here > 0) {
            memcpy(to + *got, r->next, (size_t)here);
            r->next += here;
            r->left -= (size_t)here;
        } else { /* past the first piece, straight to where it belongs */
            here = read(r->file, to + *got, wanted - *got);
            if (here < 0 && errno != EINTR)
                return fail_as(e, EX_IOERR, "cannot read '%s': %s", r->path, strerror(errno));
            if (here == 0)
                break;
            here = here < 0 ? 0 : here;
        }
        *got += (size_t)here;
    }
    return 0;
}

int gzip_take(struct gzip_reader *r, void *to, size_t wanted, size_t *got, struct error *e)
{
    *got = 0;
    return r->packed ? take_packed(r, to, wanted, got, e) : take_plain(r, to, wanted, got, e);
}

int gzip_finish(struct gzip_reader *r, uint64_t most, struct error *e)
{
    if (!r->packed)
        return 0;
    uint8_t *sink = xalloc(PIECE, 1);
    uint64_t size = 0;
    size_t got;
    int rc;
    do {
        rc = gzip_take(r, sink, PIECE, &got, e);
        size += got;
        if (rc == 0 && size > most)
            rc = fail(e, "cannot read '%s': it unpacks to more than the %llu bytes that are read of it", r->path,
                      (unsigned long long)most);
    } while (rc == 0 && got == PIECE);
    free(sink);
    return rc;
}

int gzip_read(const char *path, size_t max, struct buffer *out, struct error *e)
{
    struct gzip_reader *r;
    size_t size = 0, got, room = 65536;
    *out = (struct buffer){0};
    if (gzip_open(&r, path, e) < 0)
        return -1;
    if (!r->packed)
        room = r->size < max ? (size_t)r->size + 1 : max + 1;
    uint8_t *data = NULL;
    int rc = 0;
    do {
        uint8_t *larger = realloc(data, room + 1);
        if (!larger) {
            rc = fail_as(e, EX_OSERR, "cannot read '%s': no memory for %zu bytes", path, room);
            break;
        }
        data = larger;
        rc = gzip_take(r, data + size, room - size, &got, e);
        size += got;
        if (rc == 0 && size > max)
            rc = fail(e,
                      r->packed ? "cannot read '%s': it unpacks to more than %zu bytes"
                                : "cannot read '%s': it is larger than %zu bytes",
                      path, max);
        if (size < room)
            break;
        room = room < max / 2 ? 2 * room : max + 1;
    } while (rc == 0);
    gzip_close(&r);
    if (rc < 0) {
        free(data);
        return -1;
    }
    data[size] = '\0';
    *out = (struct buffer){.data = data, .size = size};
    return 0;
}

int gzip_write(const char *path, const void *data, size_t size, int level, struct error *e)
{
    struct libdeflate_compressor *engine = libdeflate_alloc_compressor(level);
    if (!engine)
        return fail_as(e, EX_SOFTWARE, "cannot write '%s': gzip level %d (1 to 12)", path, level);
    size_t room = libdeflate_gzip_compress_bound(engine, size);
    uint8_t *packed = try_alloc(e, room, 1);
    int result = -1;
    if (packed) {
        size_t made = libdeflate_gzip_compress(engine, data, size, packed, room);
        result = made ? publish_bytes(path, packed, made, e)
                      : fail_as(e, EX_SOFTWARE, "cannot write '%s': it did not pack into %zu bytes", path, room);
    } else {
        fail_in(e, "cannot write '%s'", path);
    }
    free(packed);
    libdeflate_free_compressor(engine);
    return result;
}
