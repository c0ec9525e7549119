/* SPDX-License-Identifier: Apache-2.0 */
/* seal -- how far a file that grows was safe on disk.   common */
#include "common/seal.h"
#include "common/file.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEAL_MAX = 64, TRIES = 10 };

static char *seal_path(const char *path)
{
    return xprintf("%s.end", path);
}

static void seal_text(char text[SEAL_MAX], const void *data, size_t size)
{
    format_into(text, SEAL_MAX, "%zu %016" PRIx64 "\n", size, bytes_xxh3(data, size));
}

int seal_publish(const char *path, struct error *e)
{
    char *at = seal_path(path), text[SEAL_MAX];
    struct buffer b = {0};
    int result = file_read(path, SIZE_MAX / 4, &b, e);
    if (!result) {
        seal_text(text, b.data, b.size);
        result = publish_bytes(at, text, strlen(text), e);
    }
    buffer_free(&b);
    free(at);
    return result;
}

int seal_remove(const char *path, struct error *e)
{
    char *at = seal_path(path);
    int result = unlink(at) == 0 ? dir_sync_of(at, e) : 0;
    if (file_exists(at))
        result = fail_as(e, EX_IOERR, "cannot take '%s' away", at);
    free(at);
    return result;
}

/* "" where there is none. One that is longer than a seal can be is none that was written here, and is broken. */
static int seal_take(const char *path, char text[SEAL_MAX], struct error *e)
{
    char *at = seal_path(path);
    struct buffer b = {0};
    struct error why = {0};
    int result = 0;
    text[0] = '\0';
    if (file_read(at, SEAL_MAX - 1, &b, &why) == 0)
        format_into(text, SEAL_MAX, "%.*s", (int)b.size, b.size ? (const char *)b.data : "");
    else if (why.code == EX_DATAERR)
        format_into(text, SEAL_MAX, "too long");
    else if (why.code != EX_NOINPUT || file_exists(at)) {
        result = -1;
        if (e)
            *e = why;
    }
    if (!result && b.data && !*text)
        format_into(text, SEAL_MAX, "empty");
    buffer_free(&b);
    free(at);
    return result;
}

static bool covers(const char *text, const struct buffer *b)
{
    char again[SEAL_MAX];
    unsigned long long const size = strtoull(text, NULL, 10);
    if (size > b->size)
        return false;
    seal_text(again, b->data, (size_t)size);
    return strcmp(text, again) == 0;
}

int seal_read(const char *path, size_t max, struct buffer *out, enum seal *is, struct error *e)
{
    char before[SEAL_MAX], after[SEAL_MAX];
    *out = (struct buffer){0};
    for (int tries = 0; tries < TRIES; tries++) {
        buffer_free(out);
        /* the seal first: it never covers more than there is by then */
        if (seal_take(path, before, e) || file_read(path, max, out, e))
            return -1;
        *is = !*before ? SEAL_NONE : covers(before, out) ? SEAL_WHOLE : SEAL_BROKEN;
        if (*is != SEAL_BROKEN)
            return 0;
        if (seal_take(path, after, e)) {
            buffer_free(out);
            return -1;
        }
        if (strcmp(before, after) == 0) /* nobody is making it anew this moment */
            return 0;
    }
    return 0;
}
