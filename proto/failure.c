/* SPDX-License-Identifier: Apache-2.0 */
/* failure -- RUN/FAILED: one stage's last sentence, for all the others.   proto
 *
 *     code LF program LF sentence LF node LF    linked into place: the first one wins, and is never seen in part */
#include "proto/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No allocation and no lock of ours: this may run because memory is gone, in any thread. */
void run_fail(const char *run_dir, int code, const char *sentence)
{
    char path[PATH_MAX], temporary[PATH_MAX], text[1500];
    if (snprintf(path, sizeof path, "%s/FAILED", run_dir) >= (int)sizeof path ||
        snprintf(temporary, sizeof temporary, "%s/FAILED.%ld.tmp", run_dir, (long)getpid()) >= (int)sizeof temporary)
        return;
    int length = snprintf(text, sizeof text, "%d\n%s\n%.1000s", code, program_name(), sentence);
    if (length < 0 || length >= (int)sizeof text - 1)
        return;
    for (char *c = strchr(strchr(text, '\n') + 1, '\n') + 1; *c; c++)
        if (*c == '\n')
            *c = ' ';
    const char *node = getenv("PETREL_NODE"); /* its log is RUN/logs/NODE.log */
    int const more = snprintf(text + length, sizeof text - (size_t)length, "\n%s\n", node ? node : "");
    if (more < 0 || (size_t)more >= sizeof text - (size_t)length)
        text[length++] = '\n';
    else
        length += more;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool whole = write(fd, text, (size_t)length) == length;
    if (close(fd) == 0 && whole && link(temporary, path) && errno != EEXIST)
        rename(temporary, path); /* a file system without hard links */
    unlink(temporary);
}

int run_check(const char *run_dir, struct error *e)
{
    char path[PATH_MAX], text[1500];
    if (snprintf(path, sizeof path, "%s/FAILED", run_dir) >= (int)sizeof path)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = '\0';
    char *rest = text;
    char *code = strsep(&rest, "\n"), *program = strsep(&rest, "\n"), *sentence = strsep(&rest, "\n");
    int number = atoi(code);
    if (!program || !sentence)
        return fail_as(e, EX_SOFTWARE, "the run failed, and '%s' does not say why", path);
    return fail_as(e, number > 0 && number < 256 ? number : EX_SOFTWARE, "%s: %s", program, sentence);
}
