/* SPDX-License-Identifier: Apache-2.0 */
/* common_child -- run a function in a child process and keep what it said, for tests of what dies or prints.   tests */
#ifndef PETREL_TESTS_COMMON_CHILD_H
#define PETREL_TESTS_COMMON_CHILD_H
#include "common/base.h"
#include "common/file.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* A directory of the test's own; child_dir_remove() takes it away with all it holds. */
static inline char *child_dir_make(void)
{
    const char *top = getenv("TMPDIR");
    char *dir = xprintf("%s/petrel-unit.XXXXXX", top && *top ? top : "/tmp");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static inline void child_dir_remove(char *dir)
{
    char *command = xprintf("rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
    free(command);
    free(dir);
}

/* Exit code of the child that runs act(context) and then leaves with 0; all it prints in text (cut to its size). */
static inline int child_run(void (*act)(void *context), void *context, char *text, size_t size)
{
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipe_ends[1], STDOUT_FILENO);
        dup2(pipe_ends[1], STDERR_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        act(context);
        fflush(NULL);
        _exit(0);
    }
    close(pipe_ends[1]);
    size_t used = 0;
    char spill[512];
    for (ssize_t got; (got = read(pipe_ends[0], spill, sizeof spill)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            if (used + 1 < size)
                text[used++] = spill[i];
    text[used] = '\0';
    close(pipe_ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define assert_says(text, part)                                                                                        \
    do {                                                                                                               \
        if (!strstr(text, part))                                                                                       \
            fail_msg("'%s' is not in: %s", part, text);                                                                \
    } while (0)
#endif
