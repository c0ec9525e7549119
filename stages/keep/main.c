/* SPDX-License-Identifier: Apache-2.0 */
/* petrel-keep -- one node of a pipeline: a program, kept running.   pipelines/lib.sh -> [keep] -> the program
 *
 * Starts it with its stderr in RUN/logs/NAME.log, starts it again when a signal kills it (common/child.h has the rules), passes
 * on that it should leave, writes RUN/FAILED should it fail without having said so, and at its end its code to
 * RUN/logs/NAME.exit. Killed itself, it takes the program with it, and the pipeline starts it again. */
#include "common/child.h"
#include "common/file.h"
#include "common/log.h"
#include "common/opts.h"
#include "proto/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds for our own word to come after a Ctrl-C, which reaches the program first. */
static const double WORD_S = 2;
enum { NOT_FOUND = 127, LAST_LINE_ROOM = 4096 };

static volatile sig_atomic_t terms; /* how often we were told to end it */

static void on_term(int number)
{
    (void)number;
    terms++;
}

struct node {
    const char *name, *run_dir;
    char **command;
    char *log;
    int log_to;
    struct child child;
};

static int become(void *context, size_t which)
{
    struct node *n = context;
    (void)which;
    signal(SIGTERM, SIG_DFL);
    dup2(n->log_to, STDERR_FILENO);
    execvp(n->command[0], n->command);
    dprintf(STDERR_FILENO, "%s: cannot start '%s': %s\n", n->name, n->command[0],
            errno == ENOENT ? "not found" : strerror(errno));
    return NOT_FOUND;
}

static void tell_killed(void *context, size_t which, bool again)
{
    struct node *n = context;
    (void)which;
    const struct metric_pair pair[] = {metric_number("signal", NULL, n->child.signal)};
    if (again)
        metric_event("killed", pair, COUNT_OF(pair));
    if (again)
        dprintf(n->log_to, "%s: killed by signal %d, started again\n", n->name, n->child.signal);
    else if (!terms)
        dprintf(n->log_to, "%s: killed by signal %d after %d restarts, not started again\n", n->name, n->child.signal,
                n->child.kills);
}

/* The last line it wrote: a program that ended without a word to the run said it there. */
static void last_line(const struct node *n, char *to, size_t size)
{
    char text[LAST_LINE_ROOM];
    int const from = open(n->log, O_RDONLY | O_CLOEXEC);
    off_t const end = from < 0 ? 0 : lseek(from, 0, SEEK_END);
    ssize_t const got =
        from < 0 ? 0 : pread(from, text, sizeof text - 1, end > LAST_LINE_ROOM - 1 ? end - LAST_LINE_ROOM + 1 : 0);
    if (from >= 0)
        close(from);
    size_t length = got > 0 ? (size_t)got : 0;
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    const char *line = strrchr(text, '\n');
    snprintf(to, size, "%.*s", (int)size - 1, line ? line + 1 : text);
}

static void tell_failed(const struct node *n, int code)
{
    char sentence[1000];
    last_line(n, sentence, sizeof sentence);
    if (!*sentence)
        format_into(sentence, sizeof sentence, "ended with code %d", code);
    program_name_set(n->name);
    run_fail(n->run_dir, code, sentence); /* the first one wins */
}

static void look_wait(void)
{
    nanosleep(&(struct timespec){.tv_nsec = CHILD_LOOK_MS * 1000000L}, NULL);
}

/* Until it has ended; false: the pipeline was killed meanwhile, and nobody is left to report to. */
static bool watch(struct children *c)
{
    pid_t const pipeline = getppid();
    int told = 0;
    while (children_look(c) > 0) {
        bool const orphan = getppid() != pipeline;
        for (; told < terms || (orphan && !c->asked); told += told < terms)
            children_ask(c);
        look_wait();
    }
    return getppid() == pipeline;
}

int main(int argc, char **argv)
{
    struct node n = {.run_dir = getenv("PETREL_RUN_DIR")};
    struct option table[] = {
        {"run", OPT_STRING, &n.run_dir, "DIR", 0, 0, "run directory (default PETREL_RUN_DIR)", 0, NULL},
    };
    struct opts o = {.program = "petrel-keep",
                     .usage = "[--run DIR] -- NAME COMMAND...",
                     .purpose = "keeps one program of a pipeline running",
                     .table = table,
                     .count = COUNT_OF(table)};
    struct error e = {0};
    if (opts_parse(&o, argc, argv, &e) < 0)
        die_of(&e);
    if (o.rest_count < 2)
        die(EX_USAGE, "nothing to keep: petrel-keep -- NAME COMMAND...");
    if (!n.run_dir || !*n.run_dir)
        die(EX_USAGE, "no run directory: give --run DIR or set PETREL_RUN_DIR");
    n.name = o.rest[0];
    n.command = xalloc(o.rest_count, sizeof *n.command); /* rest does not end in NULL */
    memcpy(n.command, o.rest + 1, (o.rest_count - 1) * sizeof *n.command);
    n.log = xprintf("%s/logs/%s.log", n.run_dir, n.name);
    n.log_to = open(n.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (n.log_to < 0)
        die(EX_CANTCREAT, "cannot write '%s': %s", n.log, strerror(errno));
    setenv("PETREL_NODE", n.name, 1);
    signal(SIGTERM, on_term);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C goes to everyone; the pipeline's word is ours */
    signal(SIGHUP, SIG_IGN);

    struct children all = {.count = 1,
                           .child = &n.child,
                           .run = become,
                           .killed = tell_killed,
                           .context = &n,
                           .on_parent_death = SIGKILL}; /* at once: another keeper starts another one */
    if (children_start(&all, &e) < 0)
        die_of(&e);
    if (!watch(&all))
        return EX_TEMPFAIL;
    int const code = n.child.code;
    if (code != EX_OK && code != EX_DATAERR && code != EX_TEMPFAIL)
        tell_failed(&n, code);
    /* 75 without our asking: a Ctrl-C reached the program itself, and our word is on its way; or somebody stopped this one program,
     * and without it the others would wait for ever */
    if (code == EX_TEMPFAIL && !all.asked) {
        for (double const until = now_s() + WORD_S; !terms && now_s() < until;)
            look_wait();
        if (!terms)
            tell_failed(&n, code);
    }
    char *end = xprintf("%s/logs/%s.exit", n.run_dir, n.name), text[8];
    format_into(text, sizeof text, "%d\n", code);
    if (publish_bytes(end, text, strlen(text), &e) < 0)
        die_of(&e);
    return code;
}
