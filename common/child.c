/* SPDX-License-Identifier: Apache-2.0 */
/* child -- processes of ours, kept running.   common */
#include "common/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const double pause_s[] = {0.1, 0.2, 0.5, 1, 2};

/* ---- one ---- */

pid_t child_fork(int on_parent_death, struct error *e)
{
    pid_t const parent = getpid();
    fflush(NULL);
    pid_t const pid = fork();
    if (pid < 0)
        return fail_as(e, EX_OSERR, "cannot start a process: %s", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, on_parent_death);
        if (getppid() != parent) /* it died before prctl could arrange for that */
            _exit(EX_TEMPFAIL);
    }
    return pid;
}

int child_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

int child_signal(int status)
{
    enum { SHELLS = 128 };
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    return WIFEXITED(status) && WEXITSTATUS(status) > SHELLS && WEXITSTATUS(status) < SHELLS + 65
               ? WEXITSTATUS(status) - SHELLS
               : 0;
}

bool child_faulted(int number)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ, SIGPROF};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (own[i] == number)
            return true;
    return false;
}

/* ---- many ---- */

static int start(struct children *c, size_t which, struct error *e)
{
    struct child *one = &c->child[which];
    pid_t const pid = child_fork(c->on_parent_death, e);
    if (pid == 0) {
        int const code = c->run(c->context, which);
        fflush(NULL);
        _exit(code);
    }
    if (pid < 0)
        return -1;
    one->pid = pid;
    one->begun_s = now_s();
    if (c->asked) /* while it was being started */
        kill(pid, SIGTERM);
    return 0;
}

int children_start(struct children *c, struct error *e)
{
    for (size_t i = 0; i < c->count; i++)
        if (start(c, i, e) < 0)
            return -1;
    return 0;
}

static double pause_of(struct child *one)
{
    size_t const last = COUNT_OF(pause_s) - 1, n = (size_t)one->in_a_row++;
    return pause_s[n < last ? n : last];
}

static void note_kill(struct children *c, size_t which, int signal)
{
    struct child *one = &c->child[which];
    double const now = now_s();
    if (now - one->begun_s >= CHILD_WELL_S)
        one->in_a_row = one->faults = 0;
    one->signal = signal;
    one->faults = child_faulted(signal) ? one->faults + 1 : 0;
    bool const again = !c->asked && one->faults < CHILD_FAULTS_MAX && one->kills < CHILD_RESTARTS_MAX;
    if (again) {
        one->kills++;
        one->again_s = now + pause_of(one);
    } else {
        one->ended = true;
        one->code = c->asked ? EX_TEMPFAIL : EX_SOFTWARE;
    }
    if (c->killed)
        c->killed(c->context, which, again);
}

static void look_at(struct children *c, size_t which)
{
    struct child *one = &c->child[which];
    struct error e = {0};
    int status;
    if (one->pid) {
        pid_t const got = waitpid(one->pid, &status, WNOHANG);
        if (got == 0 || (got < 0 && errno == EINTR))
            return;
        one->pid = 0;
        if (got > 0 && child_signal(status)) {
            note_kill(c, which, child_signal(status));
        } else {
            one->ended = true;
            one->code = c->asked ? EX_TEMPFAIL : got > 0 ? WEXITSTATUS(status) : EX_SOFTWARE;
        }
    } else if (c->asked) {
        one->ended = true;
        one->code = EX_TEMPFAIL;
    } else if (now_s() >= one->again_s && start(c, which, &e) < 0) {
        one->again_s = now_s() + pause_of(one); /* the system has no room for it at the moment */
    }
}

static void signal_all(const struct children *c, int number)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->child[i].pid > 0)
            kill(c->child[i].pid, number);
}

size_t children_look(struct children *c)
{
    size_t left = 0;
    if (c->asked && now_s() - c->asked_s > CHILD_PATIENCE_S)
        children_ask(c);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->child[i].ended)
            look_at(c, i);
        left += !c->child[i].ended;
    }
    return left;
}

void children_ask(struct children *c)
{
    c->asked_s = now_s();
    signal_all(c, c->asked++ ? SIGKILL : SIGTERM);
}

int children_code(const struct children *c)
{
    static const int mild[] = {EX_OK, EX_DATAERR, EX_TEMPFAIL};
    size_t worst = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t rank = 0;
        while (rank < COUNT_OF(mild) && mild[rank] != c->child[i].code)
            rank++;
        if (rank == COUNT_OF(mild))
            return c->child[i].code;
        worst = rank > worst ? rank : worst;
    }
    return mild[worst];
}
