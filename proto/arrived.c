/* SPDX-License-Identifier: Apache-2.0 */
/* arrived -- what of a source's stream has arrived for good, kept across its restarts.   proto */
#include "proto/arrived.h"

#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 64 };

struct arrived {
    char *path;
    int fd;
    struct item_key *key; /* sorted */
    size_t count, room;
};

static int key_order(const void *a, const void *b)
{
    const struct item_key *x = a, *y = b;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static void key_add(struct arrived *a, struct item_key key)
{
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 64;
        a->key = xresize(a->key, a->room, sizeof *a->key);
    }
    a->key[a->count++] = key;
}

/* "run index sum" and a line's end; how many bytes. */
static size_t key_line(struct item_key key, char line[LINE_MAX_BYTES])
{
    const uint64_t both[] = {key.run, key.index};
    format_into(line, LINE_MAX_BYTES, "%" PRIu64 " %" PRIu64 " %08x\n", key.run, key.index,
                (unsigned)bytes_xxh3(both, sizeof both));
    return strlen(line);
}

static void keys_read(struct arrived *a, const char *text)
{
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        struct item_key key;
        char right[LINE_MAX_BYTES];
        /* a line that is not just as it was written is none: that item is given once more */
        if (sscanf(line, "%" SCNu64 " %" SCNu64, &key.run, &key.index) == 2 &&
            key_line(key, right) == (size_t)(end + 1 - line) && memcmp(line, right, (size_t)(end + 1 - line)) == 0)
            key_add(a, key);
    }
    if (a->count)
        qsort(a->key, a->count, sizeof *a->key, key_order);
}

int arrived_open(struct arrived **out, const char *run_dir, const char *name, struct error *e)
{
    struct arrived *a = xalloc(1, sizeof *a);
    struct buffer text = {0};
    *out = NULL;
    a->path = xprintf("%s/channels/%s.arrived", run_dir, name);
    a->fd = open(a->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (a->fd < 0) {
        fail_as(e, EX_CANTCREAT, "cannot write '%s': %s", a->path, strerror(errno));
        arrived_close(&a);
        return -1;
    }
    if (file_read(a->path, (size_t)1 << 30, &text, e)) {
        arrived_close(&a);
        return -1;
    }
    keys_read(a, (const char *)text.data);
    /* after a torn line the next must begin on its own */
    bool torn = text.size && text.data[text.size - 1] != '\n';
    buffer_free(&text);
    if (torn && write(a->fd, "\n", 1) != 1) {
        fail_as(e, EX_IOERR, "cannot write '%s': %s", a->path, strerror(errno));
        arrived_close(&a);
        return -1;
    }
    *out = a;
    return 0;
}

bool arrived_has(const struct arrived *a, struct item_key key)
{
    return a->count && bsearch(&key, a->key, a->count, sizeof key, key_order);
}

int arrived_note(struct arrived *a, struct item_key key, struct error *e)
{
    char line[LINE_MAX_BYTES];
    size_t length = key_line(key, line);
    if (write(a->fd, line, length) != (ssize_t)length)
        return fail_as(e, EX_IOERR, "cannot write '%s': %s", a->path, strerror(errno));
    return 0;
}

void arrived_close(struct arrived **pointer)
{
    struct arrived *a = *pointer;
    if (!a)
        return;
    if (a->fd >= 0)
        close(a->fd);
    free(a->path);
    free(a->key);
    free(a);
    *pointer = NULL;
}
