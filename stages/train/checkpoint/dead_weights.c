/* SPDX-License-Identifier: Apache-2.0 */
/* dead_weights -- first values of dead taps, in a file without a name.   [train] */
#include "stages/train/checkpoint/dead_weights.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of it, or -1 and errno. */
static int write_all(int fd, const char *from, size_t bytes)
{
    while (bytes) {
        ssize_t n = write(fd, from, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        from += n;
        bytes -= (size_t)n;
    }
    return 0;
}

static int read_all(int fd, char *to, size_t bytes, off_t at)
{
    while (bytes) {
        ssize_t n = pread(fd, to, bytes, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        to += n;
        at += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int dead_weights_open(struct dead_weights *f, struct params *p, const char *run, const char *name, struct error *e)
{
    *f = (struct dead_weights){.fd = -1};
    if (!p->dead_weights) /* nothing is dead, or nobody here writes models */
        return 0;
    char *base = xprintf(".%s-dead.XXXXXX.tmp", name),
         *path = path_join(run, base); /* the name is swept should we die here */
    int result = 0;
    f->at = xalloc(p->count, sizeof *f->at);
    f->digest = xalloc(p->count, sizeof *f->digest);
    f->fd = mkostemps(path, (int)strlen(".tmp"), O_CLOEXEC);
    if (f->fd < 0)
        result = fail_as(e, EX_CANTCREAT, "cannot make a file in '%s' for %zu MiB of first values: %s", run,
                         p->dead >> 18, strerror(errno));
    else if (unlink(path) || write_all(f->fd, (const char *)p->dead_weights, p->dead * sizeof *p->dead_weights))
        result = fail_as(e, EX_IOERR, "cannot keep %zu MiB of first values in '%s': %s", p->dead >> 18, run,
                         strerror(errno));
    for (size_t i = 0; i < p->count; i++) {
        struct param *q = &p->param[i];
        if (!q->dead)
            continue;
        f->at[i] = (size_t)(q->dead_weights - p->dead_weights);
        f->digest[i] = bytes_xxh3(q->dead_weights, q->dead * sizeof *q->dead_weights);
        q->dead_weights = NULL;
    }
    free(p->dead_weights);
    p->dead_weights = NULL;
    free(base);
    free(path);
    return result;
}

int dead_weights_borrow(struct dead_weights *f, const struct params *p, struct param *q, struct error *e)
{
    size_t i = (size_t)(q - p->param), bytes = q->dead * sizeof *q->dead_weights;
    if (!q->dead || !f->at)
        return 0;
    q->dead_weights = f->now = xalloc(bytes, 1);
    if (read_all(f->fd, (char *)f->now, bytes, (off_t)(f->at[i] * sizeof *q->dead_weights)))
        return fail_as(e, EX_IOERR, "cannot read the first values of '%s' again: %s", q->name, strerror(errno));
    if (bytes_xxh3(f->now, bytes) != f->digest[i])
        return fail_as(e, EX_IOERR, "the first values of '%s' came back from the disk other than they were", q->name);
    return 0;
}

void dead_weights_return(struct dead_weights *f, struct param *q)
{
    if (!f->now)
        return;
    free(f->now);
    q->dead_weights = f->now = NULL;
}

void dead_weights_close(struct dead_weights *f)
{
    if (f->at && f->fd >= 0)
        close(f->fd);
    free(f->at);
    free(f->digest);
    free(f->now);
    *f = (struct dead_weights){.fd = -1};
}
