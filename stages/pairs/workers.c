/* SPDX-License-Identifier: Apache-2.0 */
/* workers -- -j N: N forked copies of a stage, and a parent that starts again what is killed.   task -> [pairs] -> train */
#include "stages/pairs/workers.h"
#include "common/log.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    (void)number;
    asked_to_stop = 1;
}

static void heed(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static pid_t start(const struct workers *w, struct tally *tally)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        die(EX_OSERR, "cannot start a worker: %s", strerror(errno));
    if (pid > 0)
        return pid;
    heed(SIG_DFL); /* until the stage has its own say */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before prctl could arrange for that */
        _exit(EX_TEMPFAIL);
    int code = w->work(w->context, tally);
    fflush(NULL);
    _exit(code);
}

static void stop_all(const pid_t *child, int count)
{
    for (int i = 0; i < count; i++)
        if (child[i] > 0)
            kill(child[i], SIGTERM);
    for (int i = 0; i < count; i++)
        if (child[i] > 0)
            while (waitpid(child[i], NULL, 0) < 0 && errno == EINTR) {
            }
}

static int place_of(const pid_t *child, int count, pid_t pid)
{
    for (int i = 0; i < count; i++)
        if (child[i] == pid)
            return i;
    return -1;
}

/* until every child has left with 0, one with another code, or a signal asks to stop */
static int supervise(const struct workers *w, struct tally *tally, pid_t *child)
{
    uint64_t batches_then = 0;
    int left = w->count, lost = 0;
    while (left > 0) {
        if (asked_to_stop)
            return EX_TEMPFAIL;
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        int i = pid > 0 ? place_of(child, w->count, pid) : -1;
        if (i < 0) {
            if (w->watch)
                w->watch(w->context, tally);
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
            continue;
        }
        child[i] = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EX_OK) {
            left--;
        } else if (WIFEXITED(status)) {
            return WEXITSTATUS(status);
        } else {
            uint64_t batches = tally->batches;
            lost = batches == batches_then ? lost + 1 : 1;
            batches_then = batches;
            if (lost >= WORKERS_LOST_MAX) {
                log_warn("%d workers in a row were killed (the last by signal %d) without making a batch", lost,
                         WTERMSIG(status));
                return EX_SOFTWARE;
            }
            log_note("worker %d was killed by signal %d and is started again", (int)pid, WTERMSIG(status));
            child[i] = start(w, tally);
        }
    }
    return EX_OK;
}

int workers_run(const struct workers *w, struct tally *total)
{
    assert(w->count > 0 && w->count <= WORKERS_MAX);
    pid_t child[WORKERS_MAX] = {0};
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        die(EX_OSERR, "cannot share memory with the workers: %s", strerror(errno));
    heed(on_signal);
    for (int i = 0; i < w->count; i++)
        child[i] = start(w, tally);
    int code = supervise(w, tally, child);
    stop_all(child, w->count);
    total->batches = tally->batches;
    total->boxes = tally->boxes;
    munmap(tally, sizeof *tally);
    return code;
}
