/* SPDX-License-Identifier: Apache-2.0 */
/* history -- losses as they come, one CSV row each.   [train] ═▶ losses.csv */
#include "stages/train/output/history.h"
#include "common/seal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cut(struct history *c, int64_t keep, struct error *e)
{
    struct stat st;
    struct buffer text = {0};
    enum seal seal;
    if (seal_read(c->path, (size_t)1 << 32, &text, &seal, e))
        return -1;
    buffer_free(&text);
    if (seal == SEAL_BROKEN)
        return fail(e, "'%s' is damaged: it is not what '%s.end' says of it; put it back, or --restart to begin anew",
                    c->path, c->path);
    if (fstat(fileno(c->file), &st) || st.st_size < keep)
        return fail(e, "'%s' has %lld bytes, but the checkpoint knows of %lld: put it back, or --restart to begin anew",
                    c->path, (long long)st.st_size, (long long)keep);
    if (seal_remove(c->path, e))
        return -1;
    if (ftruncate(fileno(c->file), keep) || fseek(c->file, 0, SEEK_END))
        return fail_as(e, EX_IOERR, "cannot cut '%s' to %lld bytes: %s", c->path, (long long)keep, strerror(errno));
    return 0;
}

int history_open(struct history *c, const char *path, const char *header, int64_t keep, struct error *e)
{
    c->path = xstrdup(path);
    if (!keep && seal_remove(path, e)) {
        history_close(c);
        return -1;
    }
    c->file = fopen(path, keep ? "r+" : "w");
    if (!c->file) {
        fail_as(e, EX_CANTCREAT, "cannot %s '%s': %s", keep ? "go on with" : "create", path, strerror(errno));
        history_close(c);
        return -1;
    }
    if (keep ? cut(c, keep, e) : history_row(c, e, "%s\n", header)) {
        history_close(c);
        return -1;
    }
    return 0;
}

int history_row(struct history *c, struct error *e, const char *format, ...)
{
    if (!c->file) /* another rank keeps it */
        return 0;
    va_list arguments;
    va_start(arguments, format);
    int written = vfprintf(c->file, format, arguments);
    va_end(arguments);
    /* a reader that plots while we train sees whole rows */
    if (written < 0 || fflush(c->file))
        return fail_as(e, EX_IOERR, "cannot write '%s': %s", c->path, strerror(errno));
    return 0;
}

int history_sync(struct history *c, int64_t *bytes, struct error *e)
{
    if (fflush(c->file) || fsync(fileno(c->file)) || (*bytes = ftell(c->file)) < 0)
        return fail_as(e, EX_IOERR, "cannot write '%s': %s", c->path, strerror(errno));
    return seal_publish(c->path, e);
}

void history_close(struct history *c)
{
    if (c->file)
        fclose(c->file);
    free(c->path);
    *c = (struct history){0};
}
