/* SPDX-License-Identifier: Apache-2.0 */
/* upstream -- load, suv and roi as children of this very program.   [upstream] -> classify */
#include "stages/classify/upstream.h"
#include "common/child.h"
#include "common/file.h"
#include "common/log.h"
#include "common/pseudonym.h"
#include "proto/channel.h"
#include "stages/classify/words.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STAGES = 3 };

static const char *const program[STAGES] = {"petrel-load", "petrel-suv", "petrel-roi"};
static struct upstream {
    char run_dir[64], log[96], progress[96];
    char *path[STAGES];
    char **word[STAGES], **environment;
    struct child child[STAGES];
    struct children children;
    pthread_t watcher;
    bool watched;
    _Atomic bool leaving;
} up;

/* ---- one child ---- */

static int become(void *context, size_t stage)
{
    (void)context;
    int const log = open(up.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        _exit(EX_CANTCREAT); /* at once: other threads' locks were copied as they were held */
    dup2(log, STDERR_FILENO);
    environ = up.environment;
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

/* Failure is in the run directory; what is left to pass on is what they warned of, once, though one was started again. Refusals
 * too: through the channel they come with names hashed, and people here know the files by their own. */
static void pass_warning(void *context, const char *process, const struct metric_record *r)
{
    struct names *said = context;
    (void)process;
    const char *name = metric_record_text(r, "name"), *text = metric_record_text(r, "text");
    bool const refused = strcmp(name, "refused") == 0;
    if (!refused && strcmp(name, "warning") != 0)
        return;
    char *whole = xprintf("%s\n%s", metric_record_text(r, "scan"), text);
    for (size_t i = 0; i < said->count; i++)
        if (strcmp(said->name[i], whole) == 0) {
            free(whole);
            return;
        }
    said->name = xresize(said->name, said->count + 1, sizeof *said->name);
    said->name[said->count++] = whole;
    if (refused)
        log_refused(metric_record_text(r, "scan"), text);
    else
        log_warn("%s", text);
}

static void pass_warnings(void)
{
    struct names said = {0};
    struct metric_reader *m = metric_reader_open(up.progress);
    metric_reader_look(m, pass_warning, NULL, &said);
    metric_reader_close(&m);
    names_free(&said);
}

/* However we leave: nothing of ours stays behind. */
static void clear_up(void)
{
    if (up.run_dir[0] == '\0')
        return;
    up.leaving = true;
    (void)upstream_end();
}

/* Ours, but that they tell of their progress in a directory of their own. */
static char **environment_make(void)
{
    static const char key[] = "PETREL_PROGRESS_DIR=";
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **own = xalloc(n + 2, sizeof *own);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], key, sizeof key - 1) != 0)
            own[kept++] = environ[i];
    own[kept] = xprintf("%s%s", key, up.progress);
    return own;
}

/* A program's words, NULL after the last; execv changes none of them. */
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
    format_into(up.progress, sizeof up.progress, "%s/progress", up.run_dir);
    if (dir_make(up.progress, e) < 0)
        return -1;
    /* what stands for names of files lies beside the results: petrel-load's to write, ours to read (stage_open) */
    char *names = pseudonyms_path(given->out);
    setenv("PETREL_NAMES", names, 1);
    free(names);
    up.environment = environment_make();
    char *recipe = path_join(up.run_dir, "recipe.conf"), *run = up.run_dir;
    char *units = xprintf("--units=%s", given->units);
    struct words load = {0}, suv = {0}, roi = {0};
    words_add_all(
        &load, (const char *[]){program[0], "--run", run, "--channel-out", "volumes", "--recipe", recipe, units, NULL});
    for (size_t i = 0; i < given->override.count; i++)
        words_add_option(&load, "--override", given->override.value[i]);
    words_add_option(&load, "--regions", given->regions);
    words_add_option(&load, "--organs", given->organs);
    words_add_option(&load, "--organs-of", given->organs_of);
    if (given->keep_identifiers)
        words_add(&load, "--keep-identifiers");
    words_add(&load, "--");
    for (size_t i = 0; i < scans; i++)
        words_add(&load, scan[i]);
    words_add_all(
        &suv, (const char *[]){program[1], "--run", run, "--in", "volumes", "--out", "suv", "--recipe", recipe, NULL});
    if (given->accept_implausible)
        words_add(&suv, "--accept-implausible");
    words_add_all(&roi, (const char *[]){program[2], "--run", run, "--in", "suv", "--out", "regions", "--with-scan",
                                         "--recipe", recipe, NULL});
    words_add_option(&roi, "--roi-method", given->roi_method ? given->roi_method : given->regions ? "given" : NULL);
    words_add_option(&roi, "--given-parts", given->given_parts);
    words_add_option(&roi, "--liver", given->liver);
    up.word[0] = load.word; /* kept: they may be started again */
    up.word[1] = suv.word;
    up.word[2] = roi.word;
    for (size_t i = 0; i < STAGES; i++)
        up.path[i] = program_beside(program[i]);
    up.children = (struct children){
        .count = STAGES, .child = up.child, .run = become, .killed = tell_killed, .on_parent_death = SIGTERM};
    int const published = publish_bytes(recipe, settings, strlen(settings), e);
    free(units);
    free(recipe);
    if (published < 0)
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
