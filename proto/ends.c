/* SPDX-License-Identifier: Apache-2.0 */
/* ends -- what giver.c and taker.c share.   proto */
#include "proto/ends.h"

#include <signal.h>
#include <time.h>

void bell_make(struct bell *b)
{
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC); /* now_s()'s clock */
    pthread_cond_init(&b->news, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&b->lock, NULL);
}

void bell_free(struct bell *b)
{
    pthread_cond_destroy(&b->news);
    pthread_mutex_destroy(&b->lock);
}

void bell_lock(struct bell *b)
{
    pthread_mutex_lock(&b->lock);
}

void bell_unlock(struct bell *b)
{
    pthread_mutex_unlock(&b->lock);
}

void bell_ring(struct bell *b)
{
    pthread_cond_broadcast(&b->news);
}

bool bell_wait(struct bell *b, double until_s)
{
    if (until_s < 0) {
        pthread_cond_wait(&b->news, &b->lock);
        return true;
    }
    if (now_s() >= until_s)
        return false;
    struct timespec until = {.tv_sec = (time_t)until_s};
    until.tv_nsec = (long)((until_s - (double)until.tv_sec) * 1e9);
    pthread_cond_timedwait(&b->news, &b->lock, &until);
    return true;
}

void end_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(thread, NULL, run, argument))
        die(EX_OSERR, "cannot start a thread for a channel");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
