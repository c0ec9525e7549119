/* SPDX-License-Identifier: Apache-2.0 */
/* condition -- a lock, and waiting for what it guards to change.   proto */
#include "proto/condition.h"

#include <time.h>

void condition_open(struct condition *b)
{
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC); /* now_s()'s clock */
    pthread_cond_init(&b->news, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&b->lock, NULL);
}

void condition_close(struct condition *b)
{
    pthread_cond_destroy(&b->news);
    pthread_mutex_destroy(&b->lock);
}

void condition_lock(struct condition *b)
{
    pthread_mutex_lock(&b->lock);
}

void condition_unlock(struct condition *b)
{
    pthread_mutex_unlock(&b->lock);
}

void condition_notify(struct condition *b)
{
    pthread_cond_broadcast(&b->news);
}

bool condition_wait(struct condition *b, double until_s)
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
