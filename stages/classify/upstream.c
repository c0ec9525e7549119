/* SPDX-License-Identifier: Apache-2.0 */
/* upstream -- load, suv and roi as children of this very program.   [upstream] -> classify */
#include "stages/classify/upstream.h"
#include "common/child.h"
#include "common/file.h"
#include "common/log.h"
#include "proto/channel.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STAGES = 3, WORDS_MOST = 16 };

static const char *const program[STAGES] = {"petrel-load", "petrel-suv", "petrel-roi"};
static struct upstream {
    char run_dir[64], log[96];
    char *path[STAGES];
    char **word[STAGES];
    struct child child[STAGES];
    struct children children;
    pthread_t watcher;
    bool watched;
    _Atomic bool leaving;
} up;

/* ---- one child ---- */

static char *program_path(const char *name)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0)
        die(EX_OSERR, "cannot find my own folder: %s", strerror(errno));
    self[length] = '\0';
    *strrchr(self, '/') = '\0';
    return path_join(self, name);
}

static int become(void *context, size_t stage)
{
    (void)context;
    int const log = open(up.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        _exit(EX_CANTCREAT); /* at once: other threads' locks were copied as they were held */
    dup2(log, STDERR_FILENO);
    execv(up.path[stage], up.word[stage]);
    _exit(EX_UNAVAILABLE);
}

static void tell_killed(void *context, size_t stage, bool again)
{
    (void)context;
    const struct child *c = &up.child[stage];
    if (again)
        log_note("%s was killed by signal %d and is started again", program[stage], c->signal);
}

/* ---- all of them ---- */

static void tell_failed(size_t stage)
{
    char sentence[200];
    const struct child *c = &up.child[stage];
    if (!c->ended || c->code == EX_OK || c->code == EX_DATAERR || up.leaving)
        return;
    if (c->signal && c->code == EX_SOFTWARE)
        format_into(sentence, sizeof sentence, "%s was killed by signal %d again and again", program[stage], c->signal);
    else
        format_into(sentence, sizeof sentence, "%s ended with code %d", program[stage], c->code);
    run_fail(up.run_dir, c->code, sentence); /* what it said itself came first and stays */
}

/* Starts them, too: a child is tied to the thread that started it. */
static void *watch(void *nothing)
{
    struct error e = {0};
    if (children_start(&up.children, &e) < 0)
        run_fail(up.run_dir, EX_OSERR, e.text);
    for (size_t left = 1; left > 0;) {
        if (up.leaving && !up.children.asked)
            children_ask(&up.children);
        left = children_look(&up.children);
        for (size_t i = 0; i < STAGES; i++)
            tell_failed(i);
        nanosleep(&(struct timespec){.tv_nsec = CHILD_LOOK_MS * 1000000L}, NULL);
    }
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
    (void)upstream_end();
}

int upstream_start(char **scan, size_t scans, const char *units, const char *settings, const char **run_dir,
                   struct error *e)
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
    char *given = xprintf("--units=%s", units);
    char **load = xalloc(scans + WORDS_MOST, sizeof *load);
    char *first[] = {"petrel-load", "--run", run, "--channel-out", "volumes", "--recipe", recipe, given, "--"};
    memcpy(load, first, sizeof first);
    memcpy(load + COUNT_OF(first), scan, scans * sizeof *scan);
    static char *suv[] = {"petrel-suv", "--run", up.run_dir, "--in", "volumes", "--out", "suv", NULL};
    static char *roi[] = {"petrel-roi", "--run", up.run_dir, "--in", "suv", "--out", "regions", "--recipe", NULL, NULL};
    roi[8] = recipe;
    up.word[0] = load; /* kept: they may be started again */
    up.word[1] = suv;
    up.word[2] = roi;
    for (size_t i = 0; i < STAGES; i++)
        up.path[i] = program_path(program[i]);
    up.children = (struct children){
        .count = STAGES, .child = up.child, .run = become, .killed = tell_killed, .on_parent_death = SIGTERM};
    if (publish_bytes(recipe, settings, strlen(settings), e) < 0)
        return -1;
    if (pthread_create(&up.watcher, NULL, watch, NULL) != 0)
        return fail_as(e, EX_OSERR, "cannot watch over petrel-load, petrel-suv and petrel-roi: no more threads");
    up.watched = true;
    return 0;
}

int upstream_end(void)
{
    if (up.watched)
        pthread_join(up.watcher, NULL);
    up.watched = false;
    if (!up.leaving)
        pass_warnings();
    dir_remove(up.run_dir);
    up.run_dir[0] = '\0';
    return children_code(&up.children);
}
