/* SPDX-License-Identifier: Apache-2.0 */
/* upstream -- load, suv and roi as children of this very program.   [upstream] -> classify */
#include "stages/classify/upstream.h"
#include "common/file.h"
#include "common/log.h"
#include "proto/channel.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STAGES = 3, WORDS_MOST = 16 };

static const char *const program[STAGES] = {"petrel-load", "petrel-suv", "petrel-roi"};
static struct upstream {
    char run_dir[64], log[96];
    pid_t child[STAGES];
    size_t started;
    pthread_t watcher;
    bool watched, leaving;
    int worst;
} up;

/* ---- one child ---- */

static int start(size_t stage, char *const word[], struct error *e)
{
    char *path = program_beside(program[stage]);
    int log = open(up.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t pid = log < 0 ? -1 : fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(log, STDERR_FILENO);
        execv(path, word);
        _exit(EX_UNAVAILABLE);
    }
    int result = pid > 0 ? 0 : fail_as(e, EX_OSERR, "cannot start %s: %s", program[stage], strerror(errno));
    if (log >= 0)
        close(log);
    free(path);
    if (pid > 0)
        up.child[up.started++] = pid;
    return result;
}

/* ---- all of them ---- */

static void note_end(pid_t pid, int status)
{
    char sentence[200];
    size_t i = 0;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
    while (i < up.started && up.child[i] != pid)
        i++;
    if (i == up.started)
        return;
    if (code != EX_OK && (up.worst == EX_OK || up.worst == EX_DATAERR))
        up.worst = code; /* a failure is worse than a refusal */
    if (code == EX_OK || code == EX_DATAERR || up.leaving)
        return;
    if (WIFSIGNALED(status))
        format_into(sentence, sizeof sentence, "%s was killed by signal %d: run it again", program[i], WTERMSIG(status));
    else
        format_into(sentence, sizeof sentence, "%s ended with code %d", program[i], code);
    run_fail(up.run_dir, code, sentence); /* what it said itself came first and stays */
}

static void *watch(void *nothing)
{
    int status;
    for (pid_t pid; (pid = wait(&status)) > 0 || errno == EINTR;)
        if (pid > 0)
            note_end(pid, status);
    return nothing;
}

/* Their log has a line a message; failure is in the run directory, so what is left to pass on is
 *     program=petrel-load level=warning text="..."
 * Refusals too: through the channel they come with names hashed, and people here know the files by their own. */
static void pass_warnings(void)
{
    static const char mark[] = " level=warning text=\"";
    struct buffer log = {0};
    struct error e = {0};
    if (file_read(up.log, (size_t)1 << 26, &log, &e) < 0)
        return;
    char *rest = (char *)log.data, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *text = strstr(line, mark), *to = text;
        if (text == NULL)
            continue;
        for (char *c = text + strlen(mark); *c != '\0' && *c != '"'; c++) {
            c += *c == '\\' && c[1] != '\0';
            *to++ = *c;
        }
        *to = '\0';
        log_warn("%s", text);
    }
    buffer_free(&log);
}

/* However we leave: nothing of ours stays behind. */
static void clear_up(void)
{
    if (up.run_dir[0] == '\0')
        return;
    up.leaving = true;
    for (size_t i = 0; i < up.started; i++)
        kill(up.child[i], SIGTERM);
    (void)upstream_end();
}

int upstream_start(char **scan, size_t scans, const struct upstream_words *given, const char *settings,
                   const char **run_dir, struct error *e)
{
    const char *tmp = getenv("TMPDIR");
    format_into(up.run_dir, sizeof up.run_dir, "%.40s/petrel-XXXXXX", tmp != NULL && strlen(tmp) <= 40 ? tmp : "/tmp");
    if (mkdtemp(up.run_dir) == NULL) {
        fail_as(e, EX_CANTCREAT, "cannot make a run directory '%s': %s", up.run_dir, strerror(errno));
        up.run_dir[0] = '\0';
        return -1;
    }
    *run_dir = up.run_dir;
    atexit(clear_up);
    format_into(up.log, sizeof up.log, "%s/log", up.run_dir);
    char *recipe = path_join(up.run_dir, "recipe.conf"), *run = up.run_dir;
    char *units = xprintf("--units=%s", given->units);
    char **load = xalloc(scans + 2 * given->override.count + WORDS_MOST, sizeof *load);
    char *first[] = {"petrel-load", "--run", run, "--channel-out", "volumes", "--recipe", recipe, units};
    size_t count = COUNT_OF(first);
    memcpy(load, first, sizeof first);
    for (size_t i = 0; i < given->override.count; i++) {
        load[count++] = "--override";
        load[count++] = (char *)(uintptr_t)given->override.value[i]; /* execv changes no word */
    }
    load[count++] = "--";
    memcpy(load + count, scan, scans * sizeof *scan);
    char *accept = given->accept_implausible ? "--accept-implausible" : "--no-accept-implausible";
    char *suv[] = {"petrel-suv", "--run", run, "--in", "volumes", "--out", "suv", accept, "--recipe", recipe, NULL};
    char *roi[] = {"petrel-roi", "--run", run, "--in", "suv", "--out", "regions", "--recipe", recipe, NULL};
    char *const *const words[STAGES] = {load, suv, roi};
    int rc = publish_bytes(recipe, settings, strlen(settings), e);
    for (size_t i = 0; i < STAGES && rc == 0; i++)
        rc = start(i, words[i], e);
    if (rc == 0 && pthread_create(&up.watcher, NULL, watch, NULL) != 0)
        rc = fail_as(e, EX_OSERR, "cannot watch over petrel-load, petrel-suv and petrel-roi: no more threads");
    up.watched = rc == 0;
    free(load);
    free(units);
    free(recipe);
    return rc;
}

int upstream_end(void)
{
    if (up.watched)
        pthread_join(up.watcher, NULL);
    if (!up.leaving)
        pass_warnings();
    dir_remove(up.run_dir);
    up.run_dir[0] = '\0';
    return up.worst;
}
