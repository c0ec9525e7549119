/* SPDX-License-Identifier: Apache-2.0 */
/* workers -- -j N: N forked copies of a stage, and a parent that starts again what is killed.   task -> [pairs] -> train */
#include "stages/pairs/workers.h"
#include "common/child.h"
#include "common/log.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

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

struct crew {
    const struct workers *workers;
    struct tally *tally;
    struct child child[WORKERS_MAX];
};

static int work(void *context, size_t which)
{
    struct crew *crew = context;
    (void)which;
    heed(SIG_DFL); /* until the stage has its own say */
    return crew->workers->work(crew->workers->context, crew->tally);
}

static void tell_killed(void *context, size_t which, bool again)
{
    const struct crew *crew = context;
    const struct child *c = &crew->child[which];
    if (again)
        log_note("worker %zu was killed by signal %d and is started again", which + 1, c->signal);
    else if (!asked_to_stop)
        log_warn("worker %zu was killed by signal %d after %d restarts, and is not started again", which + 1, c->signal,
                 c->kills);
}

/* until every child has left with 0, one with another code, or a signal asks to stop */
static int supervise(const struct workers *w, struct children *all, const struct tally *tally)
{
    while (children_look(all) > 0) {
        if (asked_to_stop)
            return EX_TEMPFAIL;
        for (size_t i = 0; i < all->count; i++)
            if (all->child[i].ended && all->child[i].code != EX_OK)
                return all->child[i].code;
        if (w->watch)
            w->watch(w->context, tally);
        nanosleep(&(struct timespec){.tv_nsec = CHILD_LOOK_MS * 1000000L}, NULL);
    }
    return children_code(all);
}

int workers_run(const struct workers *w, struct tally *total)
{
    assert(w->count > 0 && w->count <= WORKERS_MAX);
    struct error e = {0};
    struct crew *crew = xalloc(1, sizeof *crew);
    struct tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        die(EX_OSERR, "cannot share memory with the workers: %s", strerror(errno));
    *crew = (struct crew){.workers = w, .tally = tally};
    struct children all = {.count = (size_t)w->count,
                           .child = crew->child,
                           .run = work,
                           .killed = tell_killed,
                           .context = crew,
                           .on_parent_death = SIGTERM};
    heed(on_signal);
    if (children_start(&all, &e) < 0)
        die_of(&e);
    int code = supervise(w, &all, tally);
    children_ask(&all);
    while (children_look(&all) > 0)
        nanosleep(&(struct timespec){.tv_nsec = CHILD_LOOK_MS * 1000000L}, NULL);
    total->batches = tally->batches;
    total->boxes = tally->boxes;
    munmap(tally, sizeof *tally);
    free(crew);
    return code;
}
